"""Patch ports between br-int and the bridges of physical networks (external_ids:tenet-bridge-mappings); pure.

Of the other bridge only our own port on it is written: what else it has, and how it forwards, is its operator's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from controller.model.rows import Physical
from controller.ovsdb import operations as op
from controller.ovsdb.operations import Repair
from controller.ovsdb.replica import BridgeRow, DatabaseReplica, InterfaceRow, PortRow
from controller.ovsdb.settings import HypervisorSettings

PHYSICAL = "tenet-physical-network"  # in the external_ids of both ports, for people
_NEAR, _FAR = "tenet-p-", "tenet-x-"


class _End(NamedTuple):
    """Desired state of one of the two ports of a patch."""

    bridge: BridgeRow
    name: str
    peer: str
    physical_network: str


def near(physical_network: str) -> str:
    """Name of br-int's port to a physical network, in the 15 characters that OpenFlow shows."""
    return _NEAR + _digest(physical_network)


def far(physical_network: str) -> str:
    return _FAR + _digest(physical_network)


def _digest(physical_network: str) -> str:
    return hashlib.sha256(physical_network.encode()).hexdigest()[:7]


def physical(said: HypervisorSettings, plugged: dict[str, InterfaceRow]) -> tuple[Physical, ...]:
    """Physical networks that br-int reaches at present, by name."""
    ports = ((name, bridge, plugged.get(near(name))) for name, bridge in sorted(said.mappings))
    return tuple(
        Physical(name, port.ofport, bridge)
        for name, bridge, port in ports
        if port and port.type == "patch" and port.ofport > 0
    )


def cut_off(replica: DatabaseReplica, said: HypervisorSettings) -> tuple[str, ...]:
    """Mapped physical networks, by name, whose bridge has ports to the outside and no link on any of them."""
    found = []
    for name, bridge_name in sorted(said.mappings):
        bridge = replica.bridge(bridge_name)
        ports = [port for port_id in bridge.ports if (port := replica.ports.get(port_id))] if bridge else []
        plugged = [each for port in ports for one in port.interfaces if (each := replica.interfaces.get(one))]
        states = [each.link_state for each in plugged if each.type not in ("internal", "patch")]
        if states and all(state == "down" for state in states):
            found.append(name)
    return tuple(found)


def mapping_repairs(
    replica: DatabaseReplica, bridge: BridgeRow, said: HypervisorSettings
) -> tuple[list[Repair], list[str]]:
    """Repairs of the patch ports, and remarks on what only the operator can repair."""
    wanted: dict[str, _End] = {}
    remarks: list[str] = []
    for name, other_name in said.mappings:
        other = replica.bridge(other_name)
        if other is None or other.uuid == bridge.uuid:
            what = "is the bridge of tenants itself" if other else "does not exist"
            remarks.append(f"external_ids:tenet-bridge-mappings {name}:{other_name}: bridge {other_name} {what}")
            continue
        for end in (_End(bridge, near(name), far(name), name), _End(other, far(name), near(name), name)):
            wanted[end.name] = end
    ports = {port.name: port for port in replica.ports.values()}
    repairs = [_repair(replica, ports.get(name), end) for name, end in wanted.items()]
    return [*(repair for repair in repairs if repair), *_unwanted(replica, wanted)], remarks


def _unwanted(replica: DatabaseReplica, wanted: dict[str, _End]) -> Iterator[Repair]:
    """Tenet's patch ports for networks that are not mapped any more, or that are mapped to another bridge."""
    for bridge in replica.bridges.values():
        for port_id in sorted(bridge.ports):
            port = replica.ports.get(port_id)
            if port is None or not port.name.startswith((_NEAR, _FAR)):
                continue
            if port.name not in wanted or wanted[port.name].bridge.uuid != bridge.uuid:
                gone = op.mutate("Bridge", bridge.uuid, [["ports", "delete", op.stored(port_id)]])
                yield Repair(f"patch port {port.name} of {bridge.name}", "not wanted", (gone,))


def _repair(replica: DatabaseReplica, port: PortRow | None, end: _End) -> Repair | None:
    row = {
        "name": end.name,
        "type": "patch",
        "options": op.mapping({"peer": end.peer}),
        "external_ids": op.mapping({PHYSICAL: end.physical_network}),
    }
    subject = f"patch port {end.name} of {end.bridge.name}"
    if port is None:
        made = (
            op.insert("Interface", "patch_interface", row),
            op.insert("Port", "patch_port", {"name": end.name, "interfaces": op.new("patch_interface")}),
            op.mutate("Bridge", end.bridge.uuid, [["ports", "insert", op.new("patch_port")]]),
        )
        return Repair(subject, "missing", made)
    interface = next((replica.interfaces[one] for one in sorted(port.interfaces) if one in replica.interfaces), None)
    if interface is not None and (interface.type != "patch" or interface.options != {"peer": end.peer}):
        changed = op.update("Interface", interface.uuid, {name: row[name] for name in ("type", "options")})
        return Repair(subject, "wrong peer", (changed,))
    return None
