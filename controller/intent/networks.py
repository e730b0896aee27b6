"""Rules of networks: checks against the model.  The form of values is checked before, by the API."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, TypedDict, cast

from msgspec.structs import replace

from controller.intent.env import Means
from controller.model.model import Model
from controller.model.mtu import OVERHEAD
from controller.model.rows import Network, Port, Subnet, Switch
from controller.model.rows.base import Node
from controller.runtime.errors import Conflict, Invalid, NotFound
from controller.store.transaction import Transaction

from . import allocate, physical, sharing, standard, visibility
from .standard import StandardRequest

ENCAPSULATIONS = ("vxlan", "geneve", "gre")
LEAST_MTU = {4: 68, 6: 1280}  # RFC 791, 3.2; RFC 8200, 5
ZONE = "nova"  # OpenStack's default availability zone


class PlaceRequest(TypedDict, total=False):
    """Requested provider attributes of a network; None where not given."""

    network_type: str
    segment: int | None
    physical_network: str | None


class NetworkRequest(StandardRequest, total=False):
    """Requested attributes of a network; missing keys were not given.  `mtu` 0: the largest possible."""

    admin_state_up: bool
    network_type: str
    segment: int
    physical_network: str
    segments: PlaceRequest
    mtu: int
    shared: bool
    external: bool
    port_security: bool
    zone_hints: tuple[str, ...]
    is_default: bool
    dns_domain: str
    dhcp_relay: tuple[str, ...]


DEFAULT_EXTERNAL = "default-external"  # the reservation of the default external network


def missing(network_id: str) -> NotFound:
    return NotFound(f"Network {network_id[:64]} could not be found.", "NetworkNotFound")


def required(tx: Transaction, network_id: str) -> Network:
    network = tx.get(Network, network_id)
    if network is None:
        raise missing(network_id)
    return network


def most_mtu(tx: Transaction, means: Means) -> int:
    """Largest MTU of a new network, from what most switches report at present; at least the operator's minimum."""
    room = tx.model.room.usual(means.underlay_mtu, wired=tx.model.routes.wired).mtu
    return max(room, min(means.least_mtu, means.underlay_mtu - OVERHEAD))


def create(tx: Transaction, project_id: str, request: NetworkRequest, means: Means) -> Network:
    request = _placed(request)
    kind = request.get("network_type", ENCAPSULATIONS[0])
    segment = request.get("segment")
    check_zones(tx, request.get("zone_hints", ()))
    if kind in physical.TYPES:
        return _on_physical(tx, project_id, request, means)
    if request.get("physical_network"):
        raise Invalid(f"Invalid input for operation: provider:physical_network specified for {kind} network.")
    network = Network(
        **_common(project_id, request, means),
        mtu=request.get("mtu") or most_mtu(tx, means),
        network_type=kind,
        segment=allocate.free_segment(tx, means) if segment is None else segment,
    )
    _be_default(tx, network, network)
    _check_mtu(tx, network, means)
    allocate.take(
        tx,
        f"segment/{network.segment}",
        network,
        "TunnelIdInUse",
        f"Unable to create the network. The tunnel ID {network.segment} is in use.",
    )
    tx.put(network)
    _share(tx, network, request, means)
    return network


def _placed(request: NetworkRequest) -> NetworkRequest:
    """Provider attributes, given as such or as the one item of `segments`.  Raises Invalid when both are given."""
    if "segments" not in request:
        return request
    if not PlaceRequest.__annotations__.keys().isdisjoint(request):
        raise Invalid("Segments and provider values cannot both be set.", "SegmentsSetInConjunctionWithProviders")
    return cast(
        "NetworkRequest", {name: value for name, value in request.items() if name != "segments"} | request["segments"]
    )


def _common(project_id: str, request: NetworkRequest, means: Means) -> dict[str, Any]:
    """Fields that networks of every type share."""
    return {
        **standard.fields(project_id, request, means),
        "admin_state_up": request.get("admin_state_up", True),
        "external": request.get("external", False),
        "port_security": request.get("port_security", True),
        "zone_hints": request.get("zone_hints", ()),
        "is_default": request.get("is_default", False),
        "dns_domain": request.get("dns_domain", ""),
        "dhcp_relay": request.get("dhcp_relay", ()),
    }


def _on_physical(tx: Transaction, project_id: str, request: NetworkRequest, means: Means) -> Network:
    """A network of type flat or vlan.  Its segment id is internal to the switches and never shown."""
    kind = request["network_type"]
    place = physical.segment(tx, kind, request.get("physical_network") or "", request.get("segment"), means)
    network = Network(
        **_common(project_id, request, means),
        mtu=request.get("mtu") or means.physical.mtu,
        network_type=kind,
        segment=allocate.free_segment(tx, means),
        physical_network=place.physical_network,
        vlan=place.vlan,
    )
    _be_default(tx, network, network)
    _check_mtu(tx, network, means)
    tx.reserve(f"segment/{network.segment}", network)
    tx.reserve(place.key, network)
    tx.put(network)
    _share(tx, network, request, means)
    return network


def update(tx: Transaction, network_id: str, request: NetworkRequest, means: Means) -> Network:
    network = required(tx, network_id)
    changes: dict[str, Any] = {name: value for name, value in request.items() if name != "shared"}
    if network.external and not request.get("external", True):
        sharing.check_no_way_out(tx, network)
        changes.setdefault("is_default", False)
    _be_default(tx, network, replace(network, **changes))
    if "mtu" in request:
        changes["mtu"] = request["mtu"] or _most(tx, network, means)
    changed = standard.change(tx, network, changes, means)
    if changed.mtu != network.mtu:
        _check_mtu(tx, changed, means)
    if _share(tx, changed, request, means) and changed is network:
        standard.touch(tx, network, means)
    return changed


def delete(tx: Transaction, network_id: str, means: Means) -> None:
    """Delete a network and its subnets.  Raises Conflict (NetworkInUse) when it has ports."""
    network = required(tx, network_id)
    tx.guard(f"member/{network_id}")
    ports = tx.model.count(Port, "network_id", network_id)
    if ports and tx.write:  # some may go with this transaction
        ports = len(tx.find(Port, "network_id", network_id))
    if ports:
        raise Conflict(
            f"Unable to complete operation on network {network_id}. There are one or more ports still in use on the "
            f"network: {ports}.",
            "NetworkInUse",
        )
    remove(tx, network)


def remove(tx: Transaction, network: Network) -> None:
    """Delete a network without ports, its subnets and reservations.  The caller guards against new ports."""
    for subnet in tx.find(Subnet, "network_id", network.id):
        release_subnet(tx, subnet)
        tx.delete(subnet)
    sharing.remove_all(tx, network.id)
    tx.release(f"segment/{network.segment}")
    if network.is_default:
        tx.release(DEFAULT_EXTERNAL)
    if network.physical_network:
        tx.release(physical.Segment(network.physical_network, network.vlan).key)
    tx.delete(network)


def release_subnet(tx: Transaction, subnet: Subnet) -> None:
    """Release a subnet's reservations."""
    tx.release(f"member/{subnet.network_id}/subnet/{subnet.id}")
    if subnet.subnetpool_id:
        tx.release(f"pool/{subnet.subnetpool_id}/{subnet.id}")


def _be_default(tx: Transaction, network: Network, changed: Network) -> None:
    """Make the network the default external one, or let it be that no more.

    Raises Invalid for one that is not external, and Conflict where there is another default.
    """
    if not changed.is_default:
        if network.is_default:
            tx.release(DEFAULT_EXTERNAL)
        return
    if not changed.external:
        raise Invalid(
            f"Invalid input for operation: network {network.id} is not external: it cannot be the default external one."
        )
    holder = tx.holder(DEFAULT_EXTERNAL)
    if holder not in (None, network.key):
        raise Conflict(
            f"A default external network already exists: {(holder or '').partition('/')[2]}.",
            "DefaultExternalNetworkExists",
        )
    tx.reserve(DEFAULT_EXTERNAL, network)


def zones(switches: Iterable[Switch]) -> list[str]:
    """Availability zones of switches, by name."""
    return sorted({switch.zone or ZONE for switch in switches})


def zones_of(model: Model, node: Node) -> list[str]:
    """Availability zones of the switches that carry a network or a router; of any switch while none does."""
    rows = model.rows(Switch)
    held = [rows[each] for each in model.placement.held.some(node) if each in rows]
    return zones(held or islice(rows.values(), 1))


def check_zones(tx: Transaction, hints: tuple[str, ...]) -> None:
    there = zones(tx.model.rows(Switch).values()) if hints else []
    for hint in hints:
        if hint not in there:
            raise NotFound(f"AvailabilityZone {hint} could not be found.", "AvailabilityZoneNotFound")


def _most(tx: Transaction, network: Network, means: Means) -> int:
    return means.physical.mtu if network.physical_network else most_mtu(tx, means)


def _check_mtu(tx: Transaction, network: Network, means: Means) -> None:
    most = _most(tx, network, means)
    if network.mtu > most:
        raise Invalid(
            f"Invalid input for operation: Requested MTU is more than {most}, which is what the network between the "
            f"hypervisors leaves."
        )
    if network.mtu >= max(LEAST_MTU.values()):
        return
    tx.guard(f"member/{network.id}/subnet")
    for subnet in tx.find(Subnet, "network_id", network.id):
        check_carries(network, subnet.ip_version)


def check_carries(network: Network, version: int) -> None:
    """Minimum MTU of an IP version.  Raises Conflict when the network's MTU is smaller."""
    if network.mtu < LEAST_MTU[version]:
        raise Conflict(
            f"MTU of {network.mtu} on network {network.id} does not allow IPv{version} subnets: they need "
            f"{LEAST_MTU[version]}.",
            "NetworkMTUSubnetConflict",
        )


def _share(tx: Transaction, network: Network, request: NetworkRequest, means: Means) -> bool:
    """Share or unshare the network with every project, by RBAC policies; True when any policy changed."""
    changed = False
    if "shared" in request:
        changed = sharing.everybody(tx, "network", network, visibility.SHARED, request["shared"], means)
    if "external" in request:
        changed |= sharing.everybody(tx, "network", network, visibility.EXTERNAL, request["external"], means)
    return changed
