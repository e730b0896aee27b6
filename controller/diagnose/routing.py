"""Decisions of routers on a frame's way: at each of their tables, what was decided and because of which object."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from apps.pipeline import MISS, STAGES
from controller.diagnose.trace import Hop
from controller.flow import Flow
from controller.model.model import Model
from controller.model.rows import (
    FloatingIp,
    GatewayRanking,
    Neighbor,
    Port,
    PortForwarding,
    Router,
    RouterInterface,
)

Explained = Callable[[str, list[Flow]], Mapping[int, list[str]]]  # (switch, flows): cookie -> keys of their objects
_TABLES = {table.number: table.name for table in STAGES["route"]}
_SAYS = {
    "enter": "is for a router", "itself": "is for the router's own address", "echo": "is answered by the router",
    "hop": "is not to be forwarded", "route": "is routed", "paths": "takes one of several routes of equal cost",
    "gateway": "goes to the router's gateway", "errors": "cannot be forwarded: its sender is told",
    "fits": "is larger than the next network's MTU", "resolve": "has its next hop",
    "unresolved": "waits for a next hop that nobody declares: it is asked for", "outside": "is routed outside",
}  # fmt: skip
_ALWAYS = ("errors", "unresolved")  # what coming there means, whatever flow it meets


def routing(model: Model, hop: Hop, explained: Explained) -> Iterator[dict[str, Any]]:
    """What routers decided at a switch, in the order of the tables."""
    met = [(name, flow) for table, flow in hop.steps
           if (name := _TABLES.get(table)) is not None and flow is not None
           and (flow.priority != MISS or name in _ALWAYS)]  # fmt: skip
    keys = explained(hop.switch_id, [flow for _, flow in met]) if met else {}
    for name, flow in met:
        found = [key for key in keys.get(flow.cookie, []) if _kind(key) != "switch"]
        said = _SAYS.get(name, "is translated")
        prefix = _prefix(flow) if name in ("route", "paths", "outside") else ""
        why = ", ".join(described(model, key) for key in found)
        text = " ".join(part for part in (said, prefix and f"to {prefix}") if part)
        yield {"table": name, "objects": found, "says": f"{text}: {why}" if why else text}


def described(model: Model, key: str) -> str:
    """An object of routing in words."""
    kind, _, row_id = key.partition("/")
    if (interface := model.get(RouterInterface, row_id)) is not None and kind in ("port", "router_interface"):
        return f"interface {_addresses(model, row_id)} of router {_name(model, interface.router_id)}"
    if kind == "router":
        return f"router {_name(model, row_id)}"
    if kind == "port":
        port = model.get(Port, row_id)
        return f"port {(port and port.name) or row_id} ({_addresses(model, row_id)})"
    if kind == "floatingip" and (floating := model.get(FloatingIp, row_id)) is not None:
        return f"floating IP {floating.floating_ip_address} of {floating.fixed_ip_address or 'nobody'}"
    if kind == "port_forwarding" and (forwarding := model.get(PortForwarding, row_id)) is not None:
        return f"port forwarding {row_id} to {forwarding.internal_ip_address}"
    if kind == "gateway_ranking" and (ranking := model.get(GatewayRanking, row_id)) is not None:
        return f"gateways {' '.join(ranking.switches)} of router {_name(model, row_id)}, by rank"
    if kind == "neighbor" and (neighbor := model.get(Neighbor, row_id)) is not None:
        return f"neighbour {neighbor.ip_address} at {neighbor.mac}"
    return f"{kind} {row_id}"


def _kind(key: str) -> str:
    return key.partition("/")[0]


def _name(model: Model, router_id: str) -> str:
    router = model.get(Router, router_id)
    return (router and router.name) or router_id


def _addresses(model: Model, port_id: str) -> str:
    port = model.get(Port, port_id)
    return " ".join(port.addresses) if port is not None else ""


def _prefix(flow: Flow) -> str:
    """The destinations that a route is for."""
    for one in flow.match:
        if one.name in ("ipv4_dst", "ipv6_dst"):
            bits = 8 * len(one.value)
            length = bits if one.mask is None else int.from_bytes(one.mask, "big").bit_count()
            return f"{ip_address(one.value)}/{length}"
    return "any address"
