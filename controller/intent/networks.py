"""Rules of networks.  Values come checked for their form; what is refused here contradicts what is there."""

from __future__ import annotations

from typing import TypedDict

from msgspec.structs import replace

from controller.errors import Conflict, Invalid, NotFound
from controller.model.kinds import Link, Network, Port, Subnet, Switch
from controller.store.transaction import Transaction

from . import allocate, physical
from .means import Means

ENCAPSULATIONS = ("vxlan", "geneve", "gre")
# Outer IPv4 (20), UDP (8), VXLAN or option-less Geneve (8) and inner Ethernet (14) headers: RFC 7348, 5; RFC 8926, 3.1.
# The same for gre networks: which encapsulation two switches share is theirs to say, not the network's.
OVERHEAD = 50
# Where some switches are reached over wires and others in tunnels, labelled frames are in tunnels, too: two labels of 4
# bytes, and the tenant's own Ethernet header behind them.
LABELLED = 22


class NetworkWish(TypedDict, total=False):
    """What was asked for; a key that is missing was not said."""

    name: str
    admin_state_up: bool
    network_type: str
    segment: int
    physical_network: str


def required(tx: Transaction, network_id: str) -> Network:
    network = tx.get(Network, network_id)
    if network is None:
        raise NotFound(f"Network {network_id} could not be found.", "NetworkNotFound")
    return network


def create(tx: Transaction, project_id: str, wish: NetworkWish, means: Means) -> Network:
    kind = wish.get("network_type", ENCAPSULATIONS[0])
    segment = wish.get("segment")
    if kind in physical.TYPES:
        return _on_physical(tx, project_id, wish, means)
    if wish.get("physical_network"):
        raise Invalid(f"Invalid input for operation: provider:physical_network specified for {kind} network.")
    network = Network(
        id=means.new_id(),
        project_id=project_id,
        name=wish.get("name", ""),
        admin_state_up=wish.get("admin_state_up", True),
        mtu=means.underlay_mtu - _overhead(tx),
        network_type=kind,
        segment=allocate.free_segment(tx, means) if segment is None else segment,
        created_at=means.now(),
    )
    allocate.take(
        tx,
        f"segment/{network.segment}",
        network,
        "TunnelIdInUse",
        f"Unable to create the network. The tunnel ID {network.segment} is in use.",
    )
    tx.put(network)
    return network


def _overhead(tx: Transaction) -> int:
    """What a frame on its way between two switches has more than the tenant's IP packet, at most, as things are now."""
    mixed = tx.model.rows(Link) and any(switch.encap_ip for switch in tx.model.rows(Switch).values())
    return OVERHEAD + (LABELLED if mixed else 0)


def _on_physical(tx: Transaction, project_id: str, wish: NetworkWish, means: Means) -> Network:
    """A network of type flat or vlan.  Its segment is for the switches only."""
    kind = wish["network_type"]
    place = physical.segment(tx, kind, wish.get("physical_network") or "", wish.get("segment"), means)
    network = Network(
        id=means.new_id(),
        project_id=project_id,
        name=wish.get("name", ""),
        admin_state_up=wish.get("admin_state_up", True),
        mtu=means.physical.mtu,
        network_type=kind,
        segment=allocate.free_segment(tx, means),
        physical_network=place.physical_network,
        vlan=place.vlan,
        created_at=means.now(),
    )
    tx.reserve(f"segment/{network.segment}", network)
    tx.reserve(place.key, network)
    tx.put(network)
    return network


def update(tx: Transaction, network_id: str, wish: NetworkWish, means: Means) -> Network:
    """Only `name` and `admin_state_up` may change."""
    network = required(tx, network_id)
    changed = replace(network, **wish)
    tx.put(changed)
    return changed


def delete(tx: Transaction, network_id: str, means: Means) -> None:
    """With its subnets.  Raises Conflict (NetworkInUse) when ports are on it."""
    network = required(tx, network_id)
    tx.guard(f"member/{network_id}")
    ports = tx.model.count(Port, "network_id", network_id)
    if ports:
        raise Conflict(
            f"Unable to complete operation on network {network_id}. There are one or more ports still in use on the "
            f"network: {ports}.",
            "NetworkInUse",
        )
    remove(tx, network)


def remove(tx: Transaction, network: Network) -> None:
    """A network without ports, and all that goes with it; the caller guards that no member comes meanwhile."""
    for subnet in tx.find(Subnet, "network_id", network.id):
        tx.release(f"member/{network.id}/subnet/{subnet.id}")
        tx.delete(subnet)
    tx.release(f"segment/{network.segment}")
    if network.physical_network:
        tx.release(physical.Segment(network.physical_network, network.vlan).key)
    tx.delete(network)
