"""Which source addresses a port may use.  The MAC is checked as the frame is classified (apps/l2.py); here the rest.

A port owns its fixed addresses and its MAC's link-local IPv6 address (RFC 4291 appendix A); address pairs allow it
more, and other MACs with them, which are learned where they are used: several ports may share one (VRRP, RFC 9568).
Without an address of its own it may only ask for one: DHCP (RFC 2131), ARP probes (RFC 5227), duplicate address
detection (RFC 4862), router solicitations and MLD reports (RFC 3810).  A neighbour advertisement about an address that
is not the port's is refused, and so are router advertisements: no port here is a router.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from controller.flow import Field, Flow, Table, field, masked
from controller.flow.fields import text
from controller.model.reader import Reader
from controller.model.rows import Port, Switch

from .pipeline import ANSWER, ARP, HIGH, ICMPV6, IPV4, IPV6, LEARN, LOCAL, LOW, NEIGHBOR, SOURCE, UDP, USUAL

ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT, NEIGHBOR_SOLICITATION, NEIGHBOR_ADVERTISEMENT, MLD_REPORT = (
    field("icmpv6_type", number) for number in (133, 134, 135, 136, 143)
)
_FROM_NONE, _FROM_NONE_6 = field("ipv4_src", "0.0.0.0"), field("ipv6_src", "::")
_DHCP = (_FROM_NONE, field("ipv4_dst", "255.255.255.255"), UDP, field("udp_src", 68), field("udp_dst", 67))
_PROBE = field("arp_spa", "0.0.0.0")
Match = tuple[Field, ...]

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
    if at is None or port.learns:
        return
    in_port, guests = field("in_port", at.ofport), port.guests
    for mac in (port.mac_address, *guests):
        said_by: Match = (in_port, field("eth_src", mac)) if guests else (in_port,)
        own = mac == port.mac_address
        yield from _station(said_by, mac, _sources(port, mac), None if own else LEARN)


def _sources(port: Port, mac: str) -> list[str]:
    """Addresses and subnets from which the port may send with this MAC."""
    addresses = [link_local(mac)]
    if mac == port.mac_address:
        addresses += [fixed.ip_address for fixed in port.fixed_ips]
    return addresses + [pair.ip_address for pair in port.address_pairs if pair.mac_address == mac]


def _station(said_by: Match, mac: str, addresses: list[str], learn: Table | None) -> Iterator[Flow]:
    """What one MAC of a port may say; `learn`: where its frames go on, when it is to be learned where it is."""
    sha = field("arp_sha", mac)
    yield Flow(SOURCE, USUAL, (*said_by, ARP, _PROBE, sha), goto=learn or ANSWER)
    for address in dict.fromkeys(addresses):
        if ":" in address:
            yield from _ipv6(said_by, address, learn)
            continue
        spa, tpa = among("arp_spa", address), among("arp_tpa", address)
        yield Flow(SOURCE, USUAL, (*said_by, IPV4, among("ipv4_src", address)), goto=learn or LOCAL)
        yield Flow(SOURCE, USUAL, (*said_by, ARP, spa, sha), goto=learn or ANSWER)
        if "/" in address:
            continue
        # what a port says or asks about its own address goes to everybody and is not answered on its own behalf
        yield Flow(SOURCE, HIGH, (*said_by, ARP, spa, tpa, sha), goto=learn or LOCAL)
        yield Flow(SOURCE, HIGH, (*said_by, ARP, _PROBE, tpa, sha), goto=learn or LOCAL)


def _ipv6(said_by: Match, address: str, learn: Table | None) -> Iterator[Flow]:
    target = among("nd_target", address)
    yield Flow(SOURCE, USUAL, (*said_by, IPV6, among("ipv6_src", address)), goto=learn or LOCAL)
    yield Flow(NEIGHBOR, USUAL, (*said_by, IPV6, ICMPV6, NEIGHBOR_ADVERTISEMENT, target), goto=SOURCE)
    asked = (*said_by, IPV6, _FROM_NONE_6, ICMPV6, NEIGHBOR_SOLICITATION, target)
    yield Flow(NEIGHBOR, USUAL, asked, goto=learn or LOCAL)  # duplicate address detection, of its own address only


def among(name: str, address: str) -> Field:
    """A field that is this address, or one of this subnet."""
    start, _, length = address.partition("/")
    if not length:
        return field(name, address)
    bits = 128 if ":" in address else 32
    return masked(name, start, (1 << bits) - (1 << (bits - int(length))))


@lru_cache(1 << 15)
def link_local(mac: str) -> str:
    """fe80::/64 with the modified EUI-64 of a MAC."""
    octets = bytes.fromhex(mac.replace(":", ""))
    identifier = bytes((octets[0] ^ 2,)) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return text("ipv6_src", b"\xfe\x80" + bytes(6) + identifier)


HERE = {"switch": switch, "port": port}
