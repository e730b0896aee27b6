"""Packets to a router's own addresses: echo requests are answered (RFC 792, RFC 4443), whichever network they are from.

The reply passes the sender's filter like any packet to it.  Of a fragmented request each fragment is sent back: the
first one's checksum covers all, and the others have no type.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Action, Flow, field, in_order, load, move, pop, push, put
from controller.model.reader import Reader
from controller.model.rows import RouterInterface

from ..pipeline import (
    ERRORS,
    FAULT,
    FORWARDED,
    HIGH,
    ICMP,
    ICMPV6,
    IPV4,
    IPV6,
    ITSELF,
    OWN_ADDRESS,
    ROUTER,
    TURN_BACK_FILTERED,
    USUAL,
)
from ..security.stages import LATER
from .interface import live

_IPV6_FRAGMENT = field("ip_proto", 44)  # what Open vSwitch sees of later fragments of IPv6
_SWAP_MACS: tuple[Action, ...] = (push("eth_dst"), move("eth_src", "eth_dst"), pop("eth_src"))
_TTL = load("ip_ttl", 64)


def router_interface(interface: RouterInterface, see: Reader) -> Iterator[Flow]:
    here = live(interface, see)
    if here is None:
        return
    at = ROUTER.match(here.router)
    for address in here.answered:
        if ":" in address:
            family, source, protocol, later = IPV6, "ipv6_src", ICMPV6, _IPV6_FRAGMENT
            request, no_code, reply = field("icmpv6_type", 128), field("icmpv6_code", 0), put("icmpv6_type", 129)
        else:
            family, source, protocol, later = IPV4, "ipv4_src", ICMP, ICMP
            request, no_code, reply = field("icmpv4_type", 8), field("icmpv4_code", 0), put("icmpv4_type", 0)
        target = source.replace("src", "dst")
        own = (family, field(target, address), at)
        back = (*_SWAP_MACS, move(source, target), put(source, address), _TTL)
        asked = in_order(*own, protocol, request, no_code)
        yield Flow(ITSELF, HIGH, asked, (*back, reply, *TURN_BACK_FILTERED), goto=FORWARDED)
        yield Flow(ITSELF, HIGH, in_order(*own, later, LATER), (*back, *TURN_BACK_FILTERED), goto=FORWARDED)
        yield Flow(ITSELF, USUAL, in_order(*own), (FAULT.put(OWN_ADDRESS),), goto=ERRORS)


IN_ROUTER = {"router_interface": router_interface}
