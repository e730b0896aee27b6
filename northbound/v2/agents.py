"""Hypervisors as agents, for OpenStack's tools."""

from __future__ import annotations

from typing import Any

from controller.intent.env import Means
from controller.intent.networks import ZONE
from controller.model.rows import AgentNote, Switch
from controller.runtime.errors import NotFound
from controller.store.transaction import Transaction

from ..ask import Ask
from ..checks import one_of, optional_text
from ..resource import Attribute, Extension, May, Resource, ResourceView, attribute
from ..rules import ADMIN, Access
from ..schema import BOOLEAN, SHOWN_TEXT, Schema, closed, or_null

KIND = "Open vSwitch agent"  # the type under which Nova and Horizon look for hosts with Open vSwitch


CONFIGURATIONS = closed(
    {
        "bridge_mappings": {"type": "object", "additionalProperties": SHOWN_TEXT},
        "tunneling_ip": SHOWN_TEXT,
        "tunnel_types": {"type": "array", "items": SHOWN_TEXT},
        "datapath_id": SHOWN_TEXT,
    },
    "bridge_mappings", "tunneling_ip", "tunnel_types", "datapath_id",
)  # fmt: skip


def _configurations(view: ResourceView, switch: Switch) -> dict[str, Any]:
    return {
        "bridge_mappings": {each.network: each.bridge for each in switch.physical},
        "tunneling_ip": switch.encap_ip,
        "tunnel_types": [tunnel.type for tunnel in switch.tunnels],
        "datapath_id": f"{switch.dpid:016x}",
    }


def _note(view: ResourceView, switch: Switch) -> str | None:
    note = view.model.get(AgentNote, switch.id)
    return note.description if note else None


def _update(tx: Transaction, switch_id: str, request: dict[str, str], means: Means) -> Switch:
    switch = tx.get(Switch, switch_id)
    if switch is None:
        raise NotFound(f"Agent with agent_id={switch_id} could not be found.", "AgentNotFound")
    if "description" in request:
        tx.put(AgentNote(id=switch_id, description=request["description"]))
    return switch


def constant(name: str, value: object, shape: Schema = SHOWN_TEXT) -> Attribute:
    return Attribute(name, lambda view, row: value, shape=shape)


def unknown(name: str, shape: Schema = SHOWN_TEXT) -> Attribute:
    """What an agent would tell, were there one."""
    return constant(name, None, or_null(shape))


def _forget(ask: Ask, switch_id: str) -> None:
    """A host that is gone for good; raises Conflict (SwitchInUse) while it is connected."""
    ask.context.operators.forget(switch_id)


AGENTS = Resource(
    name="agent",
    plural="agents",
    kind=Switch,
    not_found="AgentNotFound",
    attributes=(
        attribute("id"),
        attribute("host"),
        constant("agent_type", KIND),
        constant("binary", "tenet"),
        constant("topic", "N/A"),
        Attribute("admin_state_up", lambda view, row: True, May.UPDATE, one_of(True)),
        Attribute("alive", lambda view, row: view.statuses.alive(row.id), shape=BOOLEAN),
        Attribute("availability_zone", lambda view, row: row.zone or ZONE, shape=SHOWN_TEXT),
        Attribute("configurations", _configurations, shape=CONFIGURATIONS),
        Attribute("description", _note, May.UPDATE, optional_text, "description"),
        unknown("created_at"),
        unknown("started_at"),
        unknown("heartbeat_timestamp"),
        unknown("resources_synced", BOOLEAN),
    ),
    access=Access(get=ADMIN, update=ADMIN, delete=ADMIN),
    update=_update,
    forget=_forget,
    extensions=(Extension("agent", "agent", "2013-02-03T10:00:00-00:00", "The agent management extension."),),
)
