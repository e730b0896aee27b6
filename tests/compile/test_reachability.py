"""A switch holds the networks of its ports, the routers that it may be a gateway of, and all that routers lead to from
these; floods go to ports only.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from controller.compile.catalogue import apps
from controller.compile.on_demand import OnDemand
from controller.flow import Rates
from controller.model.model import Model
from controller.model.reader import Reader
from controller.model.rows import (
    FloatingIp,
    Gateway,
    GatewayRanking,
    Link,
    MetadataHost,
    Neighbor,
    Network,
    Port,
    Router,
    RouterInterface,
    Row,
    Switch,
)
from tests import strategies
from tests.apps.clouds import network, plugged, port, switch
from tests.compile.test_history import History
from tests.world import World, change

routing = strategies.routing | strategies.gateways
asked_for = routing.filter(lambda row: not isinstance(row, Switch))  # what switches report is not foreseen
put = st.tuples(st.just("put"), st.lists(strategies.rows | strategies.gateways, min_size=1, max_size=4))
join = st.tuples(
    st.just("put"),
    st.lists(strategies.router_interfaces | strategies.gateways | strategies.neighbors, min_size=1, max_size=3),
)
delete = st.tuples(st.just("delete"), st.lists(st.integers(0, 99), min_size=1, max_size=4))
settle = st.tuples(st.just("settle"), st.none())
histories = st.lists(st.one_of(put, join, join, delete, settle), max_size=15).map(
    lambda steps: [("put", strategies.base()), *steps]
)


Nodes = dict[str, set[tuple[str, str]]]  # by switch


class Expected(NamedTuple):
    """What each switch reaches, and with which others it exchanges frames and watches gateways."""

    reached: Nodes
    peers: dict[str, set[str]]
    watched: dict[str, set[str]]
    receiving: set[str]


def expected(model: Model) -> Expected:
    """From the rows and the bindings alone."""
    joined: Nodes = {}
    for one in model.rows(RouterInterface).values():
        joined.setdefault(("router", one.router_id), set()).add(("network", one.network_id))
        joined.setdefault(("network", one.network_id), set()).add(("router", one.router_id))
    present: Nodes = {}
    for port_id in model.rows(Port):
        at = model.placement.location(port_id)
        if at is not None:
            present.setdefault(at.switch_id, set()).add(("network", at.network_id))
    for router in model.rows(Router).values():
        ranking = model.rows(GatewayRanking).get(router.id)
        for switch_id in {*ranking.switches, ranking.leaving} - {""} if ranking else ():
            nodes = {("router", router.id), *(("network", gateway.network_id) for gateway in router.gateways)}
            present.setdefault(switch_id, set()).update(nodes)
    for floating in model.rows(FloatingIp).values():
        at, network = model.placement.bindings.get(floating.port_id), model.get(Network, floating.floating_network_id)
        met = network is not None and bool(network.physical_network)
        if at is not None and network is not None and met and model.rows(Switch)[at.switch_id].physical:
            present.setdefault(at.switch_id, set()).add(("network", network.id))
    reached = {}
    for switch_id, nodes in present.items():
        todo, found = list(nodes), set(nodes)
        while todo:
            more = joined.get(todo.pop(), set()) - found
            found |= more
            todo += more
        reached[switch_id] = found

    def meeting(kind: str) -> dict[str, set[str]]:
        return {
            one: {
                other
                for other in present
                if other != one
                and any(node[0] == kind for node in reached[one] & present[other] | reached[other] & present[one])
            }
            for one in present
        }

    hosts = set(model.rows(MetadataHost))
    receiving, peers = {*present, *hosts}, meeting("network")
    for one in hosts:
        for other in receiving - {one}:
            peers.setdefault(one, set()).add(other)
            peers.setdefault(other, set()).add(one)
    return Expected(reached, peers, meeting("router"), receiving)


@settings(max_examples=300, deadline=None)
@given(histories)
def test_what_switches_reach_is_what_routers_lead_to(history: list[tuple[str, Any]]) -> None:
    """After any history, incrementally as from nothing, and the flows with it."""
    told = History()
    for name, argument in history:
        getattr(told, name)(argument)
        reached, peers, watched, receiving = expected(told.model)
        placement = told.model.placement
        for switch_id in strategies.SWITCHES:
            assert set(placement.reachable.of(switch_id)) == reached.get(switch_id, set())
            assert set(placement.peers.of(switch_id)) == peers.get(switch_id, set())
            assert set(placement.watched.of(switch_id)) == watched.get(switch_id, set())
            assert placement.receives(switch_id) == (switch_id in receiving)
        for network_id in strategies.NETWORKS:
            at = [one for one in told.model.rows(RouterInterface).values() if one.network_id == network_id]
            left = any(network_id in one.external_networks for one in told.model.rows(Router).values())
            assert placement.routed(network_id) == (bool(at) or left)
        for node in {*(("network", one) for one in strategies.NETWORKS), ("router", "r"), ("router", "s")}:
            assert set(placement.held.of(node)) == {one for one, nodes in reached.items() if node in nodes}
    told.check()
    change(told.model, *sorted(told.model.revisions))
    assert not told.model.placement, "nothing is left of what is gone"


@settings(max_examples=60, deadline=None)
@given(histories, st.lists(asked_for, min_size=1, max_size=3), st.booleans())
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


def test_a_gateway_holds_a_routers_networks_without_a_port_there() -> None:
    world = World(*(switch(number) for number in (1, 2, 3)), network("red"), network("blue"))
    world.put(port("a", "red", 1), plugged("a", 1, 1), RouterInterface(id="1", router_id="r", network_id="red"))
    router = Router(id="r", project_id="red", number=1, segment=901, gateways=(Gateway("blue", "gw"),))
    placement = world.model.placement
    world.put(router, GatewayRanking(id="r", switches=("h2", "h3")))
    assert placement.reachable.of("h2") == [("network", "blue"), ("network", "red"), ("router", "r")]
    assert placement.reachable.of("h1") == [("network", "red"), ("router", "r")], "an external network is not followed"
    assert placement.peers.of("h1") == ["h2", "h3"] and placement.watched.of("h1") == ["h2", "h3"]
    assert placement.peers.of("h2") == ["h1", "h3"] and placement.watched.of("h2") == ["h1", "h3"]
    assert placement.span.of("red") == ["h1"], "no flood goes to a switch without ports"
    assert {("network", "blue"), ("network", "red")} <= set(world.compiler.carried("h3"))
    see = Reader(world.model, "h3")
    assert see.gateways("r") == ("h2", "h3") and see.gateway_of() == ["r"] and see.gateways("s") == ()
    world.put(GatewayRanking(id="r", switches=("h2",)))
    assert not placement.receives("h3") and placement.peers.of("h3") == placement.watched.of("h3") == []
    assert world.compiler.carried("h3") == (("switch", "h3"),)
    world.put("router/r")
    assert not placement.receives("h2") and placement.reachable.of("h2") == []


def test_labelled_frames_find_a_gateway_without_ports() -> None:
    world = World(*(replace(switch(number), encap_ip="", tunnels=()) for number in (1, 2, 3)), network("red"))
    world.put(*(Link(switch_id=f"h{one}", ofport=500 + other, far_switch_id=f"h{other}", far_ofport=500 + one)
                for one, other in ((1, 2), (2, 1), (2, 3), (3, 2))))  # fmt: skip
    alone = set(world.compiler.wanted("h2"))
    router = Router(id="r", project_id="red", number=1, segment=901, gateways=(Gateway("red", "gw"),))
    world.put(router, GatewayRanking(id="r", switches=("h3",)))
    assert any("mpls_label=3" in str(flow) for flow in set(world.compiler.wanted("h2")) - alone)


def test_a_gateway_knows_the_neighbours_outside() -> None:
    router = Router(id="r", project_id="red", number=1, segment=901, gateways=(Gateway("blue", "gw"),))
    beside = Neighbor(
        network_id="blue", ip_address="10.0.0.200", mac="02:00:00:00:00:99", switch_id="h1", router_id="r"
    )
    world = World(switch(1), network("blue"), beside, GatewayRanking(id="r", switches=("h1",)))

    def known() -> bool:
        flows = map(str, world.compiler.wanted("h1"))
        return any("table=120," in flow and "02:00:00:00:00:99" in flow for flow in flows)

    for row, there in ((router, True), ("router/r", False), (router, True)):
        world.put(row)
        assert known() == there
