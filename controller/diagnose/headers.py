"""Headers of a packet: what a filter looks at, read from the first bytes of a frame."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from struct import unpack_from
from typing import NamedTuple

MOST = 128  # bytes of a frame that are enough: Ethernet, 802.1Q, IPv6 with two extension headers, ports
_VLAN, _IPV4, _IPV6 = 0x8100, 0x0800, 0x86DD
_ICMP, _ICMPV6 = 1, 58
_WITH_PORTS = (6, 17, 33, 132, 136)  # TCP, UDP, DCCP, SCTP, UDP-Lite
_EXTENSIONS = (0, 43, 60)  # hop-by-hop, routing, destination options (RFC 8200, 4.1)
_FRAGMENT = 44


class Headers(NamedTuple):
    """Of one packet.  `ethertype`: "IPv4", "IPv6" or a number as text; `protocol`: of IP, None where it is none.

    `first`, `second`: source and destination port; of ICMP type and code; None where the packet has none, as a later
    fragment.
    """

    ethertype: str
    eth_src: str
    eth_dst: str
    source: str = ""
    target: str = ""
    protocol: int | None = None
    first: int | None = None
    second: int | None = None

    @property
    def is_icmp(self) -> bool:
        return self.protocol == (_ICMPV6 if self.ethertype == "IPv6" else _ICMP)


def read(data: bytes) -> Headers | None:
    """The headers of an Ethernet frame; None where not even its own is whole, and less where the rest is cut off."""
    if len(data) < 14:
        return None
    macs = (data[6:12].hex(":"), data[0:6].hex(":"))
    (kind,), at = unpack_from("!H", data, 12), 14
    if kind == _VLAN and len(data) >= 18:
        (kind,), at = unpack_from("!H", data, 16), 18
    if kind == _IPV4 and len(data) >= at + 20:
        return _ipv4(data, at, macs)
    if kind == _IPV6 and len(data) >= at + 40:
        return _ipv6(data, at, macs)
    return Headers({_IPV4: "IPv4", _IPV6: "IPv6"}.get(kind, f"{kind:#06x}"), *macs)


def _ipv4(data: bytes, at: int, macs: tuple[str, str]) -> Headers:
    source, target = (str(IPv4Address(data[at + offset : at + offset + 4])) for offset in (12, 16))
    first_fragment = not unpack_from("!H", data, at + 6)[0] & 0x1FFF
    ports = _ends(data, at + (data[at] & 15) * 4, data[at + 9], _ICMP) if first_fragment else (None, None)
    return Headers("IPv4", *macs, source, target, data[at + 9], *ports)


def _ipv6(data: bytes, at: int, macs: tuple[str, str]) -> Headers:
    source, target = (str(IPv6Address(data[at + offset : at + offset + 16])) for offset in (8, 24))
    protocol, at = data[at + 6], at + 40
    first_fragment = True
    while protocol in (*_EXTENSIONS, _FRAGMENT) and len(data) >= at + 8:
        if protocol == _FRAGMENT:
            first_fragment = not unpack_from("!H", data, at + 2)[0] >> 3
            protocol, at = data[at], at + 8
        else:
            protocol, at = data[at], at + 8 + data[at + 1] * 8
    ports = _ends(data, at, protocol, _ICMPV6) if first_fragment else (None, None)
    return Headers("IPv6", *macs, source, target, protocol, *ports)


def _ends(data: bytes, at: int, protocol: int, icmp: int) -> tuple[int | None, int | None]:
    if protocol in _WITH_PORTS and len(data) >= at + 4:
        source, target = unpack_from("!HH", data, at)
        return source, target
    if protocol == icmp and len(data) >= at + 2:
        return data[at], data[at + 1]
    return None, None
