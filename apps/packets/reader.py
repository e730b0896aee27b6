"""Reader of IP packets in Ethernet frames: what an error about a packet depends on (RFC 791, RFC 8200).

Frames come from tenants, so each length is checked before it is used.
"""

from __future__ import annotations

from struct import unpack_from
from typing import NamedTuple

from .checksum import checksum

ETHERNET = 14  # bytes of its header
IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
ICMP, ICMPV6, NO_NEXT_HEADER = 1, 58, 59
_EXTENSIONS = (0, 43, 60, 135, 139, 140)  # with a length in units of 8 bytes, besides the first 8 (RFC 6564)
_FRAGMENT, _AUTHENTICATION = 44, 51
_MOST_EXTENSIONS = 8


class IpPacket(NamedTuple):
    """An IP packet.  `data`: from its IP header on, without what the frame was padded with.

    `protocol`: of the payload, behind all extension headers; `first`: whether it is whole or a first fragment;
    `icmp_type`: None unless it is ICMP of its own version.
    """

    version: int
    eth_src: bytes
    eth_dst: bytes
    source: bytes
    target: bytes
    protocol: int
    first: bool
    icmp_type: int | None
    data: bytes


def read(frame: bytes) -> IpPacket | None:
    """The IP packet in a frame, of which the end may be missing; None where it is none, or malformed."""
    if len(frame) < ETHERNET + 20:
        return None
    (ethertype,) = unpack_from("!H", frame, 12)
    if ethertype == IPV4:
        return _ipv4(frame)
    if ethertype == IPV6:
        return _ipv6(frame)
    return None


def _ipv4(frame: bytes) -> IpPacket | None:
    data = frame[ETHERNET:]
    header = (data[0] & 15) * 4
    (length,) = unpack_from("!H", data, 2)
    if data[0] >> 4 != 4 or header < 20 or length < header or len(data) < header or checksum(data[:header]):
        return None
    data = data[:length]
    first = not unpack_from("!H", data, 6)[0] & 0x1FFF
    protocol = data[9]
    icmp_type = data[header] if protocol == ICMP and first and len(data) > header else None
    return IpPacket(4, frame[6:12], frame[:6], data[12:16], data[16:20], protocol, first, icmp_type, data)


def _ipv6(frame: bytes) -> IpPacket | None:
    data = frame[ETHERNET:]
    if len(data) < 40 or data[0] >> 4 != 6:
        return None
    data = data[: 40 + unpack_from("!H", data, 4)[0]]
    found = payload_of_ipv6(data)
    if found is None:
        return None
    protocol, at, first = found.protocol, found.at, found.first
    icmp_type = data[at] if protocol == ICMPV6 and first and len(data) > at else None
    return IpPacket(6, frame[6:12], frame[:6], data[8:24], data[24:40], protocol, first, icmp_type, data)


class Payload(NamedTuple):
    """What an IPv6 packet carries.  `at`: where it begins; `first`: it is whole, or the first of several fragments;
    `fragment`: it is one of several.
    """

    protocol: int
    at: int
    first: bool
    fragment: bool


def payload_of_ipv6(data: bytes) -> Payload | None:
    """The payload of an IPv6 packet of at least 40 bytes, behind its extension headers; None where they have no end."""
    protocol, at, first, fragment = data[6], 40, True, False
    for _ in range(_MOST_EXTENSIONS):
        if protocol not in (*_EXTENSIONS, _FRAGMENT, _AUTHENTICATION):
            return Payload(protocol, at, first, fragment)
        if len(data) < at + 8:
            return None
        if protocol == _FRAGMENT:
            place = unpack_from("!H", data, at + 2)[0] & ~6  # without the reserved bits (RFC 8200, 4.5)
            first, size, fragment = not place >> 3, 8, place != 0
        elif protocol == _AUTHENTICATION:
            size = (data[at + 1] + 2) * 4  # RFC 4302, 2.2
        else:
            size = (data[at + 1] + 1) * 8
        protocol, at = data[at], at + size
        if not first:
            return Payload(protocol, at, False, True)  # what follows is the middle of something
    return None
