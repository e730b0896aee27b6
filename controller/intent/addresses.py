"""IP address allocation for ports: requested addresses, default ones, and those formed by SLAAC.

On a subnet with SLAAC or stateless DHCPv6 a station forms its address from its MAC (RFC 4862).  A port on the network
always has that address, requested or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from controller.intent.env import Means
from controller.model.rows import FixedIp, Network, Port, Subnet
from controller.runtime.errors import Exhausted, Invalid
from controller.store.transaction import Transaction

from . import allocate, ranges

ROUTERS = (
    "network:router_interface", "network:router_interface_distributed", "network:ha_router_replicated_interface",
    "network:router_centralized_snat",
)  # fmt: skip


class AddressRequest(NamedTuple):
    """A requested fixed IP: a subnet, an address, or both ("" when not given)."""

    subnet_id: str = ""
    ip_address: str = ""


def of_new_port(
    tx: Transaction, network: Network, port: Port, requests: Sequence[AddressRequest] | None, means: Means
) -> tuple[FixedIp, ...]:
    if requests is not None:
        return _given(tx, network, port, requests, {}, means) if requests else ()
    return _default(tx, network, port, means)


def of_port(
    tx: Transaction, network: Network, port: Port, requests: Sequence[AddressRequest], means: Means
) -> tuple[FixedIp, ...]:
    """Change a port's addresses to the requested ones; those requested again are kept, the others released."""
    if port.learning and requests:
        raise Invalid(
            f"Invalid input for operation: port {port.id} was made through Quantum v1.1, its addresses are learned."
        )
    spare = list(port.fixed_ips)
    kept = {
        place: fixed
        for place, request in enumerate(requests)
        if request.ip_address and (fixed := _pick(spare, request))
    }
    kept |= {
        place: fixed
        for place, request in enumerate(requests)
        if not request.ip_address and (fixed := _pick(spare, request))
    }
    for fixed in spare:
        tx.release(f"ip/{fixed.subnet_id}/{fixed.ip_address}")
    return _given(tx, network, port, requests, kept, means) if requests else ()


def of_new_mac(tx: Transaction, port: Port, mac: str) -> tuple[FixedIp, ...]:
    """Addresses of a port with a new MAC: those formed from the MAC change too."""
    found = []
    for fixed in port.fixed_ips:
        subnet = tx.get(Subnet, fixed.subnet_id)
        if subnet is None or not _made(subnet, port) or fixed.ip_address != ranges.eui64(subnet.cidr, port.mac_address):
            found.append(fixed)
            continue
        tx.release(f"ip/{subnet.id}/{fixed.ip_address}")
        found.append(_take(tx, subnet, ranges.eui64(subnet.cidr, mac), port))
    return tuple(found)


def join(tx: Transaction, subnet: Subnet, means: Means) -> None:
    """Give every port of the network its address on a new SLAAC subnet."""
    for port in tx.find(Port, "network_id", subnet.network_id):
        if _made(subnet, port) and not port.learning:
            fixed = _take(tx, subnet, ranges.eui64(subnet.cidr, port.mac_address), port)
            tx.put(replace(port, fixed_ips=(*port.fixed_ips, fixed), updated_at=means.now()))


def leave(tx: Transaction, port: Port, subnet: Subnet, means: Means) -> None:
    """Remove from a port the addresses formed on a subnet that is deleted."""
    kept = []
    for fixed in port.fixed_ips:
        if fixed.subnet_id == subnet.id:
            tx.release(f"ip/{subnet.id}/{fixed.ip_address}")
        else:
            kept.append(fixed)
    tx.put(replace(port, fixed_ips=tuple(kept), updated_at=means.now()))


def usable(subnet: Subnet, address: str) -> bool:
    """Whether the address is a host address of the subnet.  The gateway's counts: a port may request it explicitly."""
    span = ranges.span(subnet)
    if (6 if ":" in address else 4) != span.version:
        return False
    wanted = ranges.number(address)
    return span.hosts[0] <= wanted <= span.hosts[1]


def in_pools(subnet: Subnet, address: str) -> bool:
    """Whether the address is one that may be allocated by default."""
    span, wanted = ranges.span(subnet), ranges.number(address)
    return (6 if ":" in address else 4) == span.version and any(first <= wanted <= last for first, last in span.pools)


# --- choosing ---------------------------------------------------------------------------------------------------------


def _given(
    tx: Transaction,
    network: Network,
    port: Port,
    requests: Sequence[AddressRequest],
    kept: dict[int, FixedIp],
    means: Means,
) -> tuple[FixedIp, ...]:
    """An address for each request, in order.  `kept`: addresses that the port has already, by index of the request.

    Addresses requested explicitly are reserved before any is drawn, so that none of them is drawn.
    """
    found = dict(kept)
    for place, request in sorted(enumerate(requests), key=lambda item: not item[1].ip_address):
        if place not in found:
            found[place] = _address(tx, network, port, request, means)
    given = [found[place] for place in range(len(requests))]
    return (*given, *_self_made(tx, tx.find(Subnet, "network_id", network.id), port, given))


def _default(tx: Transaction, network: Network, port: Port, means: Means) -> tuple[FixedIp, ...]:
    """Default addresses: one of an IPv4 subnet and one of an IPv6 subnet, as far as there are; oldest subnets first."""
    found: list[FixedIp] = []
    served = _serving(network, port, tx.find(Subnet, "network_id", network.id))
    for version in (4, 6):
        candidates = [subnet for subnet in served if subnet.ip_version == version and not _made(subnet, port)]
        if candidates:
            found.append(_draw(tx, network, port, sorted(candidates, key=_age), means))
    return (*found, *_self_made(tx, served, port, found))


def _serving(network: Network, port: Port, candidates: list[Subnet]) -> list[Subnet]:
    """Subnets for the port's device owner: those with a matching service type, else those without service types."""
    if not any(subnet.service_types for subnet in candidates):
        return candidates
    named = [subnet for subnet in candidates if port.device_owner in subnet.service_types]
    served = named or [subnet for subnet in candidates if not subnet.service_types]
    if not served:
        raise Exhausted(
            f"No valid service subnet for the given device owner on network {network.id}.",
            "IpAddressGenerationFailureNoMatchingSubnet",
        )
    return served


def _self_made(tx: Transaction, candidates: Iterable[Subnet], port: Port, has: Sequence[FixedIp]) -> list[FixedIp]:
    """Addresses that the port forms by SLAAC and does not have yet, on every such subnet."""
    there = {fixed.subnet_id for fixed in has}
    return [
        _take(tx, subnet, ranges.eui64(subnet.cidr, port.mac_address), port)
        for subnet in sorted(candidates, key=_age)
        if _made(subnet, port) and subnet.id not in there
    ]


def _made(subnet: Subnet, port: Port) -> bool:
    """Whether the port forms its address on the subnet from its MAC.  Routers' addresses are assigned."""
    return subnet.slaac and port.device_owner not in ROUTERS


def _age(subnet: Subnet) -> tuple[str, str]:
    return subnet.created_at, subnet.id


def _draw(tx: Transaction, network: Network, port: Port, candidates: Sequence[Subnet], means: Means) -> FixedIp:
    for subnet in candidates:
        address = allocate.free_address(tx, subnet, means)
        if address is not None:
            return _take(tx, subnet, address, port)
    raise Exhausted(f"No more IP addresses available on network {network.id}.")


def _take(tx: Transaction, subnet: Subnet, address: str, port: Port) -> FixedIp:
    """Reserve an address.  The port may hold it already: an address formed from a MAC is the same each time."""
    if tx.holder(f"ip/{subnet.id}/{address}") != port.key or not _made(subnet, port):
        allocate.take_address(tx, subnet, address, port)
    return FixedIp(subnet.id, address)


def _address(tx: Transaction, network: Network, port: Port, request: AddressRequest, means: Means) -> FixedIp:
    subnet = _subnet(tx, network, request)
    if not _made(subnet, port):
        return (
            _take(tx, subnet, request.ip_address, port)
            if request.ip_address
            else _draw(tx, network, port, [subnet], means)
        )
    address = ranges.eui64(subnet.cidr, port.mac_address)
    if request.ip_address not in ("", address):
        raise Invalid(
            f"IPv6 address {request.ip_address} cannot be directly assigned to a port on subnet {subnet.id} as the "
            f"subnet is configured for automatic addresses.",
            "AllocationOnAutoAddressSubnet",
        )
    return _take(tx, subnet, address, port)


def _subnet(tx: Transaction, network: Network, request: AddressRequest) -> Subnet:
    """The requested subnet.  A subnet of another network gets the same error as one that does not exist."""
    if not request.subnet_id:
        for subnet in tx.find(Subnet, "network_id", network.id):
            if usable(subnet, request.ip_address):
                return subnet
        raise Invalid(
            f"IP address {request.ip_address} is not a valid IP for any of the subnets on the specified network "
            f"{network.id}.",
            "InvalidIpForNetwork",
        )
    subnet_of = tx.get(Subnet, request.subnet_id)
    if subnet_of is None or subnet_of.network_id != network.id:
        raise Invalid(
            f"Invalid input for operation: Failed to create or update port on network {network.id}, because fixed_ips "
            f"included invalid subnet {request.subnet_id}."
        )
    if request.ip_address and not usable(subnet_of, request.ip_address):
        raise Invalid(
            f"IP address {request.ip_address} is not a valid IP for the specified subnet {subnet_of.id} "
            f"({subnet_of.cidr}).",
            "InvalidIpForSubnet",
        )
    return subnet_of


def _pick(spare: list[FixedIp], request: AddressRequest) -> FixedIp | None:
    """Remove and return an address of `spare` that satisfies the request."""
    for place, fixed in enumerate(spare):
        if request.subnet_id in ("", fixed.subnet_id) and request.ip_address in ("", fixed.ip_address):
            return spare.pop(place)
    return None
