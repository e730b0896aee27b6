"""Rules of the Quantum API: networks and ports of one tenant, and attachments.

Objects of other tenants are not found, nor is a port under the path of another network than its own.
"""

from __future__ import annotations

from msgspec.structs import replace

from controller.intent.env import Means
from controller.model.rows import Network, Port
from controller.runtime.errors import Conflict, NotFound
from controller.store.transaction import Transaction

from . import attachments, networks, ports, router_ports


def network_of(found: Network | None, tenant: str, network_id: str) -> Network:
    """The network, if it is the tenant's.  Raises NotFound (NetworkNotFound)."""
    if found is None or found.project_id != tenant:
        raise NotFound(f"Network {network_id[:64]} could not be found.", "NetworkNotFound")
    return found


def port_of(found: Port | None, tenant: str, network_id: str, port_id: str) -> Port:
    """The port, if it is the tenant's and of this network.  Raises NotFound (PortNotFound)."""
    if found is None or found.project_id != tenant or found.network_id != network_id:
        raise NotFound(f"Port {port_id[:64]} could not be found on network {network_id[:64]}.", "PortNotFound")
    return found


def _network(tx: Transaction, tenant: str, network_id: str) -> Network:
    return network_of(tx.get(Network, network_id), tenant, network_id)


def _port(tx: Transaction, tenant: str, network_id: str, port_id: str) -> Port:
    _network(tx, tenant, network_id)
    return port_of(tx.get(Port, port_id), tenant, network_id, port_id)


def rename_network(tx: Transaction, tenant: str, network_id: str, name: str) -> None:
    tx.put(replace(_network(tx, tenant, network_id), name=name))


def delete_network(tx: Transaction, tenant: str, network_id: str, means: Means) -> None:
    """Delete a network and its free ports.  Raises Conflict (NetworkInUse) for attached ports and ports of v2.0."""
    network = _network(tx, tenant, network_id)
    tx.guard(f"member/{network_id}")
    members = tx.find(Port, "network_id", network_id)
    if any(not port.learning or attachments.attached(tx.model, port) for port in members):
        raise Conflict(f"Network {network_id} has ports that are in use.", "NetworkInUse")
    for port in members:
        ports.remove(tx, port, means)
    networks.remove(tx, network)


def create_port(tx: Transaction, tenant: str, network_id: str, up: bool, means: Means) -> Port:
    return ports.create_learning(tx, tenant, _network(tx, tenant, network_id), up, means)


def set_state(tx: Transaction, tenant: str, network_id: str, port_id: str, up: bool) -> None:
    tx.put(replace(_port(tx, tenant, network_id, port_id), admin_state_up=up))


def delete_port(tx: Transaction, tenant: str, network_id: str, port_id: str, means: Means) -> None:
    """Delete a port.  Raises Conflict (PortInUse) when an interface is attached."""
    port = _port(tx, tenant, network_id, port_id)
    there = attachments.attached(tx.model, port)
    if there:
        raise Conflict(f"Port {port_id} has interface {there} plugged in.", "PortInUse")
    router_ports.refuse_attachment(tx, port)
    ports.remove(tx, port, means)


def plug(tx: Transaction, tenant: str, network_id: str, port_id: str, interface_id: str, means: Means) -> None:
    attachments.plug(tx, _port(tx, tenant, network_id, port_id), interface_id, means)


def unplug(tx: Transaction, tenant: str, network_id: str, port_id: str) -> None:
    attachments.unplug(tx, _port(tx, tenant, network_id, port_id))
