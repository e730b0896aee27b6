"""Allocation of unique values: segment ids, MAC addresses, IP addresses.

Each is a reservation, drawn at random from the free values.  Two members that draw at the same time rarely draw the
same; when they do, the store lets one commit and refuses the other.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.intent.env import Means
from controller.model.rows import Network, Row, Subnet
from controller.runtime.errors import Conflict, Exhausted
from controller.store.transaction import Transaction

from . import ranges

SEGMENTS = (
    2**24 - 2
)  # the VNI of VXLAN and Geneve has 24 bits (RFC 7348, 5); the last one carries BFD (topology/watches.py)
LABELS = 2**20 - 1  # a segment is an MPLS label on wires, of 20 bits (RFC 3032, 2.1)
GROUPS = 2**24 - 1  # security groups and address groups: a number in flows has 24 bits
ROUTERS = 16_382  # a router has a connection tracking zone of its own, 49,151 and its number, below the probe's 65,534
MAC_PREFIX = "fa:16:3e"  # OpenStack's default
PROBES = 16  # random draws before the pools are searched one by one


def take(tx: Transaction, what: str, holder: Row, kind: str, message: str) -> None:
    """Reserve `what`; raises Conflict of `kind` when any row has it, even `holder` itself."""
    if tx.holder(what) is not None:
        raise Conflict(message, kind)
    tx.reserve(what, holder)


def _free_number(tx: Transaction, prefix: str, drawn: int, last: int, means: Means) -> int | None:
    """A number of 1..`last` that is not reserved below `prefix`: drawn from 1..`drawn`, else the lowest; or None."""
    for _ in range(PROBES):
        number = 1 + means.below(drawn)
        if tx.holder(f"{prefix}/{number}") is None:
            return number
    for number in means.turns(range(1, last + 1)):
        if tx.holder(f"{prefix}/{number}") is None:
            return number
    return None


# --- segments ---------------------------------------------------------------------------------------------------------


def free_segment(tx: Transaction, means: Means, what: str = "network") -> int:
    """A free segment id, of 20 bits while there are any, so that wires can carry it.  Raises Exhausted."""
    segment = _free_number(tx, "segment", LABELS, SEGMENTS, means)
    if segment is None:
        raise Exhausted(f"Unable to create the {what}. No segment id is left.", "NoNetworkAvailable")
    return segment


# --- numbers of groups ------------------------------------------------------------------------------------------------


def free_group_number(tx: Transaction, means: Means) -> int:
    """A number that no security group or address group has, of 24 bits; the caller reserves `group-number/NUMBER`."""
    number = _free_number(tx, "group-number", GROUPS, GROUPS, means)
    if number is None:
        raise Exhausted("Unable to create the group. No group number is left.", "ServiceUnavailable")
    return number


# --- numbers of routers -----------------------------------------------------------------------------------------------


def free_router_number(tx: Transaction, means: Means) -> int:
    """A number that no router has, of 14 bits; the caller reserves `router-number/NUMBER`.  Raises Exhausted."""
    number = _free_number(tx, "router-number", ROUTERS, ROUTERS, means)
    if number is None:
        raise Exhausted("Unable to create the router. No router number is left.", "ServiceUnavailable")
    return number


# --- MAC addresses ----------------------------------------------------------------------------------------------------


def free_mac(tx: Transaction, network_id: str, means: Means) -> str:
    """A MAC address that is free on the network.  Raises Exhausted."""
    for _ in range(PROBES * 4):
        low = means.below(2**24)
        mac = f"{MAC_PREFIX}:{low >> 16:02x}:{low >> 8 & 255:02x}:{low & 255:02x}"
        if tx.holder(f"mac/{network_id}/{mac}") is None:
            return mac
    raise Exhausted(f"Unable to generate unique mac on network {network_id}.", "MacAddressGenerationFailure")


# --- IP addresses -----------------------------------------------------------------------------------------------------


def free_address(tx: Transaction, subnet: Subnet, means: Means) -> str | None:
    """A free address of the subnet's pools, or None.

    Takes a few look-ups until the pools are nearly full; a full subnet is searched whole, in turns with other requests.
    """
    span = ranges.span(subnet)
    if not span.size:
        return None
    prefix = f"ip/{subnet.id}/"
    for _ in range(PROBES):
        address = ranges.text(span.version, _nth(span.pools, means.below(span.size)))
        if tx.holder(prefix + address) is None:
            return address
    for nth in means.turns(_around(means.below(span.size), span.size)):
        address = ranges.text(span.version, _nth(span.pools, nth))
        if tx.holder(prefix + address) is None:
            return address
    return None


def take_address(tx: Transaction, subnet: Subnet, address: str, holder: Row) -> None:
    network_id = subnet.network_id
    take(
        tx,
        f"ip/{subnet.id}/{address}",
        holder,
        "IpAddressInUse",
        f"Unable to complete operation for network {network_id}. The IP address {address} is in use.",
    )


def take_mac(tx: Transaction, network: Network, mac: str, holder: Row) -> None:
    take(
        tx,
        f"mac/{network.id}/{mac}",
        holder,
        "MacAddressInUse",
        f"Unable to complete operation for network {network.id}. The mac address {mac} is in use.",
    )


def _nth(pools: tuple[ranges.Range, ...], nth: int) -> int:
    for first, last in pools:
        size = last - first + 1
        if nth < size:
            return first + nth
        nth -= size
    raise IndexError(nth)


def _around(start: int, size: int) -> Iterator[int]:
    """0..size-1, beginning at `start` and wrapping around, so that concurrent searches begin apart."""
    yield from range(start, size)
    yield from range(start)
