"""Checks of a router's subnets and routes, and what its interfaces are needed for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from controller.model.rows import (
    ExtraRoute,
    FixedIp,
    FloatingIp,
    Port,
    PortForwarding,
    Router,
    RouterInterface,
    Subnet,
)
from controller.runtime.errors import Conflict, Invalid
from controller.store.transaction import Transaction

from . import ranges, router_proxies

MOST_ROUTES = 30  # Neutron's default


def bad_request(said: str) -> Invalid:
    """The error that OpenStack Networking gives for most of what a router cannot do."""
    return Invalid(f"Bad router request: {said}.", "BadRequest")


def interfaces(tx: Transaction, router_id: str) -> list[Port]:
    """Ports of the router's interfaces in tenants' networks."""
    found = (tx.get(Port, each.id) for each in tx.find(RouterInterface, "router_id", router_id))
    return [port for port in found if port is not None]


def _addresses(tx: Transaction, router: Router) -> Iterator[FixedIp]:
    """Addresses of all its interfaces and gateways."""
    ports = interfaces(tx, router.id)
    ports += [port for each in router.gateways if (port := tx.get(Port, each.port_id)) is not None]
    for port in ports:
        yield from port.fixed_ips


# --- subnets ----------------------------------------------------------------------------------------------------------


def check_mode(subnet: Subnet) -> None:
    """Raises Invalid for an IPv6 subnet whose advertisements come from a router of somebody else."""
    if subnet.ip_version == 6 and subnet.address_mode and not subnet.ra_mode:
        raise bad_request(
            f"IPv6 subnet {subnet.id} configured to receive RAs from an external router cannot be added to a router"
        )


def check_apart(tx: Transaction, router: Router, new: Sequence[Subnet], *, gateway: bool, but: str = "") -> None:
    """Raises Invalid when new subnets overlap with each other or with those that the router is connected to.

    Connected are the subnets of its interfaces, and all of its external networks'.  A further `gateway` may be in an
    external network that the router has a gateway in.  `but`: an interface that is left out.
    """
    external = {subnet.id: subnet for network_id in router.external_networks
                for subnet in tx.find(Subnet, "network_id", network_id)}  # fmt: skip
    inside = {fixed.subnet_id for port in interfaces(tx, router.id) if port.id != but for fixed in port.fixed_ips}
    there = [*external.values(), *(found for each in inside if (found := tx.get(Subnet, each)) is not None)]
    for place, subnet in enumerate(new):
        if gateway and subnet.id in external:
            continue
        for other in (*there, *(new[:place] if not gateway else ())):
            _check_overlap(subnet, other)


def _check_overlap(subnet: Subnet, other: Subnet) -> None:
    if subnet.id == other.id:
        raise bad_request(f"Router already has a port on subnet {subnet.id}")
    one, two = ranges.span(subnet), ranges.span(other)
    if one.version == two.version and ranges.overlap(one.whole, two.whole):
        raise bad_request(
            f"Cidr {subnet.cidr} of subnet {subnet.id} overlaps with cidr {other.cidr} of subnet {other.id}"
        )


# --- extra routes -----------------------------------------------------------------------------------------------------


def check_routes(tx: Transaction, router: Router, routes: Sequence[ExtraRoute]) -> None:
    """Raises Invalid when a next hop is not connected to the router or is the router itself, or for too many routes."""
    if len(routes) > max(MOST_ROUTES, len(router.routes)):
        raise Invalid(
            f"Unable to complete operation for {router.id}. The number of routes exceeds the maximum {MOST_ROUTES}.",
            "RoutesExhausted",
        )
    if not routes:
        return
    own, connected = set[str](), set[tuple[int, ranges.Range]]()
    for fixed in _addresses(tx, router):
        own.add(fixed.ip_address)
        subnet = tx.get(Subnet, fixed.subnet_id)
        if subnet is not None:
            connected.add((subnet.ip_version, ranges.span(subnet).whole))
    for route in routes:
        version, hop = (6 if ":" in route.nexthop else 4), ranges.number(route.nexthop)
        if (6 if ":" in route.destination else 4) != version:
            raise _invalid(route, "the destination and the nexthop are of different IP versions")
        if not any(each == version and first <= hop <= last for each, (first, last) in connected):
            raise _invalid(route, "the nexthop is not connected with router")
        if route.nexthop in own:
            raise _invalid(route, "the nexthop is used by router")


def _invalid(route: ExtraRoute, reason: str) -> Invalid:
    return Invalid(
        f"Invalid input for operation: Invalid format for routes: {route.destination} via {route.nexthop}, {reason}.",
        "InvalidRoutes",
    )


# --- what is in use ---------------------------------------------------------------------------------------------------


def check_unused(tx: Transaction, router: Router, subnets: Iterable[Subnet]) -> None:
    """Raises Conflict when floating IPs or extra routes need the router's interface in one of the subnets.

    A floating IP with a router holds the reservation `router-fip/<router>/<floating IP>`: newcomers are noticed.
    """
    tx.guard(f"router-fip/{router.id}")
    translated = list(_translated(tx, router.id))
    for subnet in subnets:
        router_proxies.check_interface_unused(tx, router.id, subnet)
        said = f"Router interface for subnet {subnet.id} on router {router.id} cannot be deleted, as it is required by"
        for port_id, address in translated:
            port = tx.get(Port, port_id)
            if port is not None and FixedIp(subnet.id, address) in port.fixed_ips:
                raise Conflict(f"{said} one or more floating IPs.", "RouterInterfaceInUseByFloatingIP")
        if subnet.network_id not in router.external_networks and _is_way_out(tx, router.id, subnet.network_id):
            raise Conflict(
                f"{said} one or more floating IPs as their gateway.", "RouterInterfaceInUseAsGatewayByFloatingIP"
            )
        whole = ranges.span(subnet)
        for route in router.routes:
            same = (6 if ":" in route.nexthop else 4) == whole.version
            if same and whole.whole[0] <= ranges.number(route.nexthop) <= whole.whole[1]:
                raise Conflict(f"{said} one or more routes.", "RouterInterfaceInUseByRoute")


def _translated(tx: Transaction, router_id: str) -> Iterator[tuple[str, str]]:
    """(port, fixed address) of each floating IP and port forwarding behind the router."""
    for floating in tx.find(FloatingIp, "router_id", router_id):
        if floating.port_id:
            yield floating.port_id, floating.fixed_ip_address
        for forwarding in tx.find(PortForwarding, "floatingip_id", floating.id):
            yield forwarding.internal_port_id, forwarding.internal_ip_address


def _is_way_out(tx: Transaction, router_id: str, network_id: str) -> bool:
    """Whether floating IPs of the network are behind the router (the extension router-interface-fip)."""
    return any(each.floating_network_id == network_id for each in tx.find(FloatingIp, "router_id", router_id))


def check_gateway_unused(tx: Transaction, router: Router, network_id: str) -> None:
    """Raises Conflict when floating IPs of the external network need the router's gateway there."""
    tx.guard(f"router-fip/{router.id}")
    if any(each.floating_network_id == network_id for each in tx.find(FloatingIp, "router_id", router.id)):
        raise Conflict(
            f"Gateway cannot be updated for router {router.id}, since a gateway to external network {network_id} is "
            f"required by one or more floating IPs.",
            "RouterExternalGatewayInUseByFloatingIp",
        )
