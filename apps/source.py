"""Anti-spoofing: the source addresses that a port may use.  Its MAC is checked on classification (apps/attach.py).

A port owns its fixed addresses and its MAC's link-local IPv6 address (RFC 4291 appendix A); address pairs allow it
more, and other MACs with them, which are learned where they are used: several ports may share one (VRRP, RFC 9568).
Without an address of its own it may only ask for one: DHCP (RFC 2131), ARP probes (RFC 5227), duplicate address
detection (RFC 4862), router solicitations and MLD reports (RFC 3810).  A neighbour advertisement about an address that
is not the port's is refused, and so are router advertisements: no port here is a router.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from controller.flow import Field, Flow, Table, field, masked
from controller.flow.fields import text
from controller.model.reader import Reader
from controller.model.rows import Port, Switch

from .matches import ANNOUNCING, ARP, ICMPV6, IPV4, IPV6, UDP
from .pipeline import ADMITTED, HIGH, IN_KEY, LEARN, LOW, NEIGHBOR, SOURCE, USUAL

ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT, NEIGHBOR_SOLICITATION, NEIGHBOR_ADVERTISEMENT, MLD_REPORT = (
    field("icmpv6_type", number) for number in (133, 134, 135, 136, 143)
)
_FROM_NONE, _FROM_NONE_6 = field("ipv4_src", "0.0.0.0"), field("ipv6_src", "::")
_DHCP = (_FROM_NONE, field("ipv4_dst", "255.255.255.255"), UDP, field("udp_src", 68), field("udp_dst", 67))
_PROBE = field("arp_spa", "0.0.0.0")
Match = tuple[Field, ...]

FLOWS = (
    Flow(SOURCE, USUAL, (IPV4, *_DHCP), goto=ADMITTED),
    Flow(SOURCE, USUAL, (IPV6, _FROM_NONE_6, ICMPV6, ROUTER_SOLICITATION), goto=ADMITTED),
    Flow(SOURCE, USUAL, (IPV6, _FROM_NONE_6, ICMPV6, MLD_REPORT), goto=ADMITTED),
    Flow(NEIGHBOR, LOW, (IPV6, ICMPV6, NEIGHBOR_ADVERTISEMENT)),
    Flow(NEIGHBOR, LOW, (IPV6, ICMPV6, ROUTER_ADVERTISEMENT)),
)


def switch(_: Switch, see: Reader, permitted: tuple[int, ...]) -> Iterator[Flow]:
    """`permitted`: ethertypes beside ARP and IP, which have no addresses to be checked."""
    yield from FLOWS
    for number in permitted:
        yield Flow(SOURCE, LOW, (field("eth_type", number),), goto=ADMITTED)


def port(port: Port, see: Reader) -> Iterator[Flow]:
    at = see.binding(port)
    if at is None or port.learns:
        return
    came_by = IN_KEY.match(at.port_key)
    for mac in (port.mac_address, *port.extra_macs):
        own = mac == port.mac_address
        sender = _Sender((field("eth_src", mac),) if port.extra_macs else (), came_by, ADMITTED if own else LEARN)
        yield from _station(sender, mac, _sources(port, mac))


def _sources(port: Port, mac: str) -> list[str]:
    """Addresses and subnets from which the port may send with this MAC."""
    addresses = [link_local(mac)]
    if mac == port.mac_address:
        addresses += [fixed.ip_address for fixed in port.fixed_ips]
    return addresses + [pair.ip_address for pair in port.address_pairs if pair.mac_address == mac]


class _Sender(NamedTuple):
    """Matches of one MAC of a port, and where its frames go on: to LEARN, when the MAC is to be learned where it is."""

    mac: Match  # none, where the port has only one
    came_by: Field
    goto: Table

    def may(self, table: Table, priority: int, *match: Field, goto: Table | None = None) -> Flow:
        return Flow(table, priority, (*self.mac, *match, self.came_by), goto=goto or self.goto)

    def announces(self, *match: Field) -> Flow:
        """What a port says or asks about its own address goes to everybody: it is not answered on its own behalf."""
        metadata = None if self.goto is LEARN else ANNOUNCING
        return Flow(SOURCE, HIGH, (*self.mac, *match, self.came_by), metadata=metadata, goto=self.goto)


def _station(sender: _Sender, mac: str, addresses: list[str]) -> Iterator[Flow]:
    """Flows that admit what one MAC of a port may send."""
    sha = field("arp_sha", mac)
    yield sender.may(SOURCE, USUAL, ARP, _PROBE, sha)
    for address in dict.fromkeys(addresses):
        if ":" in address:
            yield from _ipv6(sender, address)
            continue
        spa, tpa = among("arp_spa", address), among("arp_tpa", address)
        yield sender.may(SOURCE, USUAL, IPV4, among("ipv4_src", address))
        yield sender.may(SOURCE, USUAL, ARP, spa, sha)
        if "/" not in address:
            yield sender.announces(ARP, spa, tpa, sha)
            yield sender.announces(ARP, _PROBE, tpa, sha)


def _ipv6(sender: _Sender, address: str) -> Iterator[Flow]:
    target = among("nd_target", address)
    yield sender.may(SOURCE, USUAL, IPV6, among("ipv6_src", address))
    yield sender.may(NEIGHBOR, USUAL, IPV6, ICMPV6, NEIGHBOR_ADVERTISEMENT, target, goto=SOURCE)
    # duplicate address detection, of its own address only
    yield sender.may(NEIGHBOR, USUAL, IPV6, _FROM_NONE_6, ICMPV6, NEIGHBOR_SOLICITATION, target)


def among(name: str, address: str) -> Field:
    """A field that is this address, or one of this subnet."""
    if "/" not in address:
        return field(name, address)
    start, _, length = address.partition("/")
    bits = 128 if ":" in address else 32
    return masked(name, start, (1 << bits) - (1 << (bits - int(length))))


@lru_cache(1 << 15)
def link_local(mac: str) -> str:
    """fe80::/64 with the modified EUI-64 of a MAC."""
    octets = bytes.fromhex(mac.replace(":", ""))
    identifier = bytes((octets[0] ^ 2,)) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return text("ipv6_src", b"\xfe\x80" + bytes(6) + identifier)


ON_SWITCH = {"switch": switch, "port": port}
