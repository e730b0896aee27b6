"""ARP and neighbour discovery for the addresses of routers: every switch answers, whoever asks (RFC 826, RFC 4861).

Requests to a router's MAC itself are answered as broadcasts are.  No port may claim what is a router's: frames with its
MAC or its addresses as their source go nowhere, whatever the port's own checks allow it.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Action, Flow, field, in_order, move, put
from controller.model.reader import Reader
from controller.model.rows import RouterInterface

from ..arp import REQUEST, reply
from ..matches import ARP, ICMPV6, IPV4, IPV6, UNTAGGED, of_network
from ..pipeline import ADVERTISE, ANSWER, HIGH, HIGHEST, PERMITTED, USUAL
from ..source import NEIGHBOR_ADVERTISEMENT, NEIGHBOR_SOLICITATION
from .interface import LiveInterface, live

SOLICITED = (IPV6, ICMPV6, NEIGHBOR_SOLICITATION, field("icmpv6_code", 0), field("ip_ttl", 255))  # RFC 4861, 7.1.1
_ROUTER_SOLICITED_OVERRIDE, _ROUTER_OVERRIDE = 0xE0000000, 0xA0000000  # flags of an advertisement (4.4)
SOLICITED_OVERRIDE = 0x60000000  # of one that is no router's
_TARGET_ADDRESS = 2  # the option with the MAC
_TO_ALL = (put("eth_dst", "33:33:00:00:00:01"), put("ipv6_dst", "ff02::1"))
TO_ASKER = (move("eth_src", "eth_dst"), move("ipv6_src", "ipv6_dst"))


def router_interface(interface: RouterInterface, see: Reader) -> Iterator[Flow]:
    here = live(interface, see)
    if here is None:
        return
    yield Flow(ANSWER, HIGHEST, in_order(field("eth_src", here.mac), of_network(here.segment)))
    for address in here.answered:
        yield from _six(here, address) if ":" in address else _four(here, address)


def _four(here: LiveInterface, address: str) -> Iterator[Flow]:
    network = of_network(here.segment)
    asked = in_order(ARP, UNTAGGED, REQUEST, field("arp_tpa", address), network)
    yield Flow(ANSWER, USUAL, asked, reply(here.mac), goto=PERMITTED)
    yield Flow(ANSWER, HIGHEST, in_order(ARP, field("arp_spa", address), network))
    yield Flow(ANSWER, HIGHEST, in_order(IPV4, field("ipv4_src", address), network))


def advertisement(mac: str, address: str, flags: int) -> tuple[Action, ...]:
    """What makes a solicitation an advertisement by `mac`, but for the MAC in it, which `advertise` adds."""
    said = (put("eth_src", mac), put("ipv6_src", address), put("nd_options_type", _TARGET_ADDRESS))
    return *said, put("nd_reserved", flags), put("icmpv6_type", 136)


def _six(here: LiveInterface, address: str) -> Iterator[Flow]:
    """Solicitations are turned into advertisements, but for the MAC, which `advertise` adds."""
    network, target = of_network(here.segment), field("nd_target", address)
    answer = advertisement(here.mac, address, _ROUTER_SOLICITED_OVERRIDE)
    yield Flow(ANSWER, USUAL, in_order(*SOLICITED, UNTAGGED, target, network), (*TO_ASKER, *answer), goto=ADVERTISE)
    detecting = in_order(*SOLICITED, UNTAGGED, field("ipv6_src", "::"), target, network)  # RFC 4862, 5.4
    answer = advertisement(here.mac, address, _ROUTER_OVERRIDE)
    yield Flow(ANSWER, HIGH, detecting, (*_TO_ALL, *answer), goto=ADVERTISE)
    yield Flow(ANSWER, HIGHEST, in_order(IPV6, ICMPV6, NEIGHBOR_ADVERTISEMENT, target, network))
    yield Flow(ANSWER, HIGHEST, in_order(IPV6, field("ipv6_src", address), network))


IN_NETWORK = {"router_interface": router_interface}
