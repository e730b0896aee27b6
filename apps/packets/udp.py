"""UDP datagrams in Ethernet frames, read and written (RFC 768, RFC 791, RFC 8200).

Frames come from tenants, so each length is checked before it is used.  Fragments are not put together.
"""

from __future__ import annotations

from struct import pack, unpack_from
from typing import NamedTuple

from .checksum import checksum, pseudo_header
from .reader import ETHERNET, IPV4, IPV6, payload_of_ipv6

PROTOCOL = 17
_HEADER = 8
_DONT_FRAGMENT = 0x4000
_TTL = 64


class Datagram(NamedTuple):
    """A UDP datagram.  Addresses as bytes: MACs of 6, IP of 4 or 16; `payload` as long as its header says."""

    eth_src: bytes
    eth_dst: bytes
    source: bytes
    target: bytes
    source_port: int
    target_port: int
    payload: bytes


def read(frame: bytes) -> Datagram | None:
    """The whole datagram in a frame; None where there is none, or a part of one, or it is malformed."""
    if len(frame) < ETHERNET + 20 + _HEADER:
        return None
    (ethertype,) = unpack_from("!H", frame, 12)
    if ethertype == IPV4:
        return _ipv4(frame)
    if ethertype == IPV6:
        return _ipv6(frame)
    return None


def _ipv4(frame: bytes) -> Datagram | None:
    head, length, fragment = frame[ETHERNET], *unpack_from("!HxxH", frame, ETHERNET + 2)
    size = (head & 15) * 4
    end = ETHERNET + length
    if head >> 4 != 4 or size < 20 or length < size + _HEADER or end > len(frame) or fragment & 0x3FFF:
        return None
    if frame[ETHERNET + 9] != PROTOCOL or checksum(frame[ETHERNET : ETHERNET + size]):
        return None
    return _datagram(
        frame, frame[ETHERNET + 12 : ETHERNET + 16], frame[ETHERNET + 16 : ETHERNET + 20], ETHERNET + size, end
    )


def _ipv6(frame: bytes) -> Datagram | None:
    if len(frame) < ETHERNET + 40 + _HEADER or frame[ETHERNET] >> 4 != 6:
        return None
    end = ETHERNET + 40 + unpack_from("!H", frame, ETHERNET + 4)[0]
    if end > len(frame):
        return None
    found = payload_of_ipv6(frame[ETHERNET:end])
    if found is None or found.protocol != PROTOCOL or found.fragment:
        return None
    return _datagram(
        frame, frame[ETHERNET + 8 : ETHERNET + 24], frame[ETHERNET + 24 : ETHERNET + 40], ETHERNET + found.at, end
    )


def _datagram(frame: bytes, source: bytes, target: bytes, at: int, end: int) -> Datagram | None:
    if at + _HEADER > end:
        return None
    source_port, target_port, length = unpack_from("!HHH", frame, at)
    if length < _HEADER or at + length > end:
        return None
    payload = frame[at + _HEADER : at + length]
    return Datagram(frame[6:12], frame[:6], source, target, source_port, target_port, payload)


def write(datagram: Datagram) -> bytes:
    """The frame of a datagram, with both checksums."""
    length = _HEADER + len(datagram.payload)
    pair = datagram.source + datagram.target
    ports = pack("!HHH", datagram.source_port, datagram.target_port, length)
    if len(datagram.source) == 4:
        before = pair + pack("!HH", PROTOCOL, length)
        head = pack("!BBHIBBH", 0x45, 0, 20 + length, _DONT_FRAGMENT, _TTL, PROTOCOL, 0) + pair
        head = head[:10] + pack("!H", checksum(head)) + pair
        ethertype = IPV4
    else:
        before = pseudo_header(datagram.source, datagram.target, length, PROTOCOL)
        head = pack("!IHBB", 6 << 28, length, PROTOCOL, _TTL) + pair
        ethertype = IPV6
    total = checksum(before + ports + b"\0\0" + datagram.payload) or 0xFFFF  # 0 means: none (RFC 768)
    ethernet = datagram.eth_dst + datagram.eth_src + pack("!H", ethertype)
    return b"".join((ethernet, head, ports, pack("!H", total), datagram.payload))
