"""Trace of a frame through every switch that it crosses, over the flows that the switches should hold.

Nothing is sent: it answers what would become of a frame, and which table of which switch would drop it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from apps.nat.places import gateway_of, own_place
from controller.flow import CONTROLLER
from controller.flow.fields import value_of
from controller.flow.interpret import NOTHING_KNOWN, Frame, Pipeline, Sent, Step, Tracker
from controller.model.model import Model
from controller.model.reader import Reader
from controller.model.routing import router_of
from controller.model.rows import FloatingIp, Interface, Link, Network, Port, Switch
from controller.runtime import hub

SLICE = 0.005  # seconds of work before other green threads get a turn
MOST = 256  # most hops of one frame, copies included
OUTER = ("tun_id", "tun_src", "tun_dst", "tun_ipv6_src", "tun_ipv6_dst")


class Hop(NamedTuple):
    """One switch's treatment of a frame.  `arrived`: ids of the ports here that receive it."""

    switch_id: str
    in_port: int
    steps: list[Step]
    sent: list[Sent]
    arrived: list[str]


class _Arrival(NamedTuple):
    switch_id: str
    in_port: int
    frame: Frame


def follow(
    model: Model,
    pipeline: Callable[[str], Pipeline | None],
    switch_id: str,
    in_port: int,
    frame: Frame,
    trackers: dict[str, Tracker] | None = None,
) -> list[Hop]:
    """Path of a frame: each switch that it comes to, in order.

    `pipeline` gives the flows of a switch, None for one that has no connection.  Others have their turn between two
    switches: what each does is told as of when the frame comes to it.  `trackers`: the connections that each switch
    knows, to which those of this frame are added; without, the frame is the first of a new one.
    """
    hops: list[Hop] = []
    known = {} if trackers is None else trackers
    turns = hub.Turns(SLICE)
    todo = [_Arrival(switch_id, in_port, frame)]
    while todo and len(hops) < MOST:
        turns.give()
        here = todo.pop(0)
        flows = pipeline(here.switch_id)
        if flows is None:
            hops.append(Hop(here.switch_id, here.in_port, [], [], []))
            continue
        passage = flows.through({**here.frame, "in_port": here.in_port}, known.get(here.switch_id, NOTHING_KNOWN))
        steps, sent, known[here.switch_id] = passage
        arrived = [port for one in sent for port in ports_at(model, here.switch_id, one.port)]
        hops.append(Hop(here.switch_id, here.in_port, steps, sent, arrived))
        for one in sent:
            if one.port != CONTROLLER:
                todo += _next(model, here.switch_id, one)
    return hops


def ports_at(model: Model, switch_id: str, ofport: int) -> list[str]:
    """Ids of the ports that are bound to an OpenFlow port."""
    vifs = {each.vif for each in model.find(Interface, "place", (switch_id, ofport)) if each.vif}
    claimed = [port.id for vif in vifs for port in model.find(Port, "vif", vif)]
    bindings = model.placement.bindings
    return sorted(port_id for port_id in claimed if (at := bindings.get(port_id)) and at.place == (switch_id, ofport))


def _next(model: Model, here: str, sent: Sent) -> Iterator[_Arrival]:
    """Switch and port where a frame that left by a port arrives, over a wire, a tunnel or a physical network."""
    for link in model.find(Link, "place", (here, sent.port)):
        yield _Arrival(link.far_switch_id, link.far_ofport, sent.frame)
    me = model.get(Switch, here)
    kind = next((tunnel.type for tunnel in me.tunnels if tunnel.ofport == sent.port), "") if me else ""
    if physical := physical_at(model, here, sent.port):
        yield from _over_physical(model, here, physical, sent.frame)
    if me is None or not kind:
        return
    inner = {name: value for name, value in sent.frame.items() if name not in OUTER}
    for other in model.rows(Switch).values():
        way = "tun_ipv6" if ":" in other.encap_ip else "tun"
        if other.encap_ip and sent.frame.get(f"{way}_dst") == _number(f"{way}_dst", other.encap_ip):
            outer = {f"{way}_src": _number(f"{way}_src", me.encap_ip), "tun_id": sent.frame.get("tun_id", 0)}
            for tunnel in other.tunnels:
                if tunnel.type == kind:
                    yield _Arrival(other.id, tunnel.ofport, {**inner, **outer})


def physical_at(model: Model, switch_id: str, ofport: int) -> str:
    """The physical network that a switch's port leads to, "" where it does not."""
    switch = model.get(Switch, switch_id)
    return next((each.network for each in switch.physical if each.ofport == ofport), "") if switch else ""


def _over_physical(model: Model, here: str, name: str, frame: Frame) -> Iterator[_Arrival]:
    """Switches that have the destination's MAC; nobody here knows where others are, and whom group frames reach."""
    mac, tag = frame["eth_dst"].to_bytes(6, "big").hex(":"), frame.get("vlan_vid", 0) & 0xFFF
    for port in model.find(Port, "mac_address", mac):
        network = model.get(Network, port.network_id)
        switch = model.get(Switch, place_of(model, port))
        if network is None or switch is None or (network.physical_network, network.vlan) != (name, tag):
            continue
        for each in switch.physical:
            if each.network == name and switch.id != here:
                yield _Arrival(switch.id, each.ofport, frame)


def place_of(model: Model, port: Port) -> str:
    """The switch that has a port's MAC: where it is bound, or where a router or a floating IP has it; "": none."""
    at = model.placement.bindings.get(port.id)
    if at is not None:
        return at.switch_id
    see = Reader(model)
    for floating in model.find(FloatingIp, "floating_port_id", port.id):
        return own_place(floating, see) or gateway_of(floating.router_id, see)
    router = router_of(model, port)
    return gateway_of(router.id, see) if router is not None else ""


def _number(name: str, address: str) -> int:
    return int.from_bytes(value_of(name, address), "big")
