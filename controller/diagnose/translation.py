"""Translation on a frame's way: which gateway, address, next hop outside and floating IP were chosen, and by what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from typing import Any

from apps.pipeline import (
    DNAT,
    DNAT_JUDGED,
    DNAT_TRACKED,
    FLOAT,
    GATEWAY,
    NEXT_HOP4,
    OUTSIDE,
    RESOLVE,
    SNAT,
    SNAT_JUDGED,
    SNAT_TRACKED,
    TO_SWITCH,
    UNRESOLVED,
)
from controller.diagnose.routing import fault_of, loads_of, next_hop_of, prefix_of, resolved_by
from controller.diagnose.trace import Hop
from controller.flow import Action, Flow, Group, Nat
from controller.flow.fields import text
from controller.flow.tracking import Track
from controller.model.model import Model
from controller.model.rows import FloatingIp, GatewayRanking, Switch

Origins = Callable[[str, Flow], list[str]]  # (switch, flow): the keys of the objects that it is because of
Told = dict[str, Any]
_MISSED = {
    GATEWAY.number: "its router has no gateway",
    SNAT.number: "no gateway of the router leads there over this version of IP",
    SNAT_TRACKED.number: "it begins no connection, and belongs to none that is translated so",
    SNAT_JUDGED.number: "its connection is translated to an address that is not the router's or port's any more",
    DNAT.number: "nobody at this router has the address",
    DNAT_TRACKED.number: "it belongs to no connection, and none may be begun to there",
    DNAT_JUDGED.number: "its connection is of a floating IP that is associated with another port by now",
}
_BEGINS = {GATEWAY.number: "gateway", SNAT.number: "source", DNAT.number: "destination"}


def translations(model: Model, hop: Hop, origins: Origins) -> Iterator[Told]:
    """What was decided about a frame's way out of a router, or in from outside, at one switch, in order.

    `step`: "gateway" (`switch`, of the `ranking`), "source" (translated to `address`, None: not at all), "next_hop"
    (outside: `route`, its `next_hop`, None: the destination itself; `resolved`: the key of the port or neighbour that
    has its MAC), "destination" (translated to `address`; `resolved` as before).  `decided_by`: the key of the object
    that decided.  `reason`: why it went no further, "" where it did.
    """
    found: list[Told] = []
    for table, flow in hop.steps:
        if flow is None or not flow.priority:
            if table in (DNAT.number, GATEWAY.number) or (table == SNAT.number and flow is None):
                found.append(_told(_BEGINS[table]))
            if table in _MISSED and found:
                found[-1]["reason"] = _MISSED[table]
        else:
            keys = origins(hop.switch_id, flow)
            if (began := _begun(model, hop, table, flow, keys)) is not None:
                found.append(began)
            elif found:
                _continued(found[-1], table, flow, keys)
        if found and table == UNRESOLVED.number:
            found[-1]["reason"] = "nobody knows the MAC of its next hop: the controller asks"
    yield from found


def _begun(model: Model, hop: Hop, table: int, flow: Flow, keys: list[str]) -> Told | None:
    """A decision that a flow begins to tell of."""
    if table == GATEWAY.number:
        return _gateway(model, hop, flow, keys)
    if table in (FLOAT.number, SNAT.number):
        address = _noted(flow)
        return _told("source", _decider(model, keys, address), address=address)
    if table == OUTSIDE.number:
        return _told("next_hop", keys[0], route=prefix_of(flow), next_hop=next_hop_of(flow), resolved=None)
    if table == DNAT.number:
        return _told("destination", _decider(model, keys, _noted(flow)), address=None, resolved=None)
    return None


def _continued(told: Told, table: int, flow: Flow, keys: list[str]) -> None:
    """What a later flow adds to the last decision."""
    if table == RESOLVE.number and "resolved" in told:
        told["resolved"] = resolved_by(flow, keys)
    elif table in (DNAT_TRACKED.number, DNAT_JUDGED.number) and told["step"] == "destination":
        told["address"] = _entered(flow) or told["address"]
        forwarding = next((key for key in keys if key.startswith("port_forwarding/")), "")
        told["decided_by"] = forwarding or told["decided_by"]
    if fault := fault_of(flow):
        told["reason"] = fault


def _told(step: str, decided_by: str = "", **more: Any) -> Told:
    return {"step": step, "decided_by": decided_by, **more, "reason": ""}


def _gateway(model: Model, hop: Hop, flow: Flow, keys: list[str]) -> Told:
    router_id = keys[0].partition("/")[2]
    ranking = model.get(GatewayRanking, router_id)
    number = dict(loads_of(_taken(flow.actions))).get(TO_SWITCH.subfield)
    chosen = next((each.id for each in model.rows(Switch).values() if each.number == number), hop.switch_id)
    if ranking is None or not ranking.switches:
        return {**_told("gateway"), "reason": _MISSED[GATEWAY.number]}
    return _told("gateway", f"gateway_ranking/{router_id}", switch=chosen, ranking=[*ranking.switches])


def _taken(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    """The actions, of a group those of its first bucket: a trace takes all switches to be alive."""
    group = actions[0].args[0] if actions and actions[0].kind == "group" else None
    return group.buckets[0].actions if isinstance(group, Group) else actions


def _noted(flow: Flow) -> str | None:
    """Our address outside, as the flow notes it before the connection tracker is asked."""
    number = dict(loads_of(flow.actions)).get(NEXT_HOP4.place)
    return None if number is None else str(IPv4Address(number))


def _entered(flow: Flow) -> str | None:
    """The inner address that a flow translates to, or that it lets in."""
    for action in flow.actions:
        track = action.args[0] if action.kind == "ct" else None
        if isinstance(track, Track) and isinstance(track.nat, Nat) and track.nat.addresses:
            return track.nat.addresses[0]
    return next((text(one.name, one.value) for one in flow.match if one.name == "ipv4_dst"), None)


def _decider(model: Model, keys: list[str], address: str | None) -> str:
    """The floating IP that is the reason for a flow, or the object that is."""
    owned = model.find(FloatingIp, "floating_ip_address", address) if address else []
    return next((f"floatingip/{one.id}" for one in owned if f"port/{one.port_id}" in keys), keys[0])
