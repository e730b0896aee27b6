"""Frames over wires: every pair of a network, nobody else, nothing twice, and no switch twice."""

from __future__ import annotations

import itertools
from collections import Counter

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from controller.flow.interpret import Frame
from controller.model.rows import Link, Port, Switch
from tests.topology.wired import VM, Outcome, Wired, address, mac, switch_id, switches, tenants, wires
from tests.world import frame


def fabric(graph: nx.Graph, held: dict[str, list[int]], underlay: tuple[int, ...] = ()) -> Wired:
    ends = [end for wire in wires(nx.MultiGraph(graph)) for end in wire]
    return Wired(*switches(graph, underlay), *ends, *tenants(held))


def once(outcome: Outcome) -> None:
    """No copy of the frame has been on a switch twice: towards one switch each is left at most once."""
    assert all(times == 1 for times in Counter((hop.here, hop.label) for hop in outcome.hops).values()), outcome.hops


def check(world: Wired, held: dict[str, list[int]], graph: nx.Graph) -> None:
    """Everything that must hold once all switches are up to date."""
    for name, nodes in held.items():
        for (nth, node), (other, far) in itertools.permutations(enumerate(nodes), 2):
            for chance in range(4):
                outcome = world.say(f"{name}-{nth}", f"{name}-{other}", chance)
                once(outcome)
                expected = [f"{name}-{other}"] if nx.has_path(graph, node, far) else []
                assert outcome.ports == expected
        for nth, node in enumerate(nodes):
            outcome = world.shout(f"{name}-{nth}", chance=nth)
            once(outcome)
            reached = [far for far, at in enumerate(nodes) if far != nth and nx.has_path(graph, node, at)]
            assert outcome.ports == sorted(f"{name}-{far}" for far in reached)
            away = {at for far, at in enumerate(nodes) if far in reached} - {node}
            assert {hop.label for hop in outcome.hops} == {at + 1 for at in away}


@st.composite
def graphs(draw: st.DrawFn, most: int = 7) -> nx.MultiGraph:
    """Random, with parallel wires and costs; not always connected."""
    size = draw(st.integers(2, most))
    pairs = [(one, other) for one in range(size) for other in range(one)]
    graph = nx.MultiGraph()
    graph.add_nodes_from(range(size))
    for one, other in draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=2 * size)):
        graph.add_edge(one, other, cost=draw(st.integers(1, 3)))
    return graph


@st.composite
def fabrics(draw: st.DrawFn) -> tuple[nx.MultiGraph, dict[str, list[int]]]:
    graph = draw(graphs())
    node = st.integers(0, len(graph) - 1)
    return graph, {name: draw(st.lists(node, min_size=1, max_size=3)) for name in ("red", "blue")}


@settings(max_examples=60, deadline=None)
@given(fabrics())
def test_every_pair_of_a_network_and_no_other(drawn: tuple[nx.MultiGraph, dict[str, list[int]]]) -> None:
    graph, held = drawn
    check(fabric(graph, held), held, graph)


@settings(max_examples=60, deadline=None)
@given(fabrics(), st.data())
def test_no_loop_and_no_stranger_whatever_mix_of_old_and_new_flows(
    drawn: tuple[nx.MultiGraph, dict[str, list[int]]], data: st.DataObject
) -> None:
    """A wire goes, then comes back; any set of switches is behind, and the others' carriers tell them or do not."""
    graph, held = drawn
    world = fabric(graph, held)
    every = wires(graph)
    gone = data.draw(st.lists(st.sampled_from(every), min_size=1, max_size=2, unique=True))
    for rows in ([end.key for wire in gone for end in wire], [end for wire in gone for end in wire]):
        world.put(*rows)
        up_to_date = data.draw(st.sets(st.sampled_from(sorted(world.held))))
        world.update(up_to_date)
        for name, nodes in held.items():
            for nth, other in itertools.permutations(range(len(nodes)), 2):
                outcome = world.say(f"{name}-{nth}", f"{name}-{other}", data.draw(st.integers(0, 3)))
                unmarked = outcome._replace(hops=[hop for hop in outcome.hops if hop.bucket != 7])
                once(unmarked)
                once(outcome._replace(hops=[hop for hop in outcome.hops if hop.bucket == 7]))
                assert outcome.ports in ([], [f"{name}-{other}"])
        world.update()
    check(world, held, graph)


@settings(max_examples=60, deadline=None)
@given(fabrics(), st.data())
def test_carriers_lost_before_the_controller_knows(
    drawn: tuple[nx.MultiGraph, dict[str, list[int]]], data: st.DataObject
) -> None:
    graph, held = drawn
    world = fabric(graph, held)
    every = wires(graph)
    world.lose(*data.draw(st.lists(st.sampled_from(every), min_size=1, max_size=3, unique=True)))
    for name, nodes in held.items():
        for nth, other in itertools.permutations(range(len(nodes)), 2):
            outcome = world.say(f"{name}-{nth}", f"{name}-{other}", data.draw(st.integers(0, 3)))
            once(outcome._replace(hops=[hop for hop in outcome.hops if hop.bucket != 7]))
            once(outcome._replace(hops=[hop for hop in outcome.hops if hop.bucket == 7]))
            assert outcome.ports in ([], [f"{name}-{other}"])


def test_equal_cost_paths_are_all_used() -> None:
    graph = nx.Graph([(0, 1), (0, 2), (1, 3), (2, 3)])
    world = fabric(graph, {"red": [0, 3]})
    through = {world.say("red-0", "red-1", chance).hops[0].there for chance in range(4)}
    assert through == {"s1", "s2"}


def test_two_choices_in_a_row_are_independent() -> None:
    """In a 4-ary fat-tree, all four ways between pods are taken."""
    core, pods = [0, 1, 2, 3], [(4, 5, 6, 7), (8, 9, 10, 11)]
    graph = nx.Graph()
    for first, second, edge, other in pods:
        graph.add_edges_from([(edge, first), (edge, second), (other, first), (other, second)])
        graph.add_edges_from([(first, core[0]), (first, core[1]), (second, core[2]), (second, core[3])])
    world = fabric(graph, {"red": [6, 10]})
    through = {world.say("red-0", "red-1", chance).hops[1].there for chance in range(4)}
    assert through == {"s0", "s1", "s2", "s3"}


def test_parallel_wires_share_the_load() -> None:
    graph = nx.MultiGraph([(0, 1), (0, 1)])
    world = fabric(graph, {"red": [0, 1]})
    ports = set()
    for chance in range(4):
        world.held["s0"].chance = chance
        at = world.model.placement.bindings["red-0"]
        said = frame(eth_src=mac(0), eth_dst=mac(1), eth_type=0x0800, ipv4_src=address(0), ipv4_dst=address(1))
        ports |= {sent.port for sent in world.held["s0"].send({**said, "in_port": at.ofport})}
    assert ports == {1, 2}


@pytest.mark.parametrize("graph", [nx.complete_graph(3), nx.MultiGraph([(0, 1), (0, 1)]), nx.cycle_graph(4)])
def test_a_broken_wire_is_bypassed_by_the_switch_itself(graph: nx.Graph) -> None:
    """A triangle (a neighbour of no lower rank), parallel wires, and a square's two equal ways."""
    far = len(graph) // 2
    world = fabric(graph, {"red": [0, far]})
    for wire in wires(nx.MultiGraph(graph)):
        if "s0" in (wire[0].switch_id, wire[1].switch_id):
            world.cut.clear()
            world.lose(wire)
            assert [world.say("red-0", "red-1", chance).ports for chance in range(4)] == [["red-1"]] * 4


def test_no_loop_in_any_of_all_mixes() -> None:
    """A ring whose neighbours are wired twice: old flows of one switch and new ones of the next point at each other."""
    graph = nx.MultiGraph([(0, 1), (0, 1), (1, 2), (1, 2), (2, 3), (2, 3), (3, 0), (3, 0)])
    both = wires(graph)[:2]
    lost = sent = 0
    for before, after in (([], both), (both, [])):
        for size in range(5):
            for behind in itertools.combinations(range(4), size):
                world = fabric(graph, {"red": [1, 0], "blue": [2, 0]})
                world.put(*(end.key for wire in before for end in wire))
                world.update()
                world.put(*(end.key for wire in after for end in wire), *(end for wire in before for end in wire))
                world.update({switch_id(node) for node in range(4)} - {switch_id(node) for node in behind})
                for name, chance in itertools.product(("red", "blue"), range(4)):
                    outcome = world.say(f"{name}-0", f"{name}-1", chance)
                    once(outcome)
                    sent += 1
                    if outcome.ports != [f"{name}-1"]:
                        assert 0 < size < 4  # all old and all new flows lose nothing
                        lost += 1
    assert sent == 256 and lost <= 72  # frames that meet old flows of one switch and new ones of the next


def test_a_frame_takes_one_non_decreasing_backup_at_most() -> None:
    """s1 and s2, crosswise wired to each other, have lost s0: each is the other's loop-free alternate."""
    ends = [("s1", 1, "s0", 1), ("s2", 1, "s0", 2), ("s1", 2, "s2", 3), ("s1", 3, "s2", 2)]
    pairs = [
        (
            Link(switch_id=one, ofport=here, far_switch_id=other, far_ofport=there),
            Link(switch_id=other, ofport=there, far_switch_id=one, far_ofport=here),
        )
        for one, here, other, there in ends
    ]
    rows = [end for pair in pairs for end in pair]
    world = Wired(*switches(nx.complete_graph(3)), *rows, *tenants({"red": [1, 0]}))
    world.lose(pairs[0])
    assert [hop.there for hop in world.say("red-0", "red-1").hops] == ["s2", "s0"]
    world.lose(pairs[1])
    assert [hop.there for hop in world.say("red-0", "red-1").hops] == ["s2"]


def test_a_neighbour_that_would_send_it_back_is_no_backup() -> None:
    graph = nx.Graph([(0, 1), (1, 2)])
    world = fabric(graph, {"red": [1, 0]})
    world.lose(wires(nx.MultiGraph(graph))[0])
    assert world.say("red-0", "red-1") == Outcome([], [])


def test_a_labelled_frame_from_a_tenant_is_dropped() -> None:
    graph = nx.path_graph(3)
    world = fabric(graph, {"red": [0, 2], "blue": [0, 2]})
    forged: Frame = {
        **frame(eth_src=mac(7), eth_dst=mac(1), eth_type=0x8847),
        **{"mpls_label": 3, "mpls_ttl": 255, "below.mpls_label": 1, "below.mpls_ttl": 64},
        **{"below.below.eth_dst": frame(eth_dst=mac(1))["eth_dst"], "below.below.eth_type": 0x0800},
    }
    # the ports of blue declare no address, so that a frame of any kind would be carried
    ports = [world.model.get(Port, f"blue-{nth}") for nth in range(2)]
    world.put(*(replace(port, learning=True, interface_id=port.id, fixed_ips=()) for port in ports if port))
    world.update()
    at = world.model.placement.bindings["blue-0"]
    assert world.inject("s0", at.ofport, {**forged, "eth_type": 0x88B5}).ports == ["blue-1"]
    for kind in (0x8847, 0x8848):
        assert world.inject("s0", at.ofport, {**forged, "eth_type": kind}) == Outcome([], [])
    assert world.inject("s1", VM + 5, forged) == Outcome([], [])  # nor from a port that is nothing
    assert world.inject("s1", 1, forged).ports == ["red-1"]  # the same from a wire is what wires carry


def test_a_link_needs_both_ends() -> None:
    graph = nx.path_graph(2)
    near, far = wires(nx.MultiGraph(graph))[0]
    elsewhere = Link(switch_id="s1", ofport=1, far_switch_id="s0", far_ofport=9)
    for half in ([near], [near, elsewhere], [elsewhere, near], [near, replace(far, state="damped")]):
        world = Wired(*switches(graph), *half, *tenants({"red": [0, 1]}))
        assert world.say("red-0", "red-1") == Outcome([], [])
    assert Wired(*switches(graph), near, far, *tenants({"red": [0, 1]})).say("red-0", "red-1").ports == ["red-1"]


def test_a_segment_beyond_a_label_is_not_carried() -> None:
    graph = nx.path_graph(2)
    ends = wires(nx.MultiGraph(graph))[0]
    held = {"red": [0, 1], "blue": [0, 1]}
    world = Wired(*switches(graph), *ends, *tenants(held, {"red": 5, "blue": 5 | 1 << 20}))
    assert world.say("red-0", "red-1").ports == ["red-1"]
    assert world.say("blue-0", "blue-1") == Outcome([], [])


def test_wired_islands_joined_by_an_underlay() -> None:
    """s0 - s1 ~ s2 - s3: s1 and s2 have an underlay, s4 has nothing else."""
    graph = nx.MultiGraph([(0, 1), (2, 3)])
    graph.add_node(4)
    held = {"red": [0, 3, 4, 1]}
    world = fabric(graph, held, underlay=(1, 2, 4))
    joined = nx.compose(nx.Graph(graph), nx.Graph([(1, 2), (2, 4), (1, 4)]))
    for (nth, _), (other, _) in itertools.permutations(enumerate(held["red"]), 2):
        assert world.say(f"red-{nth}", f"red-{other}").ports == [f"red-{other}"]
    assert world.shout("red-0").ports == ["red-1", "red-2", "red-3"]
    assert nx.is_connected(joined)
    direct = world.say("red-2", "red-3").hops
    assert [(hop.here, hop.there, hop.label) for hop in direct] == [("s4", "s1", 0)]  # VXLAN, without labels


def test_a_change_far_away_changes_nothing_here() -> None:
    """A long way, and a ring at its far end: when a wire there goes, only the ring's switches get other flows."""
    graph = nx.path_graph(4)
    graph.add_edges_from([(3, 4), (4, 5), (5, 6), (6, 3)])
    held = {"red": [0, 1]}
    world = fabric(graph, held)
    wire = next(wire for wire in wires(nx.MultiGraph(graph)) if {end.switch_id for end in wire} == {"s4", "s5"})
    assert world.put(*(end.key for end in wire)) == 2  # s5 lost its choice, and so did s4's classification
    world.update()
    check(world, held, graph)


def test_a_switch_that_is_forgotten() -> None:
    graph = nx.cycle_graph(4)
    held = {"red": [0, 2]}
    world = fabric(graph, held)
    world.put("switch/s1")
    world.update(list(world.model.rows(Switch)))
    graph.remove_node(1)
    check(world, held, graph)
    assert switch_id(1) not in world.model.routes.switches()
