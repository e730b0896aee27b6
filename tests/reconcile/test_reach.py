"""Ports that the fabric does not join say so."""

from __future__ import annotations

import networkx as nx
from msgspec.structs import replace

from controller.model.model import Model
from controller.model.rows import Network, Physical
from controller.reconcile.reach import unreached
from tests.apps.clouds import network, plugged, port, switch
from tests.topology.wired import Wired, switches, tenants, wires
from tests.world import change


def reach(graph: nx.MultiGraph, segment: int, underlay: tuple[int, ...] = ()) -> str:
    ends = [end for wire in wires(graph) for end in wire]
    world = Wired(*switches(graph, underlay), *ends, *tenants({"red": [0, 1, 2]}, {"red": segment}))
    row = world.model.get(Network, "red")
    assert row is not None
    return unreached(world.model, "s0", row)


def test_all_reached_by_wire_or_tunnel() -> None:
    assert reach(nx.MultiGraph([(0, 1), (1, 2)]), 5) == ""
    mixed = nx.MultiGraph([(0, 1)])
    mixed.add_node(2)
    assert reach(mixed, 5, underlay=(1, 2)) == ""


def test_a_partition_names_the_switches_beyond() -> None:
    parted = nx.MultiGraph([(0, 1)])
    parted.add_node(2)
    assert reach(parted, 5) == "no tunnel and no links lead to its network's ports on switch s2"


def test_a_segment_that_no_label_holds() -> None:
    wired = nx.MultiGraph([(0, 1), (1, 2)])
    assert reach(wired, 1 << 20).startswith("links carry segments up to 1048575 only")
    assert reach(wired, (1 << 20) - 1) == ""
    assert reach(wired, 1 << 20, underlay=(0, 1, 2)) == ""


def test_a_network_on_a_physical_one_is_reached_where_that_is() -> None:
    outside = replace(network("red"), network_type="vlan", physical_network="p1", vlan=5)
    mapped = replace(switch(1), physical=(Physical("p1", 500),))
    model = Model()
    change(model, mapped, switch(2), outside, port("a", "red", 1), plugged("a", 1, 1), port("b", "red", 2))
    change(model, plugged("b", 2, 1))
    assert unreached(model, "h1", outside) == ""
    assert "switch h2 does not reach physical network p1" in unreached(model, "h2", outside)
