"""Representations of networks and ports in v1."""

from __future__ import annotations

from typing import Any

from controller.intent.attachments import attached
from controller.model.rows import Network, Port
from controller.runtime import hub

from ..answer import SLICE
from ..resource import ResourceView
from .dialect import Dialect

OP_STATUS = {"ACTIVE": "UP", "BUILD": "PROVISIONING", "DOWN": "DOWN", "ERROR": "UNKNOWN", "N/A": "DOWN"}
STATES = {"ACTIVE": True, "DOWN": False}  # a port's `state`, as its tenant set it


def members(view: ResourceView, network: Network) -> list[Port]:
    """Ports of the tenant on a network."""
    ports = view.model.find(Port, "network_id", network.id)
    return [port for port in hub.taking_turns(ports, SLICE) if port.project_id == network.project_id]


def network_status(network: Network) -> str:
    return "UP" if network.admin_state_up else "DOWN"


def port_status(view: ResourceView, port: Port) -> str:
    return OP_STATUS[view.statuses.port(port)[0]]


def state(port: Port) -> str:
    return "ACTIVE" if port.admin_state_up else "DOWN"


def attachment(view: ResourceView, port: Port) -> dict[str, str]:
    interface = attached(view.model, port)
    return {"id": interface} if interface else {}


def network(dialect: Dialect, network: Network) -> dict[str, Any]:
    shown = {"id": network.id, "name": network.name}
    return shown | {"op-status": network_status(network)} if dialect.op_status else shown


def network_with_ports(dialect: Dialect, view: ResourceView, found: Network) -> dict[str, Any]:
    ports = hub.taking_turns(members(view, found), SLICE)
    return network(dialect, found) | {"ports": [plugged_port(dialect, view, each) for each in ports]}


def port(dialect: Dialect, view: ResourceView, port: Port) -> dict[str, Any]:
    shown = {"id": port.id, "state": state(port)}
    return shown | {"op-status": port_status(view, port)} if dialect.op_status else shown


def plugged_port(dialect: Dialect, view: ResourceView, found: Port) -> dict[str, Any]:
    """A port with its attachment, if it has one."""
    plugged = attachment(view, found)
    return port(dialect, view, found) | ({"attachment": plugged} if plugged else {})
