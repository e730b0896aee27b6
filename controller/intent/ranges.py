"""The arithmetic of a subnet: addresses are integers, ranges are pairs of them, both ends included."""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache
from typing import NamedTuple

from controller.model.rows import Subnet

Range = tuple[int, int]
_FAMILIES = {4: (socket.AF_INET, 4), 6: (socket.AF_INET6, 16)}


class Span(NamedTuple):
    """A subnet in numbers.  `hosts` may be given to ports; `pools` is what is given when none was asked for."""

    version: int
    whole: Range
    hosts: Range
    gateway: int | None
    pools: tuple[Range, ...]
    size: int  # addresses in the pools


def number(address: str) -> int:
    """Of an IPv4 or IPv6 address as text.  Raises ValueError."""
    version = 6 if ":" in address else 4
    try:
        return int.from_bytes(socket.inet_pton(_FAMILIES[version][0], address), "big")
    except OSError:
        raise ValueError(f"{address!r} is not an IP address") from None


def text(version: int, address: int) -> str:
    """The canonical form (RFC 5952 for IPv6)."""
    family, length = _FAMILIES[version]
    return socket.inet_ntop(family, address.to_bytes(length, "big"))


def canonical(address: str) -> str:
    """The one text of an address, so that equal addresses are equal.  Raises ValueError."""
    return text(6 if ":" in address else 4, number(address))


def whole(cidr: str) -> Range:
    network = ipaddress.ip_network(cidr)
    return int(network.network_address), int(network.broadcast_address)


def hosts(cidr: str) -> Range:
    """Addresses that a port may have: not the IPv4 network and broadcast addresses (but on /31 and /32, RFC 3021), and
    not the IPv6 subnet-router anycast address (RFC 4291, 2.6.1; but on /127 and /128, RFC 6164)."""
    network = ipaddress.ip_network(cidr)
    first, last = int(network.network_address), int(network.broadcast_address)
    if last - first <= 1:
        return first, last
    return (first + 1, last - 1) if network.version == 4 else (first + 1, last)


def without(pool: Range, hole: int | None) -> list[Range]:
    """`pool` less one address: no, one or two ranges."""
    first, last = pool
    if hole is None or not first <= hole <= last:
        return [pool]
    return [part for part in ((first, hole - 1), (hole + 1, last)) if part[0] <= part[1]]


def overlap(one: Range, other: Range) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


@lru_cache(maxsize=4096)
def span(subnet: Subnet) -> Span:
    pools = tuple((number(pool.start), number(pool.end)) for pool in subnet.allocation_pools)
    return Span(
        subnet.ip_version,
        whole(subnet.cidr),
        hosts(subnet.cidr),
        number(subnet.gateway_ip) if subnet.gateway_ip else None,
        pools,
        sum(last - first + 1 for first, last in pools),
    )


def eui64(cidr: str, mac: str) -> str:
    """The address that a station with this MAC makes for itself in a /64 (RFC 4862; RFC 4291, appendix A)."""
    octets = bytes.fromhex(mac.replace(":", ""))
    identifier = bytes((octets[0] ^ 2,)) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return text(6, whole(cidr)[0] | int.from_bytes(identifier, "big"))
