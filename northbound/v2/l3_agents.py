"""Hosts as agents of routing, for OpenStack's tools: `/routers/ID/l3-agents` and `/agents/ID/l3-routers`.

A router's agents are the hosts that may be its gateway, the active one first.  The controller chooses them: to assign a
router to a host, or to take it away, is refused.
"""

from __future__ import annotations

from typing import Any

from controller.model.rows import GatewayRanking, Router, Switch
from controller.runtime.errors import Conflict

from ..answer import Response, as_json
from ..ask import Ask
from ..routes import RouteTable
from . import visibility
from .agents import AGENTS
from .engine import found
from .routers import ROUTERS

KIND = "L3 agent"  # the type under which tools look for hosts that route


def add(routes: RouteTable) -> None:
    routes.add("v2.0/routers/*/l3-agents", {"GET": agents})
    routes.add("v2.0/agents/*/l3-routers", {"GET": routers, "POST": refuse})
    routes.add("v2.0/agents/*/l3-routers/*", {"PUT": refuse, "DELETE": refuse})


def agents(ask: Ask, router_id: str) -> Response:
    row = found(ROUTERS, ask, router_id)
    ask.context.policy.check(ask.caller, "get_l3-agents", visibility.target(ROUTERS, ask, row))
    ranking = ask.view.model.get(GatewayRanking, row.row_id)
    switches = ranking.switches if ranking is not None else ()
    return as_json(200, {"agents": [each for place, name in enumerate(switches) for each in _agent(ask, name, place)]})


def _agent(ask: Ask, switch_id: str, place: int) -> list[dict[str, Any]]:
    """The host as an agent; none where it is gone."""
    switch = ask.view.model.get(Switch, switch_id)
    if switch is None:
        return []
    shown = AGENTS.show(ask.view, switch)
    return [{**shown, "agent_type": KIND, "ha_state": "standby" if place else "active"}]


def routers(ask: Ask, agent_id: str) -> Response:
    agent = found(AGENTS, ask, agent_id)
    ask.context.policy.check(ask.caller, "get_l3-routers", visibility.target(AGENTS, ask, agent))
    model = ask.view.model
    rankings = model.find(GatewayRanking, "switches", agent.row_id)
    rows = [row for each in rankings if (row := model.get(Router, each.id)) is not None]
    return as_json(200, {"routers": visibility.shown(ROUTERS, ask, rows)})


def refuse(ask: Ask, agent_id: str, router_id: str = "") -> Response:
    """Raises Conflict.  Whoever wants a host without routers drains it."""
    agent = found(AGENTS, ask, agent_id)
    verbs = {"POST": "create", "PUT": "update", "DELETE": "delete"}
    action = f"{verbs[ask.request.method]}_l3-router"
    ask.context.policy.check(ask.caller, action, visibility.target(AGENTS, ask, agent))
    raise Conflict(
        f"Router {router_id[:64]} does not support agent scheduling: the controller chooses the hosts that are its "
        f"gateways.",
        "RouterDoesntSupportScheduling",
    )
