"""Questions for a neighbour's MAC address, and answers to them: ARP (RFC 826) and neighbour discovery (RFC 4861).

An ARP question is a probe (RFC 5227, 2.1.1): it has no sender address, so nobody's cache is changed by it.  A neighbour
solicitation is from the asker's link-local address.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from struct import pack, unpack_from
from typing import NamedTuple

from .checksum import checksum, pseudo_header, with_checksum
from .reader import ARP, ETHERNET, ICMPV6, IPV6

_ETHERNET_IPV4 = pack("!HHBB", 1, 0x0800, 6, 4)  # hardware and protocol type, lengths of addresses
_REQUEST, _REPLY = 1, 2
_SOLICITATION, _ADVERTISEMENT = 135, 136
_SOURCE_MAC, _TARGET_MAC = 1, 2  # options
_HOP_LIMIT = 255
_BROADCAST = b"\xff" * 6
Address = IPv4Address | IPv6Address


class NeighborAnswer(NamedTuple):
    """What a station says about its own address."""

    address: Address
    mac: bytes


def question(asker: bytes, address: Address, known: bytes = b"") -> bytes:
    """The frame that asks who has an address, from MAC `asker`; to MAC `known` alone, where one is given."""
    if address.version == 4:
        body = _ETHERNET_IPV4 + pack("!H", _REQUEST) + asker + bytes(4) + bytes(6) + address.packed
        return ((known or _BROADCAST) + asker + pack("!H", ARP) + body).ljust(60, b"\0")
    target = address.packed
    group = bytes.fromhex("ff0200000000000000000001ff") + target[13:]  # RFC 4291, 2.7.1
    source, to = _link_local(asker), target if known else group
    message = pack("!BBHI", _SOLICITATION, 0, 0, 0) + target + bytes((_SOURCE_MAC, 1)) + asker
    message = with_checksum(message, 2, pseudo_header(source, to, len(message), ICMPV6))
    head = pack("!IHBB", 6 << 28, len(message), ICMPV6, _HOP_LIMIT) + source + to
    return (known or b"\x33\x33" + group[12:]) + asker + pack("!H", IPV6) + head + message


def answer(frame: bytes) -> NeighborAnswer | None:
    """The answer in a frame; None where it is none, or malformed."""
    if len(frame) < ETHERNET + 28:
        return None
    (ethertype,) = unpack_from("!H", frame, 12)
    data = frame[ETHERNET:]
    if ethertype == ARP and _operation(data) == _REPLY:
        return _station(IPv4Address(data[14:18]), data[8:14])
    return _advertisement(frame) if ethertype == IPV6 else None


def announcement(frame: bytes) -> NeighborAnswer | None:
    """What a station tells of itself unasked (RFC 5227, 3; RFC 4861, 7.2.6); None where it is nothing of the kind."""
    if len(frame) < ETHERNET + 28:
        return None
    data = frame[ETHERNET:]
    if unpack_from("!H", frame, 12)[0] != ARP:
        return answer(frame)
    if _operation(data) not in (_REQUEST, _REPLY) or data[14:18] != data[24:28]:
        return None
    return _station(IPv4Address(data[14:18]), data[8:14])


def _operation(data: bytes) -> int:
    """Of an ARP packet for IPv4 over Ethernet; 0 of another."""
    return int.from_bytes(data[6:8], "big") if data[:6] == _ETHERNET_IPV4 else 0


def _station(address: Address, mac: bytes) -> NeighborAnswer | None:
    return None if mac[0] & 1 or not any(mac) else NeighborAnswer(address, mac)


def _advertisement(frame: bytes) -> NeighborAnswer | None:
    """RFC 4861, 7.1.2 says which are valid; without the option the frame's source is the station."""
    data = frame[ETHERNET:]
    if len(data) < 64 or data[0] >> 4 != 6 or data[6] != ICMPV6 or data[7] != _HOP_LIMIT:
        return None
    (length,) = unpack_from("!H", data, 4)
    message = data[40 : 40 + length]
    if len(message) != length or length < 24 or message[:2] != bytes((_ADVERTISEMENT, 0)):
        return None
    if checksum(pseudo_header(data[8:24], data[24:40], length, ICMPV6) + message) or message[8] == 0xFF:
        return None
    mac, at = frame[6:12], 24
    while at < length:
        if at + 2 > length or not message[at + 1] or at + message[at + 1] * 8 > length:
            return None
        if message[at] == _TARGET_MAC:
            mac = message[at + 2 : at + 8]
        at += message[at + 1] * 8
    return _station(IPv6Address(message[8:24]), mac)


def _link_local(mac: bytes) -> bytes:
    """fe80::/64 with the modified EUI-64 of a MAC (RFC 4291, appendix A)."""
    return bytes.fromhex("fe80000000000000") + bytes((mac[0] ^ 2,)) + mac[1:3] + b"\xff\xfe" + mac[3:]
