"""ICMP errors of a router about a packet that it does not forward (RFC 792; RFC 1812, 4.3.2; RFC 4443, 2.4 and 3).

An error quotes the packet, as much of it as fits: 576 bytes in all for IPv4, 1,280 for IPv6.  There is none about an
error, a packet or frame for a group, a later fragment, or a packet whose source is not one station.
"""

from __future__ import annotations

from struct import pack
from typing import NamedTuple

from .checksum import pseudo_header, with_checksum
from .reader import ETHERNET, ICMP, ICMPV6, IPV4, IPV6, IpPacket

MOST_IPV4, MOST_IPV6 = 576, 1280  # bytes of an error, its IP header included
QUOTED = ETHERNET + MOST_IPV6 - 48  # first bytes of a frame that are enough for any error about it
TTL = 64
_CONTROL = 0xC0  # precedence "internetwork control" (RFC 1812, 4.3.2.5)
_DONT_FRAGMENT = 0x4000
_ERRORS_4 = (3, 4, 5, 11, 12)
_QUERY_6, _REDIRECT_6 = 128, 137  # from 128 on ICMPv6 is informational
_NOBODY_6, _LOOPBACK_6 = bytes(16), bytes(15) + b"\1"


class IcmpFault(NamedTuple):
    """Why a packet goes no further: type and code for ICMP, and for ICMPv6."""

    v4: tuple[int, int]
    v6: tuple[int, int]


TIME_EXCEEDED = IcmpFault((11, 0), (3, 0))
TOO_BIG = IcmpFault((3, 4), (2, 0))
NETWORK_UNREACHABLE = IcmpFault((3, 0), (1, 0))
HOST_UNREACHABLE = IcmpFault((3, 1), (1, 3))
PORT_UNREACHABLE = IcmpFault((3, 3), (1, 4))
PROTOCOL_UNREACHABLE = IcmpFault((3, 2), (1, 4))


def deserves_error(packet: IpPacket) -> bool:
    """Whether a router may send an error about this packet (RFC 1812, 4.3.2.7; RFC 4443, 2.4 (e))."""
    if packet.eth_dst[0] & 1 or packet.eth_src[0] & 1 or not packet.first:
        return False
    if packet.version == 4:
        return _one_station_4(packet.source) and _one_station_4(packet.target) and not _is_error(packet)
    source, target = packet.source, packet.target
    return source[0] != 0xFF and target[0] != 0xFF and source not in (_NOBODY_6, _LOOPBACK_6) and not _is_error(packet)


def _one_station_4(address: bytes) -> bool:
    """Neither "this network", nor loopback, nor of a group, reserved or for everybody (RFC 1122, 3.2.1.3)."""
    return 0 < address[0] < 224 and address[0] != 127


def _is_error(packet: IpPacket) -> bool:
    """Whether it is an ICMP error; one whose type is cut off may be."""
    if packet.version == 4:
        return packet.protocol == ICMP and (packet.icmp_type is None or packet.icmp_type in _ERRORS_4)
    if packet.protocol != ICMPV6:
        return False
    return packet.icmp_type is None or packet.icmp_type < _QUERY_6 or packet.icmp_type == _REDIRECT_6


class MacPair(NamedTuple):
    """Addresses of a frame to send."""

    eth_src: bytes
    eth_dst: bytes


def error(fault: IcmpFault, packet: IpPacket, source: bytes, link: MacPair, mtu: int = 0) -> bytes:
    """The frame of an error about `packet`, to who sent it, from address `source` (4 or 16 bytes, as the packet's).

    `mtu`: of the network that the packet is too big for (RFC 1191, 4), with `TOO_BIG`.
    """
    version = 4 if packet.version == 4 else 6
    kind, code = fault.v4 if version == 4 else fault.v6
    room = MOST_IPV4 - 28 if version == 4 else MOST_IPV6 - 48
    message = pack("!BBHI", kind, code, 0, mtu) + packet.data[:room]
    if version == 4:
        total = 20 + len(message)
        head = pack("!BBHHHBBH", 0x45, _CONTROL, total, 0, _DONT_FRAGMENT, TTL, ICMP, 0) + source + packet.source
        return link.eth_dst + link.eth_src + pack("!H", IPV4) + with_checksum(head, 10) + with_checksum(message, 2)
    head = pack("!IHBB", 6 << 28, len(message), ICMPV6, TTL) + source + packet.source
    before = pseudo_header(source, packet.source, len(message), ICMPV6)
    return link.eth_dst + link.eth_src + pack("!H", IPV6) + head + with_checksum(message, 2, before)
