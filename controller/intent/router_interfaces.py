"""Interfaces of routers in tenants' networks: by a subnet, whose gateway address they get, or by a port that exists."""

from __future__ import annotations

from typing import NamedTuple

from controller.intent.env import Means
from controller.model.routing import is_served
from controller.model.rows import Network, Port, RbacPolicy, Router, RouterInterface, Subnet
from controller.runtime.errors import Conflict, Forbidden, Invalid, NotFound
from controller.store.transaction import Transaction

from . import addresses, attachments, memberships, ports, router_checks, router_ports, standard, subnets, visibility
from .ports import AddressRequest, PortRequest
from .visibility import SHARED


class InterfaceChange(NamedTuple):
    """What was added to a router or removed: the port, and the subnets that this was about."""

    router_id: str
    port: Port
    subnet_ids: tuple[str, ...]


def add_by_subnet(tx: Transaction, router: Router, subnet_id: str, means: Means) -> InterfaceChange:
    """An interface with the subnet's gateway address.  A further IPv6 subnet of a network goes to the same port."""
    subnet = visibility.required(tx, Subnet, subnet_id, means, subnets.missing(subnet_id))
    if not subnet.gateway_ip:
        raise router_checks.bad_request("Subnet for router interface must have a gateway IP")
    _check_owner(tx, subnet, means)
    router_checks.check_mode(subnet)
    router_checks.check_apart(tx, router, [subnet], gateway=False)
    wanted = AddressRequest(subnet.id, subnet.gateway_ip)
    port = _port_with_ipv6(tx, router, subnet.network_id) if subnet.ip_version == 6 else None
    if port is not None:
        network = tx.get(Network, port.network_id)
        assert network is not None  # it has ports
        there = [AddressRequest(fixed.subnet_id, fixed.ip_address) for fixed in port.fixed_ips]
        fixed_ips = addresses.of_port(tx, network, port, [*there, wanted], means)
        port = standard.change(tx, port, {"fixed_ips": fixed_ips}, means)
    else:
        request = PortRequest(
            network_id=subnet.network_id, fixed_ips=[wanted], device_id=router.id, device_owner=router_ports.INTERFACE
        )
        port = ports.create(tx, router.project_id, request, means)
        _take(tx, router, port)
    standard.touch(tx, router, means)
    return InterfaceChange(router.id, port, (subnet.id,))


def add_by_port(tx: Transaction, router: Router, port_id: str, means: Means) -> InterfaceChange:
    """An existing port becomes an interface.  Raises Conflict (PortInUse) when something else uses the port."""
    port = visibility.required(tx, Port, port_id, means, ports.missing(port_id))
    if port.device_id or is_served(tx, port) or attachments.attached(tx.model, port):
        raise Conflict(
            f"Unable to complete operation on port {port.id} for network {port.network_id}. Port already has an "
            f"attached device {port.device_id}.",
            "PortInUse",
        )
    if not means.operator and port.project_id != means.project_id:
        raise Forbidden(f"Port {port.id} is of another project: it cannot be added to a router.")
    found = router_ports.check_interface(tx, router, port.id, port.fixed_ips)
    other = _port_with_ipv6(tx, router, port.network_id)
    if other is not None and any(subnet.ip_version == 6 for subnet in found):
        raise router_checks.bad_request(
            f"Router already contains IPv6 port {other.id} belonging to network id {port.network_id}. Only one IPv6 "
            f"port from the same network subnet can be connected to a router"
        )
    if not means.operator:
        _check_in_pools(port, found, means)
    memberships.leave(tx, port)
    port = standard.change(tx, port, _as_interface(router), means)
    _take(tx, router, port)
    standard.touch(tx, router, means)
    return InterfaceChange(router.id, port, tuple(subnet.id for subnet in found))


def remove_by_port(tx: Transaction, router: Router, port_id: str, subnet_id: str, means: Means) -> InterfaceChange:
    """Remove an interface with its port.  `subnet_id`, where given, must be one of the interface's."""
    interface, port = tx.get(RouterInterface, port_id), tx.get(Port, port_id)
    if interface is None or port is None or interface.router_id != router.id:
        raise NotFound(
            f"Router {router.id} does not have an interface with id {port_id}.", "RouterInterfaceNotFound"
        )  # fmt: skip
    if subnet_id and subnet_id not in port.subnets:
        raise Invalid(
            f"Subnet on port {port_id} does not match the requested subnet {subnet_id}.", "SubnetMismatchForPort"
        )
    router_checks.check_unused(tx, router, router_ports.subnets_of(tx, port.fixed_ips))
    _remove(tx, router, port, means)
    standard.touch(tx, router, means)
    return InterfaceChange(router.id, port, port.subnets)


def remove_by_subnet(tx: Transaction, router: Router, subnet_id: str, means: Means) -> InterfaceChange:
    """Remove the interface in a subnet; of several subnets at one port only this one."""
    subnet = visibility.required(tx, Subnet, subnet_id, means, subnets.missing(subnet_id))
    port = next((each for each in router_checks.interfaces(tx, router.id) if subnet_id in each.subnets), None)
    if port is None:
        raise NotFound(
            f"Router {router.id} has no interface on subnet {subnet_id}.", "RouterInterfaceNotFoundForSubnet"
        )
    router_checks.check_unused(tx, router, [subnet])
    if len(set(port.subnets)) > 1:
        kept = tuple(fixed for fixed in port.fixed_ips if fixed.subnet_id != subnet_id)
        for fixed in port.fixed_ips:
            if fixed not in kept:
                tx.release(f"ip/{fixed.subnet_id}/{fixed.ip_address}")
        standard.change(tx, port, {"fixed_ips": kept}, means)
    else:
        _remove(tx, router, port, means)
    standard.touch(tx, router, means)
    return InterfaceChange(router.id, port, (subnet_id,))


def remove_if_there(tx: Transaction, router: Router, subnet_id: str, means: Means) -> None:
    """As `remove_by_subnet`, where the router has an interface in the subnet."""
    if any(subnet_id in port.subnets for port in router_checks.interfaces(tx, router.id)):
        remove_by_subnet(tx, router, subnet_id, means)


# --- rows and reservations --------------------------------------------------------------------------------------------


def _take(tx: Transaction, router: Router, port: Port) -> None:
    interface = RouterInterface(id=port.id, router_id=router.id, network_id=port.network_id)
    tx.reserve(f"router-member/{router.id}/{port.id}", interface)
    tx.put(interface)


def _remove(tx: Transaction, router: Router, port: Port, means: Means) -> None:
    interface = tx.get(RouterInterface, port.id)
    assert interface is not None  # or it would be no interface
    tx.release(f"router-member/{router.id}/{port.id}")
    tx.delete(interface)
    ports.remove(tx, port, means)


def _as_interface(router: Router) -> dict[str, object]:
    """Changed fields of a port that becomes an interface: nothing filters it, and it has no other addresses."""
    return {
        "device_id": router.id,
        "device_owner": router_ports.INTERFACE,
        "security_groups": (),
        "address_pairs": (),
    }


def _port_with_ipv6(tx: Transaction, router: Router, network_id: str) -> Port | None:
    """The router's interface with IPv6 addresses in a network, of which there is at most one."""
    for port in router_checks.interfaces(tx, router.id):
        if port.network_id == network_id and any(":" in address for address in port.addresses):
            return port
    return None


# --- whose subnet it is -----------------------------------------------------------------------------------------------


def _check_owner(tx: Transaction, subnet: Subnet, means: Means) -> None:
    """Raises Invalid for a subnet of others: only where its network is shared with this very project.

    What is shared with everybody is not: any project could take the gateway address of everybody's network.
    """
    network = tx.get(Network, subnet.network_id)
    owners = {subnet.project_id, network.project_id if network is not None else ""}
    if means.operator or means.project_id in owners:
        return
    if not tx.find(RbacPolicy, "grant", f"{subnet.network_id}/{SHARED}/{means.project_id}"):
        raise router_checks.bad_request(
            f"Cannot add interface to router because subnet {subnet.id} is not owned by project making the request"
        )


def _check_in_pools(port: Port, found: list[Subnet], means: Means) -> None:
    """Raises Invalid for an address that the owner of the subnet keeps for itself, such as the gateway's."""
    by_id = {subnet.id: subnet for subnet in found}
    for fixed in port.fixed_ips:
        subnet = by_id[fixed.subnet_id]
        if subnet.project_id != means.project_id and not addresses.in_pools(subnet, fixed.ip_address):
            raise router_checks.bad_request(
                f"Cannot add interface to router because specified port {port.id} has an IP address out of the "
                f"allocation pool of subnet {subnet.id}, which is not owned by the project making the request"
            )
