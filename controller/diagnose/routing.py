"""Routers on a frame's way: where it is sent first, and which interface, route and neighbour decided about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from apps.pipeline import (
    ENTER,
    ERRORS,
    FAULT,
    LARGER,
    LEARNED,
    NEXT_HOP4,
    NEXT_HOP6,
    OWN_ADDRESS,
    PATHS,
    RESOLVE,
    ROUTE,
    TTL_EXCEEDED,
    UNRESOLVED,
)
from controller.diagnose.trace import Hop
from controller.flow import Action, Flow
from controller.flow.fields import Subfield, text
from controller.model.model import Model
from controller.model.routing import router_of
from controller.model.rows import Port, RouterInterface, Subnet

Origins = Callable[[str, Flow], list[str]]  # (switch, flow): the keys of the objects that it is because of
NO_ROUTE = "it has no route to there"
_FAULTS = {
    TTL_EXCEEDED: "its TTL is used up",
    LARGER: "it is larger than the next network's MTU",
    OWN_ADDRESS: "it is for the router itself, which answers echo requests only",
}


def first_hop(model: Model, one: Port, other: Port) -> Port | None:
    """Port of the router that `one` sends to what is for `other`; None where they are in one network, or none is there.

    The gateway of one of its subnets; without, the first router on its network that leads to the other's.  Of the
    version of IP that both ports have, IPv4 before IPv6: a router may have a port for each.
    """
    if one.network_id == other.network_id:
        return None
    version = 4 if all(any(":" not in address for address in port.addresses) for port in (one, other)) else 6
    ports, gateways = _on_network(model, one, version)
    reached = model.placement.adjacency.reached(("network", one.network_id))
    if ("network", other.network_id) not in reached:
        ports = [port for port in ports if gateways & {*port.addresses}]
    return next((port for port in ports if gateways & {*port.addresses}), ports[0] if ports else None)


def first_hop_outside(model: Model, one: Port, version: int) -> Port | None:
    """Port of the router that `one` sends to what is outside, over this version of IP; None where there is none.

    The gateway of one of its subnets; without, the first router on its network that has a gateway.
    """
    ports, gateways = _on_network(model, one, version)
    leading = [port for port in ports if (router := router_of(model, port)) is not None and router.gateways]
    return next((port for port in ports if gateways & {*port.addresses}), leading[0] if leading else None)


def _on_network(model: Model, one: Port, version: int) -> tuple[list[Port], set[str | None]]:
    """Routers' ports on the port's network with addresses of this version, and its subnets' gateway addresses."""
    interfaces = model.find(RouterInterface, "network_id", one.network_id)
    ports = [port for each in interfaces if (port := model.get(Port, each.id)) is not None]
    ports = [port for port in ports if any((":" in address) == (version == 6) for address in port.addresses)]
    subnets = [model.get(Subnet, fixed.subnet_id) for fixed in one.fixed_ips]
    return ports, {subnet.gateway_ip for subnet in subnets if subnet is not None}


def routing(model: Model, hop: Hop, origins: Origins) -> Iterator[dict[str, Any]]:
    """Each router that the frame came to at a switch, in order, and what it did with it.

    `interface_id`: by which it came in.  `route`: the prefix, and `next_hop` the address that an extra route names
    (None: the destination itself, in a connected network).  `resolved`: the key of the port or the neighbour whose MAC
    it was sent to.  `reason`: why it went no further, "" where it did.
    """
    told: dict[str, Any] | None = None
    for table, flow in hop.steps:
        if table == ENTER.number and flow is not None and flow.priority:
            if told is not None:
                yield told
            told = _entered(model, origins(hop.switch_id, flow))
        elif told is None:
            continue
        elif table in (ROUTE.number, PATHS.number):
            if flow is None or not flow.priority:
                told["reason"] = NO_ROUTE
            else:
                told |= {"route": prefix_of(flow), "next_hop": next_hop_of(flow)}
        elif table == RESOLVE.number and flow is not None and flow.priority:
            told["resolved"] = resolved_by(flow, origins(hop.switch_id, flow))
        elif table == UNRESOLVED.number:
            told["reason"] = "nobody knows the MAC of its next hop: the controller asks"
        elif table == ERRORS.number:
            told["reason"] = told["reason"] or NO_ROUTE
        if flow is not None and (fault := fault_of(flow)):
            told["reason"] = fault
    if told is not None:
        yield told


def _entered(model: Model, keys: list[str]) -> dict[str, Any]:
    interface_id = keys[0].partition("/")[2]
    interface = model.get(RouterInterface, interface_id)
    return {"router_id": interface.router_id if interface else "", "interface_id": interface_id, "route": None,
            "next_hop": None, "resolved": None, "reason": ""}  # fmt: skip


def prefix_of(flow: Flow) -> str:
    """The destination that a route's flow matches."""
    for one in flow.match:
        if one.name in ("ipv4_dst", "ipv6_dst"):
            length = 8 * len(one.value) if one.mask is None else int.from_bytes(one.mask, "big").bit_count()
            return f"{text(one.name, one.value)}/{length}"
    return "::/0" if any(one.name == "eth_type" and one.value == b"\x86\xdd" for one in flow.match) else "0.0.0.0/0"


def next_hop_of(flow: Flow) -> str | None:
    """The address that an extra route names."""
    loads = dict(loads_of(flow.actions))
    if NEXT_HOP4.place in loads:
        return str(IPv4Address(loads[NEXT_HOP4.place]))
    if "xreg0" in loads:
        return str(IPv6Address(loads["xreg0"] << 64 | loads.get("xreg1", 0)))
    return None


def resolved_by(flow: Flow, keys: list[str]) -> str:
    """The key of the port or the neighbour whose MAC a flow of `resolve` writes; `keys`: of its objects."""
    if flow.priority != LEARNED or not keys[0].startswith("network/"):
        return keys[0]
    hop = {one.name: one.value for one in flow.match}
    parts = [hop[bits.place] for bits in NEXT_HOP6 if bits.place in hop] or [hop[NEXT_HOP4.place]]
    return f"neighbor/{keys[0].partition('/')[2]}/{ip_address(b''.join(parts))}"


def fault_of(flow: Flow) -> str:
    """What a flow notes of a packet that is not forwarded."""
    for name, value in loads_of(flow.actions):
        if name == FAULT.subfield:
            return _FAULTS.get(value, "")
    return ""


def loads_of(actions: tuple[Action, ...]) -> Iterator[tuple[str, int]]:
    """Fields, or parts of them, that a flow writes, and with what."""
    for action in actions:
        if action.kind == "load":
            value, part = action.args
            assert isinstance(value, int) and isinstance(part, Subfield)
            last = part.first + part.bits - 1
            yield part.spec.name if part.whole else f"{part.spec.name}[{part.first}..{last}]", value
