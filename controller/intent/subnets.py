"""Rules of subnets."""

from __future__ import annotations

import ipaddress
import itertools
import re
from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from controller.intent.env import Means
from controller.model.rows import HostRoute, Network, Pool, Port, RouterInterface, Subnet, SubnetPool
from controller.runtime.errors import Conflict, Invalid, NotFound
from controller.store.transaction import Transaction

from . import addresses, networks, pools, ranges, standard, visibility
from .standard import StandardRequest

MOST_ROUTES, MOST_SERVERS = 20, 5  # Neutron's defaults
SERVICE_TYPE = re.compile("[a-z]+:.*")  # form of a port's device_owner, such as network:dhcp


class SubnetRequest(StandardRequest, total=False):
    """Requested attributes of a subnet.  Addresses and `cidr` in canonical form.

    `gateway_ip` "": none; missing: the first address.  `cidr` may be missing when a pool is given, by id or with
    `use_default_subnetpool`.
    """

    network_id: str
    ip_version: int
    cidr: str
    prefixlen: int
    subnetpool_id: str
    use_default_subnetpool: bool
    gateway_ip: str
    allocation_pools: tuple[Pool, ...]
    enable_dhcp: bool
    dns_nameservers: tuple[str, ...]
    host_routes: tuple[HostRoute, ...]
    ra_mode: str
    address_mode: str
    service_types: tuple[str, ...]
    dns_publish_fixed_ip: bool


def missing(subnet_id: str) -> NotFound:
    return NotFound(f"Subnet {subnet_id[:64]} could not be found.", "SubnetNotFound")


def required(tx: Transaction, subnet_id: str) -> Subnet:
    subnet = tx.get(Subnet, subnet_id)
    if subnet is None:
        raise missing(subnet_id)
    return subnet


def create(tx: Transaction, project_id: str, request: SubnetRequest, means: Means) -> Subnet:
    network_id = request["network_id"]
    network = visibility.required(tx, Network, network_id, means, networks.missing(network_id))
    visibility.owned(tx, network_id, means)
    pool = _pool(tx, request, means)
    cidr = _cidr(tx, project_id, request, pool)
    version = 6 if ":" in cidr else 4
    _check_cidr(request.get("ip_version", version), cidr)
    subnet = Subnet(
        **standard.fields(project_id, request, means),
        network_id=network.id,
        ip_version=version,
        cidr=cidr,
        gateway_ip=request.get("gateway_ip", _first(cidr)),
        allocation_pools=request.get("allocation_pools", ()),
        enable_dhcp=request.get("enable_dhcp", True),
        dns_nameservers=request.get("dns_nameservers", ()),
        host_routes=request.get("host_routes", ()),
        ra_mode=request.get("ra_mode", ""),
        address_mode=request.get("address_mode", ""),
        service_types=request.get("service_types", ()),
        subnetpool_id=pool.id if pool else "",
        dns_publish_fixed_ip=request.get("dns_publish_fixed_ip", False),
    )
    _check_modes(subnet)
    _check_gateway(subnet)
    _check_options(subnet)
    if "allocation_pools" in request:
        _check_pools(subnet)
    else:
        subnet = replace(subnet, allocation_pools=default_pools(subnet))
    _check_others(tx, network, subnet)
    tx.reserve(f"member/{network.id}/subnet/{subnet.id}", subnet)
    if pool:
        pools.hold(tx, subnet)
    tx.put(subnet)
    if subnet.slaac:
        addresses.join(tx, subnet, means)
    standard.touch(tx, network, means)
    return subnet


def update(tx: Transaction, subnet_id: str, request: SubnetRequest, means: Means) -> Subnet:
    subnet = required(tx, subnet_id)
    visibility.owned(tx, subnet.network_id, means)
    changes: dict[str, Any] = {**request}
    changed = replace(subnet, **changes)
    if changed.gateway_ip != subnet.gateway_ip:
        _check_gateway(changed)
        _check_gateway_free(tx, changed)
        _check_gateway_left(tx, subnet)
    _check_modes(changed)
    _check_dhcp(changed)
    _check_options(changed)
    _check_pools(changed)
    changed = standard.change(tx, subnet, changes, means)
    if changed is not subnet:
        standard.touch(tx, networks.required(tx, subnet.network_id), means)
    return changed


def delete(tx: Transaction, subnet_id: str, means: Means) -> None:
    """Delete a subnet.  Raises Conflict (SubnetInUse) when ports have addresses of it other than by SLAAC."""
    subnet = required(tx, subnet_id)
    visibility.owned(tx, subnet.network_id, means)
    tx.guard(f"ip/{subnet_id}")
    for port in tx.find(Port, "subnets", subnet_id):
        if not subnet.slaac or port.device_owner in addresses.ROUTERS:
            raise Conflict(
                f"Unable to complete operation on subnet {subnet_id}: One or more ports have an IP allocation from "
                f"this subnet.",
                "SubnetInUse",
            )
        addresses.leave(tx, port, subnet, means)
    networks.release_subnet(tx, subnet)
    tx.delete(subnet)
    standard.touch(tx, networks.required(tx, subnet.network_id), means)


def _pool(tx: Transaction, request: SubnetRequest, means: Means) -> SubnetPool | None:
    pool_id = request.get("subnetpool_id", "")
    if pool_id and request.get("use_default_subnetpool"):
        raise Invalid("Bad subnets request: subnetpool_id and use_default_subnetpool cannot both be specified.",
                      "BadRequest")  # fmt: skip
    if request.get("use_default_subnetpool"):
        return pools.default(tx, request.get("ip_version", 4))
    if not pool_id:
        return None
    return visibility.required(tx, SubnetPool, pool_id, means, pools.missing(pool_id))


def _cidr(tx: Transaction, project_id: str, request: SubnetRequest, pool: SubnetPool | None) -> str:
    """CIDR of a new subnet: the requested one, else allocated from the pool."""
    if pool is None:
        if "cidr" not in request:
            raise Invalid("Bad subnets request: a subnetpool must be specified in the absence of a cidr.", "BadRequest")
        if "prefixlen" in request:
            raise Invalid("Bad subnets request: prefixlen is for subnets of a subnetpool.", "BadRequest")
        return request["cidr"]
    if request.get("ip_version", pool.ip_version) != pool.ip_version:
        raise Invalid(
            f"Bad subnets request: Cannot allocate IPv{request['ip_version']} subnet from IPv{pool.ip_version} subnet "
            f"pool.",
            "BadRequest",
        )
    if "cidr" in request:
        if "prefixlen" in request:
            raise Invalid("Bad subnets request: cidr and prefixlen must not be supplied together.", "BadRequest")
        return pools.claim(tx, pool, project_id, request["cidr"])
    if "allocation_pools" in request:
        raise Invalid("Bad subnets request: allocation_pools allowed only for specific subnet requests.", "BadRequest")
    return pools.cut(tx, pool, project_id, request.get("prefixlen"))


def default_pools(subnet: Subnet) -> tuple[Pool, ...]:
    """Default allocation pools: all host addresses but the gateway."""
    gateway = ranges.number(subnet.gateway_ip) if subnet.gateway_ip else None
    version = subnet.ip_version
    parts = ranges.without(ranges.hosts(subnet.cidr), gateway)
    return tuple(Pool(ranges.text(version, first), ranges.text(version, last)) for first, last in parts)


# --- what is refused --------------------------------------------------------------------------------------------------


def _first(cidr: str) -> str:
    """Default gateway: the first host address; "" for a subnet of one address."""
    first, last = ranges.hosts(cidr)
    return "" if first == last else ranges.text(6 if ":" in cidr else 4, first)


def _check_cidr(version: int, cidr: str) -> None:
    network = ipaddress.ip_network(cidr)
    if network.version != version:
        raise Invalid(f"Invalid input for operation: cidr '{cidr}' does not match the ip_version '{version}'.")
    if network.prefixlen == 0:
        raise Invalid("Invalid input for operation: 0 is not allowed as CIDR prefix length.")
    if network.is_multicast or network.is_loopback or (version == 6 and network.is_link_local):
        raise Invalid(f"Invalid input for operation: cidr '{cidr}' is not of unicast addresses that hosts can share.")


def _check_dhcp(subnet: Subnet) -> None:
    first, last = ranges.whole(subnet.cidr)
    if subnet.enable_dhcp and last - first <= 1:
        raise Invalid(
            "Invalid input for operation: Subnet has a prefix length that is incompatible with DHCP service enabled."
        )


def _check_modes(subnet: Subnet) -> None:
    """IPv6 modes: only with IPv6 and DHCP, equal if both are given, and SLAAC needs a /64 (RFC 4862)."""
    _check_dhcp(subnet)
    modes = {mode for mode in (subnet.ra_mode, subnet.address_mode) if mode}
    if not modes:
        return
    if subnet.ip_version != 6:
        raise Invalid("Invalid input for operation: ipv6_ra_mode or ipv6_address_mode cannot be set when ip_version "
                      "is 4.")  # fmt: skip
    if not subnet.enable_dhcp:
        raise Invalid("Invalid input for operation: ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp "
                      "is set to False.")  # fmt: skip
    if len(modes) > 1:
        raise Invalid(
            f"Invalid input for operation: ipv6_ra_mode set to '{subnet.ra_mode}' with ipv6_address_mode set to "
            f"'{subnet.address_mode}' is not valid. If both attributes are set, they must be the same value."
        )
    if subnet.slaac and not subnet.cidr.endswith("/64"):
        raise Invalid(
            f"Invalid input for operation: Invalid CIDR {subnet.cidr} for IPv6 address mode. OpenStack uses the EUI-64 "
            f"address format, which requires the prefix to be /64."
        )


def _check_options(subnet: Subnet) -> None:
    """Checks of host routes, name servers and service types."""
    if len(subnet.dns_nameservers) > MOST_SERVERS:
        raise Invalid(f"Unable to complete operation for {subnet.id}. The number of DNS nameservers exceeds the limit "
                      f"{MOST_SERVERS}.", "DNSNameServersExhausted")  # fmt: skip
    if len(subnet.host_routes) > MOST_ROUTES:
        raise Invalid(f"Unable to complete operation for {subnet.id}. The number of host routes exceeds the limit "
                      f"{MOST_ROUTES}.", "HostRoutesExhausted")  # fmt: skip
    for text in (*subnet.dns_nameservers, *(end for route in subnet.host_routes for end in route_ends(route))):
        if (6 if ":" in text else 4) != subnet.ip_version:
            raise Invalid(f"Invalid input for operation: '{text}' does not match the ip_version '{subnet.ip_version}'.")
    for service in subnet.service_types:
        if not SERVICE_TYPE.fullmatch(service):
            raise Invalid(
                f"Subnet service type {service} does not correspond to a valid device owner.",
                "InvalidSubnetServiceType",
            )


def route_ends(route: HostRoute) -> tuple[str, str]:
    return route.destination, route.nexthop


def _check_gateway(subnet: Subnet) -> None:
    """Check of the gateway.  It may be outside the subnet, as in OpenStack (link-local, for instance)."""
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


def _check_gateway_left(tx: Transaction, subnet: Subnet) -> None:
    """Raises Conflict while an interface of a router has the subnet's gateway address."""
    holder = tx.holder(f"ip/{subnet.id}/{subnet.gateway_ip}") if subnet.gateway_ip else None
    port_id = (holder or "").removeprefix("port/")
    if port_id and tx.get(RouterInterface, port_id) is not None:
        raise Conflict(
            f"Current gateway ip {subnet.gateway_ip} already in use by port {port_id}. Unable to update.",
            "GatewayIpInUse",
        )


def _check_pools(subnet: Subnet) -> None:
    """Check of allocation pools: inside the subnet, disjoint, without the gateway."""
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


def _check_others(tx: Transaction, network: Network, subnet: Subnet) -> None:
    """Check against the network's other subnets: no overlap, and one pool, or none, for all of an IP version."""
    networks.check_carries(network, subnet.ip_version)
    tx.guard(f"member/{subnet.network_id}/subnet")
    memo = ("subnets", network.id, subnet.ip_version)  # within this transaction: (first, last, subnet), disjoint
    others = tx.memo.get(memo)
    if others is None:
        found = tx.find(Subnet, "network_id", network.id)
        same = [each for each in found if each.ip_version == subnet.ip_version]
        others = tx.memo[memo] = sorted((*ranges.span(each).whole, each) for each in same)
    if others and others[0][2].subnetpool_id != subnet.subnetpool_id:
        raise Invalid(
            "Subnets hosted on the same network must be allocated from the same subnet pool.",
            "NetworkSubnetPoolAffinityError",
        )
    mine = ranges.span(subnet).whole
    place = max(bisect_left(others, mine) - 1, 0)
    for first, last, other in others[place : place + 2]:
        if ranges.overlap(mine, (first, last)):
            raise Invalid(
                f"Invalid input for operation: Requested subnet with cidr: {subnet.cidr} for network: "
                f"{subnet.network_id} overlaps with another subnet: {other.cidr}."
            )
    insort(others, (*mine, subnet))
