"""Tunnel ports of br-int, flow-based: one for each encapsulation that the operator named; pure.

Defaults chosen.  `df_default` stays OVS's `true`: a packet that does not fit the underlay is dropped there and not
fragmented, which tenants' MTU makes sure does not happen.  `csum` stays OVS's `false` over IPv4, where the tenants'
own checksums cover what matters (RFC 7348, section 5, asks for zero); over IPv6 it is `true` for UDP encapsulations,
since a receiver drops a zero UDP checksum there unless told otherwise (RFC 8200, section 8.1; RFC 6935).
"""

from __future__ import annotations

from typing import Any

from controller.ovsdb import operations as op
from controller.ovsdb.describe import interfaces as interfaces_of
from controller.ovsdb.describe import tunnel_port
from controller.ovsdb.operations import Repair
from controller.ovsdb.replica import BridgeRow, DatabaseReplica, InterfaceRow, PortRow
from controller.ovsdb.settings import ENCAPSULATIONS, HypervisorSettings

# asked for so that the numbers are the same on every hypervisor; OVS gives another one where it is taken
OFPORTS = {"vxlan": 65001, "geneve": 65002, "gre": 65003}


def options(encapsulation: str, encap_ip: str) -> dict[str, str]:
    fixed = {"remote_ip": "flow", "key": "flow", "local_ip": encap_ip}
    return fixed | {"csum": "true"} if ":" in encap_ip and encapsulation != "gre" else fixed


def tunnel_repairs(
    replica: DatabaseReplica, bridge: BridgeRow, said: HypervisorSettings
) -> tuple[list[Repair], list[str]]:
    """Repairs of the tunnel ports, and remarks on what only the operator can repair."""
    ports = {port.name: port for port in replica.ports.values()}
    interfaces = {interface.name: interface for interface in replica.interfaces.values()}
    repairs: list[Repair] = []
    remarks: list[str] = []
    for encapsulation in ENCAPSULATIONS:
        name = tunnel_port(encapsulation)
        port, interface = ports.get(name), interfaces.get(name)
        ours = port is not None and port.uuid in bridge.ports
        if encapsulation not in said.encap_types or not said.encap_ip:
            if port and ours:
                gone = op.mutate("Bridge", bridge.uuid, [["ports", "delete", op.stored(port.uuid)]])
                repairs.append(Repair(f"tunnel port {name}", "not wanted", (gone,)))
        elif (port and not ours) or (interface and not (port and interface.uuid in port.interfaces)):
            remarks.append(f"{name} is there already, elsewhere than on {bridge.name}: left alone, no {encapsulation}")
        else:
            why, operations = _tunnel(bridge, port, interface, _row(encapsulation, said.encap_ip))
            if operations:
                repairs.append(Repair(f"tunnel port {name}", why, tuple(operations)))
            elif interface and _is_stale(replica, bridge, interface):
                why = f"said to be {interface.ofport}, asked to be {interface.ofport_request}"
                repairs.append(Repair(f"number of {name}", why, _look_again(replica)))
            if interface and interface.error:
                remarks.append(f"tunnel port {name}: {interface.error[:200]}")
    return repairs, remarks


def _is_stale(replica: DatabaseReplica, bridge: BridgeRow, interface: InterfaceRow) -> bool:
    """Whether the database shows another number than requested, although no other port has the requested one.

    Seen on OVS 3.1: `ofport_request` changed and was changed back at once; the port had its old number, and the
    database went on showing the one in between.  OVS writes it anew whenever it goes through its configuration.
    """
    if interface.ofport <= 0 or interface.ofport == interface.ofport_request:
        return False
    return all(other.ofport != interface.ofport_request for other in interfaces_of(replica, bridge))


def _look_again(replica: DatabaseReplica) -> tuple[op.Operation, ...]:
    """Operation that makes OVS read its configuration again, as ovs-vsctl does to wait for that."""
    return tuple(op.mutate("Open_vSwitch", root, [["next_cfg", "+=", 1]]) for root in replica.roots)


def _row(encapsulation: str, encap_ip: str) -> dict[str, Any]:
    """Columns of a tunnel port's interface that Tenet maintains, as Python values."""
    return {
        "name": tunnel_port(encapsulation),
        "type": encapsulation,
        "options": options(encapsulation, encap_ip),
        "ofport_request": OFPORTS[encapsulation],
    }


def _tunnel(
    bridge: BridgeRow, port: PortRow | None, interface: InterfaceRow | None, row: dict[str, Any]
) -> tuple[str, list[op.Operation]]:
    """Reasons and operations by which `port` exists with one interface that has the columns of `row`."""
    if port is None or interface is None:
        inserted = [op.insert("Interface", "tunnel_interface", _json(row))]
        reference = op.new("tunnel_interface")
        if port is not None:
            return "its interface is missing", [*inserted, op.update("Port", port.uuid, {"interfaces": reference})]
        inserted.append(op.insert("Port", "tunnel_port", {"name": row["name"], "interfaces": reference}))
        return "missing", [*inserted, op.mutate("Bridge", bridge.uuid, [["ports", "insert", op.new("tunnel_port")]])]
    operations: list[op.Operation] = []
    wrong = {column: value for column, value in row.items() if getattr(interface, column) != value}
    if wrong:
        operations.append(op.update("Interface", interface.uuid, _json(wrong)))
    if port.interfaces != {interface.uuid}:
        operations.append(op.update("Port", port.uuid, {"interfaces": op.stored(interface.uuid)}))
        wrong["interfaces"] = ""
    return f"wrong {' '.join(wrong)}", operations


def _json(row: dict[str, Any]) -> dict[str, Any]:
    return {column: op.mapping(value) if isinstance(value, dict) else value for column, value in row.items()}
