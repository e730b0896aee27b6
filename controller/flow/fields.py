"""Match fields and their wire form: OpenFlow 1.3.5 section 7.2.3 (OXM), and Nicira's extended match (meta-flow.h of
OVS).

A field is a small memoized value; a match is a tuple of them.  Open vSwitch prints a match in an order of its own,
and a flow's cookie is a digest of what the switch prints: RANK is that order, and matches are written in it.
"""

from __future__ import annotations

from functools import lru_cache
from socket import AF_INET6, inet_aton, inet_ntoa, inet_ntop, inet_pton

import msgspec

MEMO = 1 << 15  # values come and go with tenants: a bound, not a promise

_BASIC, _NICIRA = 0x8000, 0x0001

# name: (OXM class, field, bytes)
HEADERS: dict[str, tuple[int, int, int]] = {
    "in_port": (_BASIC, 0, 4),
    "eth_src": (_BASIC, 4, 6),
    "eth_dst": (_BASIC, 3, 6),
    "eth_type": (_BASIC, 5, 2),
    "vlan_vid": (_BASIC, 6, 2),
    "ip_proto": (_BASIC, 10, 1),
    "ipv4_src": (_BASIC, 11, 4),
    "ipv4_dst": (_BASIC, 12, 4),
    "ipv6_src": (_BASIC, 26, 16),
    "ipv6_dst": (_BASIC, 27, 16),
    "udp_src": (_BASIC, 15, 2),
    "udp_dst": (_BASIC, 16, 2),
    "icmpv6_type": (_BASIC, 29, 1),
    "icmpv6_code": (_BASIC, 30, 1),
    "nd_target": (_BASIC, 31, 16),
    "arp_op": (_BASIC, 21, 2),
    "arp_spa": (_BASIC, 22, 4),
    "arp_tpa": (_BASIC, 23, 4),
    "arp_sha": (_BASIC, 24, 6),
    "arp_tha": (_BASIC, 25, 6),
    "mpls_label": (_BASIC, 34, 4),
    "mpls_tc": (_BASIC, 35, 1),
    "mpls_ttl": (_NICIRA, 30, 1),
    "tun_id": (_BASIC, 38, 8),
    "tun_src": (_NICIRA, 31, 4),
    "tun_dst": (_NICIRA, 32, 4),
    "tun_ipv6_src": (_NICIRA, 109, 16),
    "tun_ipv6_dst": (_NICIRA, 110, 16),
    "reg6": (_NICIRA, 6, 4),
    "reg7": (_NICIRA, 7, 4),
    "reg8": (_NICIRA, 8, 4),
    "reg9": (_NICIRA, 9, 4),
    "reg10": (_NICIRA, 10, 4),
    "reg11": (_NICIRA, 11, 4),
    "metadata": (_BASIC, 2, 8),
}
RANK = {name: rank for rank, name in enumerate(
    ("in_port", "eth_src", "eth_dst", "eth_type", "vlan_vid", "mpls_tc", "mpls_ttl", "mpls_label",
     "ipv4_src", "ipv4_dst", "ipv6_src", "ipv6_dst", "ip_proto",
     "icmpv6_type", "icmpv6_code", "nd_target", "udp_src", "udp_dst",
     "arp_op", "arp_spa", "arp_tpa", "arp_sha", "arp_tha",
     "tun_id", "tun_src", "tun_dst", "tun_ipv6_src", "tun_ipv6_dst",
     "reg6", "reg7", "reg8", "reg9", "reg10", "reg11", "metadata"))}  # fmt: skip


def header(name: str, masked: bool = False) -> int:
    """The 32-bit OXM header of a field."""
    oxm_class, field, size = HEADERS[name]
    return oxm_class << 16 | field << 9 | masked << 8 | (size * 2 if masked else size)


_PLAIN = {name: header(name).to_bytes(4, "big") for name in HEADERS}
_MASKED = {name: header(name, True).to_bytes(4, "big") for name in HEADERS}


class Field(msgspec.Struct, eq=False, gc=False):
    """One field of a match: `value` and `mask` (None: exact) as bytes in network order."""

    name: str
    value: bytes
    mask: bytes | None
    wire: bytes

    def __repr__(self) -> str:
        return f"Field({self})"

    def __str__(self) -> str:
        """As ovs-ofctl writes it."""
        name = _PRINTED.get(self.name, self.name)
        if self.name == "vlan_vid" and self.value == b"\0\0":
            return "vlan_tci=0x0000/0x1fff"
        if self.mask is None:
            return f"{name}={text(self.name, self.value)}"
        return f"{name}={text(self.name, self.value)}/{text(self.name, self.mask)}"


_PRINTED = {
    "eth_src": "dl_src", "eth_dst": "dl_dst", "eth_type": "dl_type", "ip_proto": "nw_proto",
    "ipv4_src": "nw_src", "ipv4_dst": "nw_dst", "udp_src": "tp_src", "udp_dst": "tp_dst",
    "icmpv6_type": "icmp_type", "icmpv6_code": "icmp_code",
}  # fmt: skip
_DECIMAL = {"in_port", "ip_proto", "udp_src", "udp_dst", "icmpv6_type", "icmpv6_code", "arp_op",
            "mpls_label", "mpls_tc", "mpls_ttl"}  # fmt: skip
_IPV4 = {"ipv4_src", "ipv4_dst", "arp_spa", "arp_tpa", "tun_src", "tun_dst"}


def text(name: str, value: bytes) -> str:
    """A field's value for people."""
    if name in _IPV4:
        return inet_ntoa(value)
    if len(value) == 6:
        return value.hex(":")
    if len(value) == 16:
        return inet_ntop(AF_INET6, value)
    number = int.from_bytes(value, "big")
    return str(number) if name in _DECIMAL else f"{number:#x}"


def value_of(name: str, value: int | str) -> bytes:
    """A field's value, as a number or in its usual text form, in network order."""
    if isinstance(value, int):
        return value.to_bytes(HEADERS[name][2], "big")
    if "." in value and ":" not in value:
        return inet_aton(value)
    if len(value) == 17 and HEADERS[name][2] == 6:
        return bytes.fromhex(value.replace(":", ""))
    return inet_pton(AF_INET6, value)


@lru_cache(MEMO)
def field(name: str, value: int | str) -> Field:
    """An exact match on one field."""
    octets = value_of(name, value)
    return Field(name, octets, None, _PLAIN[name] + octets)


@lru_cache(MEMO)
def masked(name: str, value: int | str, mask: int | str) -> Field:
    octets, bits = value_of(name, value), value_of(name, mask)
    return Field(name, octets, bits, _MASKED[name] + octets + bits)
