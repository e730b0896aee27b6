"""Ports that the fabric does not join say so."""

from __future__ import annotations

import networkx as nx

from controller.model.kinds import Network
from controller.reconcile.reach import unreached
from tests.topology.wired import Wired, switches, tenants, wires


def reach(graph: nx.MultiGraph, segment: int, underlay: tuple[int, ...] = ()) -> str:
    ends = [end for wire in wires(graph) for end in wire]
    world = Wired(*switches(graph, underlay), *ends, *tenants({"red": [0, 1, 2]}, {"red": segment}))
    network = world.model.get(Network, "red")
    assert network is not None
    return unreached(world.model, "s0", network)


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
