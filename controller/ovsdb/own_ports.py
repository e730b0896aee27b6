"""Repairs of Tenet's own ports that units want: made with their interface, kept right, removed; pure.

Port and interface are made in one transaction, for OVS deletes rows that nothing refers to.  A port of somebody else's
with the name is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from controller.ovsdb import operations as op
from controller.ovsdb.operations import Operation, Repair
from controller.ovsdb.replica import BridgeRow, DatabaseReplica, InterfaceRow, PortRow
from controller.ovsdb.wanted import OwnPort, WantedRow

KEY = "tenet-row"  # in external_ids of Tenet's rows: their key


def port_repairs(
    replica: DatabaseReplica, bridges: Mapping[int, str], wanted: Iterable[WantedRow]
) -> tuple[list[Repair], list[str]]:
    """Repairs, and remarks on names that are taken.  `bridges`: uuids by datapath id."""
    ports = {port.name: port for port in replica.ports.values()}
    interfaces = {interface.name: interface for interface in replica.interfaces.values()}
    repairs: list[Repair] = []
    remarks: list[str] = []
    names = set()
    for row in wanted:
        place = row.place
        bridge = replica.bridges.get(bridges.get(place.dpid, "")) if isinstance(place, OwnPort) else None
        if bridge is None or not isinstance(place, OwnPort):
            continue
        names.add(place.name)
        port, interface = ports.get(place.name), interfaces.get(place.name)
        if _is_anothers(bridge, port, interface):
            remarks.append(f"{place.name} is there already, and not Tenet's: left alone")
            continue
        why, operations = _right(bridge, port, interface, place.name, row.columns)
        if operations:
            repairs.append(Repair(f"port {place.name}", why, tuple(operations)))
        if interface is not None and interface.error:
            remarks.append(f"port {place.name}: {interface.error[:200]}")
    return [*repairs, *_unwanted(replica, names)], remarks


def _is_anothers(bridge: BridgeRow, port: PortRow | None, interface: InterfaceRow | None) -> bool:
    if port is None:
        return interface is not None
    return port.uuid not in bridge.ports or KEY not in port.external_ids


def _right(
    bridge: BridgeRow, port: PortRow | None, interface: InterfaceRow | None, name: str, columns: Mapping[str, Any]
) -> tuple[str, list[Operation]]:
    """Reasons and operations by which the port exists with one interface that has these columns."""
    mark = {KEY: name}
    ids = {**columns.get("external_ids", {}), **mark}
    if port is None or interface is None or port.interfaces != {interface.uuid}:
        row = {**columns, "name": name, "external_ids": ids}
        made = [op.insert("Interface", "own_interface", _json(row))]
        reference = op.new("own_interface")
        if port is not None:
            return "its interface is missing", [*made, op.update("Port", port.uuid, {"interfaces": reference})]
        made.append(
            op.insert("Port", "own_port", _json({"name": name, "external_ids": mark}) | {"interfaces": reference})
        )
        return "missing", [*made, op.mutate("Bridge", bridge.uuid, [["ports", "insert", op.new("own_port")]])]
    wrong = {
        column: value
        for column, value in columns.items()
        if column != "external_ids" and getattr(interface, column) != value
    }
    operations = [op.update("Interface", interface.uuid, _json(wrong))] if wrong else []
    if differs := {key: value for key, value in ids.items() if interface.external_ids.get(key) != value}:
        operations.append(op.mutate("Interface", interface.uuid, op.put("external_ids", differs)))
        wrong["external_ids"] = differs
    return f"wrong {' '.join(wrong)}", operations


def _unwanted(replica: DatabaseReplica, names: set[str]) -> Iterator[Repair]:
    for bridge in replica.bridges.values():
        for uuid in sorted(bridge.ports):
            port = replica.ports.get(uuid)
            if port is not None and KEY in port.external_ids and port.name not in names:
                gone = op.mutate("Bridge", bridge.uuid, [["ports", "delete", op.stored(uuid)]])
                yield Repair(f"port {port.name}", "not wanted", (gone,))


def _json(row: Mapping[str, Any]) -> dict[str, Any]:
    return {column: op.mapping(value) if isinstance(value, Mapping) else value for column, value in row.items()}
