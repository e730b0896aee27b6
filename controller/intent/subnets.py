"""Rules of subnets."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Sequence
from typing import TypedDict

from msgspec.structs import replace

from controller.errors import Conflict, Invalid, NotFound
from controller.model.kinds import Pool, Port, Subnet
from controller.store.transaction import Transaction

from . import networks, ranges
from .means import Means


class SubnetWish(TypedDict, total=False):
    """`gateway_ip` "" means none; missing means the first address.  Addresses and `cidr` in canonical form."""

    network_id: str
    name: str
    ip_version: int
    cidr: str
    gateway_ip: str
    allocation_pools: tuple[Pool, ...]
    enable_dhcp: bool


def required(tx: Transaction, subnet_id: str) -> Subnet:
    subnet = tx.get(Subnet, subnet_id)
    if subnet is None:
        raise NotFound(f"Subnet {subnet_id} could not be found.", "SubnetNotFound")
    return subnet


def create(tx: Transaction, project_id: str, wish: SubnetWish, means: Means) -> Subnet:
    network = networks.required(tx, wish["network_id"])
    _check_cidr(wish["ip_version"], wish["cidr"], wish.get("enable_dhcp", True))
    subnet = Subnet(
        id=means.new_id(),
        project_id=project_id,
        network_id=network.id,
        name=wish.get("name", ""),
        ip_version=wish["ip_version"],
        cidr=wish["cidr"],
        gateway_ip=wish.get("gateway_ip", _first(wish["cidr"])),
        allocation_pools=wish.get("allocation_pools", ()),
        enable_dhcp=wish.get("enable_dhcp", True),
        created_at=means.now(),
    )
    _check_gateway(subnet)
    if "allocation_pools" in wish:
        _check_pools(subnet)
    else:
        subnet = replace(subnet, allocation_pools=default_pools(subnet))
    _check_others(tx, subnet)
    tx.reserve(f"member/{network.id}/subnet/{subnet.id}", subnet)
    tx.put(subnet)
    return subnet


def update(tx: Transaction, subnet_id: str, wish: SubnetWish, means: Means) -> Subnet:
    subnet = required(tx, subnet_id)
    changed = replace(subnet, **wish)
    if changed.gateway_ip != subnet.gateway_ip:
        _check_gateway(changed)
        _check_gateway_free(tx, changed)
    _check_dhcp(changed.cidr, changed.enable_dhcp)
    _check_pools(changed)
    tx.put(changed)
    return changed


def delete(tx: Transaction, subnet_id: str, means: Means) -> None:
    """Raises Conflict (SubnetInUse) when ports have addresses of it."""
    subnet = required(tx, subnet_id)
    tx.guard(f"ip/{subnet_id}")
    for port in tx.model.find(Port, "network_id", subnet.network_id):
        if any(fixed.subnet_id == subnet_id for fixed in port.fixed_ips):
            raise Conflict(
                f"Unable to complete operation on subnet {subnet_id}: One or more ports have an IP allocation from "
                f"this subnet.",
                "SubnetInUse",
            )
    tx.release(f"member/{subnet.network_id}/subnet/{subnet_id}")
    tx.delete(subnet)


def default_pools(subnet: Subnet) -> tuple[Pool, ...]:
    """The whole subnet less its gateway."""
    gateway = ranges.number(subnet.gateway_ip) if subnet.gateway_ip else None
    version = subnet.ip_version
    parts = ranges.without(ranges.hosts(subnet.cidr), gateway)
    return tuple(Pool(ranges.text(version, first), ranges.text(version, last)) for first, last in parts)


# --- what is refused --------------------------------------------------------------------------------------------------


def _first(cidr: str) -> str:
    """The default gateway; a subnet of one address has none."""
    first, last = ranges.hosts(cidr)
    return "" if first == last else ranges.text(6 if ":" in cidr else 4, first)


def _check_cidr(version: int, cidr: str, enable_dhcp: bool) -> None:
    network = ipaddress.ip_network(cidr)
    if network.version != version:
        raise Invalid(f"Invalid input for operation: cidr '{cidr}' does not match the ip_version '{version}'.")
    if network.prefixlen == 0:
        raise Invalid("Invalid input for operation: 0 is not allowed as CIDR prefix length.")
    if network.is_multicast or network.is_loopback or (version == 6 and network.is_link_local):
        raise Invalid(f"Invalid input for operation: cidr '{cidr}' is not of unicast addresses that hosts can share.")
    _check_dhcp(cidr, enable_dhcp)


def _check_dhcp(cidr: str, enable_dhcp: bool) -> None:
    first, last = ranges.whole(cidr)
    if enable_dhcp and last - first <= 1:
        raise Invalid(
            "Invalid input for operation: Subnet has a prefix length that is incompatible with DHCP service enabled."
        )


def _check_gateway(subnet: Subnet) -> None:
    """Outside the subnet is allowed, as in OpenStack (a gateway may be link-local)."""
    gateway = subnet.gateway_ip
    if not gateway:
        return
    if (6 if ":" in gateway else 4) != subnet.ip_version:
        raise Invalid(
            f"Invalid input for operation: gateway_ip '{gateway}' does not match the ip_version '{subnet.ip_version}'."
        )
    address = ranges.number(gateway)
    first, last = ranges.whole(subnet.cidr)
    usable, until = ranges.hosts(subnet.cidr)
    if first <= address <= last and not usable <= address <= until:
        raise Invalid(f"Invalid input for operation: Gateway {gateway} is not valid on subnet {subnet.cidr}.")


def _check_gateway_free(tx: Transaction, subnet: Subnet) -> None:
    tx.guard(f"ip/{subnet.id}")
    holder = tx.holder(f"ip/{subnet.id}/{subnet.gateway_ip}") if subnet.gateway_ip else None
    if holder is not None:
        raise Conflict(
            f"Gateway ip {subnet.gateway_ip} already in use by {holder.replace('/', ' ')}. Unable to update.",
            "GatewayIpInUse",
        )


def _check_pools(subnet: Subnet) -> None:
    """Inside the subnet, in order, apart from each other, without the gateway."""
    version = subnet.ip_version
    usable = ranges.hosts(subnet.cidr)
    gateway = ranges.number(subnet.gateway_ip) if subnet.gateway_ip else None
    taken: list[tuple[ranges.Range, Pool]] = []
    for pool in subnet.allocation_pools:
        shown = f"{pool.start}-{pool.end}"
        if {6 if ":" in end else 4 for end in (pool.start, pool.end)} != {version}:
            raise Invalid(f"The allocation pool {shown} is not valid.", "InvalidAllocationPool")
        first, last = ranges.number(pool.start), ranges.number(pool.end)
        if first > last:
            raise Invalid(f"The allocation pool {shown} is not valid.", "InvalidAllocationPool")
        if first < usable[0] or last > usable[1]:
            raise Invalid(
                f"The allocation pool {shown} spans beyond the subnet cidr {subnet.cidr}.", "OutOfBoundsAllocationPool"
            )
        if gateway is not None and first <= gateway <= last:
            raise Conflict(
                f"Gateway ip {subnet.gateway_ip} conflicts with allocation pool {shown}.",
                "GatewayConflictWithAllocationPools",
            )
        taken.append(((first, last), pool))
    _check_apart(subnet, taken)


def _check_apart(subnet: Subnet, pools: Sequence[tuple[ranges.Range, Pool]]) -> None:
    ordered = sorted(pools, key=lambda pair: pair[0])
    for (before, one), (after, other) in itertools.pairwise(ordered):
        if ranges.overlap(before, after):
            raise Conflict(
                f"Found overlapping allocation pools: {one.start}-{one.end} and {other.start}-{other.end} for subnet "
                f"{subnet.cidr}.",
                "OverlappingAllocationPools",
            )


def _check_others(tx: Transaction, subnet: Subnet) -> None:
    """No two subnets of a network share an address."""
    tx.guard(f"member/{subnet.network_id}/subnet")
    mine = ranges.whole(subnet.cidr)
    for other in tx.find(Subnet, "network_id", subnet.network_id):
        if other.ip_version == subnet.ip_version and ranges.overlap(mine, ranges.whole(other.cidr)):
            raise Invalid(
                f"Invalid input for operation: Requested subnet with cidr: {subnet.cidr} for network: "
                f"{subnet.network_id} overlaps with another subnet: {other.cidr}."
            )
