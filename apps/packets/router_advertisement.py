"""Router advertisements (RFC 4861, 4.2) with what DNS resolvers and further routes need, and router solicitations.

Options: prefix information (RFC 4861, 4.6.2), MTU, route information (RFC 4191, 2.3), recursive DNS servers and search
list (RFC 8106, 5).  What does not fit into one packet of 1,280 bytes is told in several (RFC 4861, 6.2.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address, IPv6Network
from struct import pack, unpack_from
from typing import NamedTuple

from .checksum import checksum, pseudo_header, with_checksum
from .domain_names import encoded
from .reader import ETHERNET, ICMPV6, IPV6

MOST = 1280  # bytes of a packet, its IP header included: every link carries it (RFC 8200, 5)
MOST_LIFETIME = 0xFFFF  # seconds of a default router (RFC 8319)
ALL_NODES, ALL_NODES_MAC = IPv6Address("ff02::1").packed, bytes.fromhex("333300000001")
_SOLICITATION, _ADVERTISEMENT = 133, 134
_HOP_LIMIT, _HOSTS_HOP_LIMIT = 255, 64
_MANAGED, _OTHER = 0x80, 0x40
_ON_LINK, _AUTONOMOUS = 0x80, 0x40
_SOURCE_MAC, _PREFIX, _MTU, _ROUTE, _RDNSS, _DNSSL = 1, 3, 5, 24, 25, 31
_NOBODY = bytes(16)


class OnLinkPrefix(NamedTuple):
    """A prefix of the link.  `autonomous`: hosts form addresses of it (RFC 4862).  `lifetime`: seconds, 0: no more."""

    prefix: IPv6Network
    autonomous: bool
    lifetime: int


class RouterAdvertisement(NamedTuple):
    """What a router tells the hosts of a link.  Lifetimes in seconds.

    `lifetime`: as a default router, 0: it is none; `routes`: prefixes that it leads to, with their lifetime; `managed`
    and `other`: DHCPv6 has addresses, or other options only.  `mtu` 0: none is told.
    """

    lifetime: int
    managed: bool = False
    other: bool = False
    mtu: int = 0
    prefixes: tuple[OnLinkPrefix, ...] = ()
    routes: tuple[tuple[IPv6Network, int], ...] = ()
    resolvers: tuple[IPv6Address, ...] = ()
    search: tuple[str, ...] = ()
    dns_lifetime: int = 0


class LinkStation(NamedTuple):
    """A station by its MAC and its IPv6 address."""

    mac: bytes
    address: bytes


EVERYBODY = LinkStation(ALL_NODES_MAC, ALL_NODES)


def frames(said: RouterAdvertisement, router: LinkStation, to: LinkStation) -> Iterator[bytes]:
    """The frames, without FCS, in which `router` tells it.  Raises ValueError for a search domain that is no name."""
    flags = _MANAGED * said.managed | _OTHER * said.other
    lifetime = min(said.lifetime, MOST_LIFETIME)
    head = pack("!BBHBBHII", _ADVERTISEMENT, 0, 0, _HOSTS_HOP_LIMIT, flags, lifetime, 0, 0)
    head += bytes((_SOURCE_MAC, 1)) + router.mac
    if said.mtu:
        head += pack("!BBHI", _MTU, 1, 0, said.mtu)
    for options in _fitting(_options(said), MOST - 40 - len(head)):
        message = head + options
        message = with_checksum(message, 2, pseudo_header(router.address, to.address, len(message), ICMPV6))
        packet = pack("!IHBB", 6 << 28, len(message), ICMPV6, _HOP_LIMIT) + router.address + to.address + message
        yield to.mac + router.mac + pack("!H", IPV6) + packet


def _options(said: RouterAdvertisement) -> Iterator[bytes]:
    for prefix, autonomous, lifetime in said.prefixes:
        flags = _ON_LINK | _AUTONOMOUS * autonomous
        address = prefix.network_address.packed
        yield pack("!BBBBIII", _PREFIX, 4, prefix.prefixlen, flags, lifetime, lifetime, 0) + address
    for prefix, lifetime in said.routes:
        words = (prefix.prefixlen + 63) // 64
        address = prefix.network_address.packed[: 8 * words]
        yield pack("!BBBBI", _ROUTE, 1 + words, prefix.prefixlen, 0, lifetime) + address
    if said.resolvers:
        servers = b"".join([address.packed for address in said.resolvers])
        yield pack("!BBHI", _RDNSS, 1 + 2 * len(said.resolvers), 0, said.dns_lifetime) + servers
    for domain in said.search:
        name = encoded(domain)
        name += bytes(-len(name) % 8)
        yield pack("!BBHI", _DNSSL, 1 + len(name) // 8, 0, said.dns_lifetime) + name


def _fitting(options: Iterator[bytes], room: int) -> Iterator[bytes]:
    """Options put together, each packet's in at most `room` bytes; one packet at least."""
    some = b""
    for option in options:
        if some and len(some) + len(option) > room:
            yield some
            some = b""
        some += option
    yield some


def solicitation(frame: bytes) -> LinkStation | None:
    """Who asks for routers, where the frame is a valid solicitation (RFC 4861, 6.1.1); the address `::`: not yet any.

    None where it is none.
    """
    data = frame[ETHERNET:]
    if len(data) < 48 or frame[12:14] != pack("!H", IPV6) or data[0] >> 4 != 6:
        return None
    if data[6] != ICMPV6 or data[7] != _HOP_LIMIT:
        return None
    (length,) = unpack_from("!H", data, 4)
    message, source = data[40 : 40 + length], data[8:24]
    if len(message) != length or length < 8 or message[:2] != bytes((_SOLICITATION, 0)) or source[0] == 0xFF:
        return None
    if checksum(pseudo_header(source, data[24:40], length, ICMPV6) + message):
        return None
    at = 8
    while at < length:
        if at + 2 > length or not message[at + 1] or at + 8 * message[at + 1] > length:
            return None
        if message[at] == _SOURCE_MAC and source == _NOBODY:
            return None
        at += 8 * message[at + 1]
    return LinkStation(frame[6:12], source)
