"""Repairs of a hypervisor's configuration: what is wrong, and the transactions that put it right.

Pure, but for the datapath id that a new bridge is given, which is random.

A database without settings for Tenet (Mininet's) is never written: its bridges are only watched, see `describe`.
Level-triggered: repairs follow from the current replica, so that any deletion or change is found, and a correct
hypervisor needs none.  Only Tenet's own rows and columns are written.

Why these values.  In-band control is off, because its hidden flows would let tenants reach the controller.  The
datapath id is fixed: OVS would otherwise derive it from whichever port's MAC address is lowest.  It is kept beside
the bridge, too, so that a bridge that was deleted comes back as the same switch.  Controllers are replaced within one
transaction, for OVS flushes a bridge's flows when its last controller goes or its first one comes.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

from controller.ovsdb import operations as op
from controller.ovsdb.describe import BRIDGE, MANAGED, is_hypervisor
from controller.ovsdb.mappings import mapping_repairs
from controller.ovsdb.operations import Repair
from controller.ovsdb.replica import BridgeRow, ControllerRow, DatabaseReplica, OpenVSwitch
from controller.ovsdb.settings import DATAPATH_ID, HypervisorSettings, datapath_id, settings
from controller.ovsdb.tunnels import tunnel_repairs

CONTROLLER = {
    "connection_mode": "out-of-band",
    "max_backoff": 1000,  # ms: a switch is back within a second of its controller
    "inactivity_probe": 10_000,  # ms; flows stay without a controller, so there is no hurry
}


class Desired(NamedTuple):
    """`repairs` are independent of each other; `remarks` name what only the operator can repair."""

    repairs: tuple[Repair, ...]
    remarks: tuple[str, ...]


def desired(replica: DatabaseReplica, targets: Sequence[str], managers: Sequence[str] = ()) -> Desired:
    """Differences from the desired configuration.  `targets`: all controllers of br-int (`tcp:192.0.2.1:6653`).

    `managers`: managers that the database needs beside the operator's own; without any, managers are not changed.
    """
    root = replica.root
    if root is None:
        return Desired((), ("table Open_vSwitch has no row: ovs-vsctl init has not run",))
    said = settings(root)
    bridge = replica.bridge(BRIDGE)
    if not is_hypervisor(root, bridge):
        return Desired((), said.remarks)
    if bridge is None:
        return Desired((_make(root, said, targets), *_managers(replica, root, managers)), said.remarks)
    changes = [*_bridge(root, bridge, said), *_controllers(replica, bridge, targets)]
    repairs = [Repair(f"bridge {BRIDGE}", ", ".join(what for what, _ in changes), tuple(o for _, o in changes))]
    repairs += _managers(replica, root, managers)
    tunnels, remarks = tunnel_repairs(replica, bridge, said)
    patches, unmapped = mapping_repairs(replica, bridge, said)
    every = (*repairs, *tunnels, *patches)
    return Desired(tuple(repair for repair in every if repair.operations), (*said.remarks, *remarks, *unmapped))


def _managers(replica: DatabaseReplica, root: OpenVSwitch, targets: Sequence[str]) -> list[Repair]:
    """Add missing managers, and remove Tenet's own that no member listens on any more."""
    if not targets:
        return []
    held = [replica.managers[uuid] for uuid in sorted(root.manager_options) if uuid in replica.managers]
    missing = [target for target in targets if target not in {row.target for row in held}]
    gone = [row for row in held if row.target not in targets and MANAGED.items() <= row.external_ids.items()]
    if not missing and not gone:
        return []
    inserts = [
        op.insert("Manager", f"manager_{n}", {"target": target, "external_ids": op.mapping(MANAGED)})
        for n, target in enumerate(missing)
    ]
    kept = [op.stored(uuid) for uuid in sorted(root.manager_options - {row.uuid for row in gone})]
    column = op.many([*kept, *(op.new(f"manager_{n}") for n in range(len(missing)))])
    why = ", ".join([*(f"{target} missing" for target in missing), *(f"{row.target} gone" for row in gone)])
    return [Repair("managers", why, (*inserts, op.update("Open_vSwitch", root.uuid, {"manager_options": column})))]


def new_datapath_id() -> str:
    """Random datapath id, as 16 hex digits (docs/decisions/0066-certificates.md).

    It has 52 bits, the first of them set: no id that follows from a MAC address has that, and JSON can carry it.
    """
    return f"{secrets.randbits(51) | 1 << 51:016x}"


def _make(root: OpenVSwitch, said: HypervisorSettings, targets: Sequence[str]) -> Repair:
    """Operations that create the bridge with its controllers and local port, in one transaction."""
    fixed = said.datapath_id or new_datapath_id()
    names = [f"controller_{n}" for n in range(len(targets))]
    row: dict[str, Any] = {
        "name": BRIDGE,
        "fail_mode": "secure",
        "protocols": "OpenFlow13",
        "datapath_type": said.datapath_type,
        "other_config": op.mapping(_other_config(fixed)),
        "external_ids": op.mapping(MANAGED),
        "ports": op.new("local_port"),
        "controller": op.many(map(op.new, names)),
    }
    made = (
        op.insert("Interface", "local_interface", {"name": BRIDGE, "type": "internal"}),
        op.insert("Port", "local_port", {"name": BRIDGE, "interfaces": op.new("local_interface")}),
        *(
            op.insert("Controller", name, {"target": target} | CONTROLLER)
            for name, target in zip(names, targets, strict=True)
        ),
        op.insert("Bridge", "bridge", row),
        op.mutate("Open_vSwitch", root.uuid, [["bridges", "insert", op.new("bridge")]]),
    )
    return Repair(f"bridge {BRIDGE}", "missing", (*made, *_keep(root, said, fixed)))


def _bridge(root: OpenVSwitch, bridge: BridgeRow, said: HypervisorSettings) -> list[tuple[str, op.Operation]]:
    """Changes to an existing bridge: (what, operation)."""
    own = datapath_id(bridge.other_config.get("datapath-id", "")) or datapath_id(bridge.datapath_id)
    fixed = said.datapath_id or own or new_datapath_id()
    changes = [("datapath id kept", operation) for operation in _keep(root, said, fixed)]
    row: dict[str, Any] = {}
    if bridge.fail_mode != "secure":
        row["fail_mode"] = "secure"
    if bridge.protocols != {"OpenFlow13"}:
        row["protocols"] = "OpenFlow13"
    if said.datapath_type and (bridge.datapath_type or "system") != said.datapath_type:
        row["datapath_type"] = said.datapath_type
    if row:
        changes.append((" ".join(row), op.update("Bridge", bridge.uuid, row)))
    for column, held, wanted in (
        ("other_config", bridge.other_config, _other_config(fixed)),
        ("external_ids", bridge.external_ids, MANAGED),
    ):
        if wrong := {key: value for key, value in wanted.items() if held.get(key) != value}:
            changes.append((" ".join(wrong), op.mutate("Bridge", bridge.uuid, op.put(column, wrong))))
    return changes


def _other_config(fixed: str) -> dict[str, str]:
    return {"datapath-id": fixed, "disable-in-band": "true"}


def _keep(root: OpenVSwitch, said: HypervisorSettings, fixed: str) -> list[op.Operation]:
    """Keep a copy of the datapath id that outlives the bridge."""
    if said.datapath_id:
        return []
    return [op.mutate("Open_vSwitch", root.uuid, op.put("external_ids", {DATAPATH_ID: fixed}))]


def _controllers(replica: DatabaseReplica, bridge: BridgeRow, targets: Sequence[str]) -> list[tuple[str, op.Operation]]:
    """Keep controllers with a wanted target, add missing ones, and drop all others: (what, operation)."""
    held: dict[str, ControllerRow] = {}
    for uuid in sorted(bridge.controller):
        if row := replica.controllers.get(uuid):
            held.setdefault(row.target, row)
    changes: list[tuple[str, op.Operation]] = []
    references: list[op.Value] = []
    for n, target in enumerate(targets):
        if row := held.get(target):
            references.append(op.stored(row.uuid))
            wrong = {name: value for name, value in CONTROLLER.items() if getattr(row, name) != value}
            if wrong:
                changes.append((f"controller {' '.join(wrong)}", op.update("Controller", row.uuid, wrong)))
        else:
            references.append(op.new(f"controller_{n}"))
            insert = op.insert("Controller", f"controller_{n}", {"target": target} | CONTROLLER)
            changes.append((f"controller {target}", insert))
    if bridge.controller != {uuid for kind, uuid in references if kind == "uuid"} or len(held) < len(targets):
        changes.append(("controllers", op.update("Bridge", bridge.uuid, {"controller": op.many(references)})))
    return changes
