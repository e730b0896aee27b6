"""Arithmetic of IP address ranges: addresses are integers, ranges are pairs of them, both ends included."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from controller.model.rows import Subnet

Range = tuple[int, int]
_FAMILIES = {4: (socket.AF_INET, 4), 6: (socket.AF_INET6, 16)}  # version -> (family, bytes of an address)


class Span(NamedTuple):
    """A subnet as integers.  `hosts`: addresses that ports may have; `pools`: ranges to allocate from by default."""

    version: int
    whole: Range
    hosts: Range
    gateway: int | None
    pools: tuple[Range, ...]
    size: int  # addresses in the pools


def number(address: str) -> int:
    """Integer of an IPv4 or IPv6 address.  Raises ValueError."""
    version = 6 if ":" in address else 4
    try:
        return int.from_bytes(socket.inet_pton(_FAMILIES[version][0], address), "big")
    except OSError:
        raise ValueError(f"{address!r} is not an IP address") from None


def text(version: int, address: int) -> str:
    """Canonical text of an address (RFC 5952 for IPv6)."""
    family, length = _FAMILIES[version]
    return socket.inet_ntop(family, address.to_bytes(length, "big"))


def canonical(address: str) -> str:
    """Canonical text of an address given as text, so that equal addresses compare equal.  Raises ValueError."""
    return text(6 if ":" in address else 4, number(address))


def whole(cidr: str) -> Range:
    network = ipaddress.ip_network(cidr)
    return int(network.network_address), int(network.broadcast_address)


def hosts(cidr: str) -> Range:
    """Host addresses of a subnet: not the IPv4 network and broadcast addresses (but on /31 and /32, RFC 3021), and
    not the IPv6 subnet-router anycast address (RFC 4291, 2.6.1; but on /127 and /128, RFC 6164)."""
    network = ipaddress.ip_network(cidr)
    first, last = int(network.network_address), int(network.broadcast_address)
    if last - first <= 1:
        return first, last
    return (first + 1, last - 1) if network.version == 4 else (first + 1, last)


def without(pool: Range, hole: int | None) -> list[Range]:
    """`pool` without one address: no, one or two ranges."""
    first, last = pool
    if hole is None or not first <= hole <= last:
        return [pool]
    return [part for part in ((first, hole - 1), (hole + 1, last)) if part[0] <= part[1]]


def overlap(one: Range, other: Range) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def merged(some: Iterable[Range]) -> list[Range]:
    """Ranges in order, merged where they touch or overlap."""
    found: list[Range] = []
    for first, last in sorted(some):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def less(some: Sequence[Range], holes: Sequence[Range]) -> list[Range]:
    """Difference of two lists of ranges, each in order and disjoint, as is the result."""
    found: list[Range] = []
    place = 0
    for first, last in some:
        while place < len(holes) and holes[place][1] < first:
            place += 1
        at = place
        while at < len(holes) and holes[at][0] <= last:
            if first < holes[at][0]:
                found.append((first, holes[at][0] - 1))
            first = holes[at][1] + 1
            at += 1
        if first <= last:
            found.append((first, last))
    return found


def prefixes(version: int, some: Iterable[Range], most: int) -> tuple[str, ...]:
    """The fewest prefixes that cover exactly these disjoint ranges; only `most` + 1 of them if there are more."""
    bits = _FAMILIES[version][1] * 8
    found: list[str] = []
    for first, last in some:
        while first <= last and len(found) <= most:
            free = (first & -first).bit_length() - 1 if first else bits  # host bits by alignment
            host = min(free, (last - first + 1).bit_length() - 1)
            found.append(f"{text(version, first)}/{bits - host}")
            first += 1 << host
    return tuple(found)


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
    """SLAAC address of a station with this MAC in a /64 (RFC 4862; RFC 4291, appendix A)."""
    octets = bytes.fromhex(mac.replace(":", ""))
    identifier = bytes((octets[0] ^ 2,)) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return text(6, whole(cidr)[0] | int.from_bytes(identifier, "big"))
