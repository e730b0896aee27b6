"""Announcement of an address: who has it says so without being asked.

IPv4: an ARP announcement (RFC 5227, section 3).  IPv6: an unsolicited neighbor advertisement (RFC 4861, section 7.2.6).
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from struct import pack

from .checksum import pseudo_header, with_checksum

_ALL_NODES = IPv6Address("ff02::1").packed
_ROUTER_OVERRIDE = 0xA0000000
_ADVERTISEMENT, _TARGET_ADDRESS, _ICMPV6 = 136, 2, 58


def frame(mac: str, address: str) -> bytes:
    """The announcement that `mac` has the address, without FCS.  Raises ValueError for what is no address."""
    source, at = bytes.fromhex(mac.replace(":", "")), ip_address(address)
    if isinstance(at, IPv6Address):
        said = pack("!BBHI", _ADVERTISEMENT, 0, 0, _ROUTER_OVERRIDE) + at.packed + bytes((_TARGET_ADDRESS, 1)) + source
        said = with_checksum(said, 2, pseudo_header(at.packed, _ALL_NODES, len(said), _ICMPV6))
        head = pack("!IHBB", 0x60000000, len(said), _ICMPV6, 255) + at.packed + _ALL_NODES
        return bytes.fromhex("333300000001") + source + b"\x86\xdd" + head + said
    arp = pack("!HHBBH", 1, 0x0800, 6, 4, 1) + source + at.packed + bytes(6) + at.packed
    return b"\xff" * 6 + source + b"\x08\x06" + arp + bytes(18)
