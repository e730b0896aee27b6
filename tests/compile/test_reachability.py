"""A switch holds the networks of its ports and all that routers lead to from them; floods go to ports only."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.compile.catalogue import apps
from controller.compile.on_demand import OnDemand
from controller.flow import Rates
from controller.model.model import Model
from controller.model.rows import Port, RouterInterface, Row
from tests import strategies
from tests.apps.clouds import network, plugged, port, switch
from tests.compile.test_history import History
from tests.world import World, change

interfaces = strategies.router_interfaces
put = st.tuples(st.just("put"), st.lists(strategies.rows, min_size=1, max_size=4))
join = st.tuples(st.just("put"), st.lists(interfaces, min_size=1, max_size=3))
delete = st.tuples(st.just("delete"), st.lists(st.integers(0, 99), min_size=1, max_size=4))
settle = st.tuples(st.just("settle"), st.none())
histories = st.lists(st.one_of(put, join, join, delete, settle), max_size=15).map(
    lambda steps: [("put", strategies.base()), *steps]
)


def expected(model: Model) -> tuple[dict[str, set[tuple[str, str]]], dict[str, set[str]]]:
    """What each switch reaches, and its peers, from the rows and the bindings alone."""
    joined: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for one in model.rows(RouterInterface).values():
        joined.setdefault(("router", one.router_id), set()).add(("network", one.network_id))
        joined.setdefault(("network", one.network_id), set()).add(("router", one.router_id))
    ports: dict[str, set[tuple[str, str]]] = {}
    for port_id in model.rows(Port):
        at = model.placement.location(port_id)
        if at is not None:
            ports.setdefault(at.switch_id, set()).add(("network", at.network_id))
    reached = {}
    for switch_id, nodes in ports.items():
        todo, found = list(nodes), set(nodes)
        while todo:
            more = joined.get(todo.pop(), set()) - found
            found |= more
            todo += more
        reached[switch_id] = found
    peers = {
        one: {other for other in ports if other != one and (reached[one] & ports[other] or reached[other] & ports[one])}
        for one in ports
    }
    return reached, peers


@settings(max_examples=300, deadline=None)
@given(histories)
def test_what_switches_reach_is_what_routers_lead_to(history: list[tuple[str, Any]]) -> None:
    """After any history, incrementally as from nothing, and the flows with it."""
    told = History()
    for name, argument in history:
        getattr(told, name)(argument)
        reached, peers = expected(told.model)
        placement = told.model.placement
        for switch_id in strategies.SWITCHES:
            assert set(placement.reachable.of(switch_id)) == reached.get(switch_id, set())
            assert set(placement.peers.of(switch_id)) == peers.get(switch_id, set())
        for network_id in strategies.NETWORKS:
            at = [one for one in told.model.rows(RouterInterface).values() if one.network_id == network_id]
            assert placement.routed(network_id) == bool(at)
        for node in {*(("network", one) for one in strategies.NETWORKS), ("router", "r"), ("router", "s")}:
            assert set(placement.held.of(node)) == {one for one, nodes in reached.items() if node in nodes}
    told.check()
    change(told.model, *sorted(told.model.revisions))
    assert not told.model.placement, "nothing is left of what is gone"


@settings(max_examples=60, deadline=None)
@given(histories, st.lists(strategies.routing, min_size=1, max_size=3), st.booleans())
def test_a_router_is_foreseen(history: list[tuple[str, Any]], wanted: list[Row], deleted: bool) -> None:
    told = History()
    for name, argument in history:
        getattr(told, name)(argument)
    for switch_id in strategies.SWITCHES:
        told.include(switch_id)
    told.settle()
    rows = {row.key: row for row in wanted}
    pairs = [(told.model.get(type(row), row.row_id), None if deleted else row) for row in rows.values()]
    foreseen = OnDemand(told.model, apps(Rates(1000))).foreseen(pairs).changes
    before = {switch_id: set(mirror) for switch_id, mirror in told.mirrors.items()}
    for one, after in pairs:
        told.compiler.mark(change(told.model, *([after] if after else [one.key] if one else [])))
    told.settle()
    for switch_id, mirror in told.mirrors.items():
        changes = foreseen.get(switch_id, [])
        gone, come = {each.old for each in changes} - {None}, {each.new for each in changes} - {None}
        assert (gone - come, come - gone) == (before[switch_id] - mirror, mirror - before[switch_id])


def test_a_switch_that_only_routes_to_a_network_holds_its_flows_and_gets_no_flood() -> None:
    world = World(switch(1), switch(2), switch(3), network("red"), network("blue"))
    world.put(port("a", "red", 1), port("b", "blue", 2), port("c", "blue", 3), plugged("a", 1, 1), plugged("b", 2, 1),
              plugged("c", 3, 1))  # fmt: skip
    alone = world.compiler.carried("h1")
    assert ("network", "blue") not in alone and world.model.placement.peers.of("h1") == []
    flood = world.send("b", eth_src="fa:16:3e:00:00:02", eth_dst="ff:ff:ff:ff:ff:ff", eth_type=0x88B5)
    world.put(RouterInterface(id="1", router_id="r", network_id="red"))
    world.put(RouterInterface(id="2", router_id="r", network_id="blue"))
    assert set(world.compiler.carried("h1")) == {*alone, ("network", "blue"), ("router", "r")}
    assert ("network", "red") in world.compiler.carried("h2")
    assert world.model.placement.peers.of("h1") == ["h2", "h3"]
    assert world.model.placement.span.of("blue") == ["h2", "h3"]
    assert world.send("b", eth_src="fa:16:3e:00:00:02", eth_dst="ff:ff:ff:ff:ff:ff", eth_type=0x88B5) == flood
    others = [peer.encap_ip for peer in (switch(2), switch(3))]
    assert all(any(f"tun_src={ip}" in str(flow) for flow in world.compiler.wanted("h1")) for ip in others)
    world.put("router_interface/1", "router_interface/2")
    assert world.compiler.carried("h1") == alone and world.model.placement.peers.of("h1") == []
