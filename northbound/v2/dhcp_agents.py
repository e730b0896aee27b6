"""Hosts as agents of DHCP, for OpenStack's tools: `/networks/ID/dhcp-agents` and `/agents/ID/dhcp-networks`.

Requests are answered at the switch of the port that asks, so a network's agents are the hosts with ports of it, if one
of its subnets has DHCP.  That follows from the ports: to assign a network to a host, or to take it away, is refused.
"""

from __future__ import annotations

from controller.model.model import Model
from controller.model.rows import Network, Subnet, Switch
from controller.runtime.errors import Conflict

from ..answer import Response, as_json
from ..ask import Ask
from ..routes import RouteTable
from . import visibility
from .agents import AGENTS
from .engine import found
from .networks import NETWORKS

KIND = "DHCP agent"  # the type under which tools look for hosts that serve DHCP


def add(routes: RouteTable) -> None:
    routes.add("v2.0/networks/*/dhcp-agents", {"GET": agents})
    routes.add("v2.0/agents/*/dhcp-networks", {"GET": networks, "POST": refuse})
    routes.add("v2.0/agents/*/dhcp-networks/*", {"DELETE": refuse})


def agents(ask: Ask, network_id: str) -> Response:
    row = found(NETWORKS, ask, network_id)
    ask.context.policy.check(ask.caller, "get_dhcp-agents", visibility.target(NETWORKS, ask, row))
    model = ask.view.model
    served = model.placement.span.of(row.row_id) if _serves(model, row.row_id) else []
    hosts = [host for switch_id in sorted(served) if (host := model.get(Switch, switch_id)) is not None]
    return as_json(200, {"agents": [{**AGENTS.show(ask.view, host), "agent_type": KIND} for host in hosts]})


def networks(ask: Ask, agent_id: str) -> Response:
    agent = found(AGENTS, ask, agent_id)
    ask.context.policy.check(ask.caller, "get_dhcp-networks", visibility.target(AGENTS, ask, agent))
    model = ask.view.model
    ids = (each for each in sorted(model.placement.networks.of(agent.row_id)) if _serves(model, each))
    rows = [row for each in ids if (row := model.get(Network, each)) is not None]
    return as_json(200, {"networks": visibility.shown(NETWORKS, ask, rows)})


def refuse(ask: Ask, agent_id: str, network_id: str = "") -> Response:
    """Raises Conflict."""
    agent = found(AGENTS, ask, agent_id)
    verb = "create" if ask.request.method == "POST" else "delete"
    ask.context.policy.check(ask.caller, f"{verb}_dhcp-network", visibility.target(AGENTS, ask, agent))
    raise Conflict(
        "DHCP of a network is answered at every host that has ports of it: networks are not assigned to hosts.",
        "NetworkHostedByDHCPAgent",
    )


def _serves(model: Model, network_id: str) -> bool:
    return any(subnet.enable_dhcp for subnet in model.find(Subnet, "network_id", network_id))
