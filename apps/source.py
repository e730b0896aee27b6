"""Which source addresses a port may use.  The MAC is checked as the frame is classified (apps/l2.py); here the rest.

A port owns its fixed addresses and its MAC's link-local IPv6 address (RFC 4291 appendix A).  Without an address of
its own it may only ask for one: DHCP (RFC 2131), ARP probes (RFC 5227), duplicate address detection (RFC 4862),
router solicitations and MLD reports (RFC 3810).  A neighbour advertisement about an address that is not the port's is
refused, and so are router advertisements: no port here is a router.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from ipaddress import IPv6Address

from controller.flow import Field, Flow, field
from controller.model.kinds import Port, Switch
from controller.model.reader import Reader

from .pipeline import ANSWER, ARP, HIGH, ICMPV6, IPV4, IPV6, LOCAL, LOW, NEIGHBOR, SOURCE, UDP, USUAL

ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT, NEIGHBOR_SOLICITATION, NEIGHBOR_ADVERTISEMENT, MLD_REPORT = (
    field("icmpv6_type", number) for number in (133, 134, 135, 136, 143)
)
_FROM_NONE, _FROM_NONE_6 = field("ipv4_src", "0.0.0.0"), field("ipv6_src", "::")
_DHCP = (_FROM_NONE, field("ipv4_dst", "255.255.255.255"), UDP, field("udp_src", 68), field("udp_dst", 67))
_PROBE = field("arp_spa", "0.0.0.0")

FLOWS = (
    Flow(SOURCE, USUAL, (IPV4, *_DHCP), goto=LOCAL),
    Flow(SOURCE, USUAL, (IPV6, _FROM_NONE_6, ICMPV6, ROUTER_SOLICITATION), goto=LOCAL),
    Flow(SOURCE, USUAL, (IPV6, _FROM_NONE_6, ICMPV6, MLD_REPORT), goto=LOCAL),
    Flow(NEIGHBOR, LOW, (IPV6, ICMPV6, NEIGHBOR_ADVERTISEMENT)),
    Flow(NEIGHBOR, LOW, (IPV6, ICMPV6, ROUTER_ADVERTISEMENT)),
)


def switch(_: Switch, see: Reader) -> Iterator[Flow]:
    yield from FLOWS


def port(port: Port, see: Reader) -> Iterator[Flow]:
    at = see.binding(port)
    if at is None or port.learning:
        return
    in_port = field("in_port", at.ofport)
    mac = field("arp_sha", port.mac_address)
    yield from _ipv6(in_port, link_local(port.mac_address))
    yield Flow(SOURCE, USUAL, (in_port, ARP, _PROBE, mac), goto=ANSWER)
    for fixed in port.fixed_ips:
        address = fixed.ip_address
        if ":" in address:
            yield from _ipv6(in_port, address)
            continue
        spa, tpa = field("arp_spa", address), field("arp_tpa", address)
        yield Flow(SOURCE, USUAL, (in_port, IPV4, field("ipv4_src", address)), goto=LOCAL)
        yield Flow(SOURCE, USUAL, (in_port, ARP, spa, mac), goto=ANSWER)
        # what a port says or asks about its own address goes to everybody and is not answered on its own behalf
        yield Flow(SOURCE, HIGH, (in_port, ARP, spa, tpa, mac), goto=LOCAL)
        yield Flow(SOURCE, HIGH, (in_port, ARP, _PROBE, tpa, mac), goto=LOCAL)


def _ipv6(in_port: Field, address: str) -> Iterator[Flow]:
    target = field("nd_target", address)
    yield Flow(SOURCE, USUAL, (in_port, IPV6, field("ipv6_src", address)), goto=LOCAL)
    yield Flow(NEIGHBOR, USUAL, (in_port, IPV6, ICMPV6, NEIGHBOR_ADVERTISEMENT, target), goto=SOURCE)
    asked = (in_port, IPV6, _FROM_NONE_6, ICMPV6, NEIGHBOR_SOLICITATION, target)
    yield Flow(NEIGHBOR, USUAL, asked, goto=LOCAL)  # duplicate address detection, of its own address only


@lru_cache(1 << 15)
def link_local(mac: str) -> str:
    """fe80::/64 with the modified EUI-64 of a MAC."""
    octets = bytes.fromhex(mac.replace(":", ""))
    identifier = bytes((octets[0] ^ 2,)) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return str(IPv6Address(b"\xfe\x80" + bytes(6) + identifier))


HERE = {"switch": switch, "port": port}
