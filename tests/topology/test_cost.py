"""What wires cost, and which way is the shortest by it."""

from __future__ import annotations

import networkx as nx
import pytest

from controller.switches.discovery.links import AWAY_COST
from tests.topology.wired import Wired, switch_id, switches, tenants, wires
from topology.cost import MOST, by_hops, by_speed

# 0 - 1 - 3 with 1 Gbit/s, 0 - 2 - 4 - 3 with 10
SPEEDS = {(0, 1): 1_000_000, (1, 3): 1_000_000, (0, 2): 10_000_000, (2, 4): 10_000_000, (3, 4): 10_000_000}


@pytest.mark.parametrize(
    ("speed", "cost"),
    [(100_000_000, 1), (10_000_000, 1), (2_500_000, 4), (1_000_000, 10), (100_000, 100), (10_000, MOST), (1, MOST),
     (0, 10), (0xFFFFFFFF, 1)],
)  # fmt: skip
def test_the_cost_of_a_speed(speed: int, cost: int) -> None:
    assert by_speed(speed) == cost < AWAY_COST
    assert by_hops(speed) == 1


@pytest.mark.parametrize(("speeds", "through"), [(False, [1]), (True, [2, 4])])
def test_frames_take_the_faster_way_although_it_is_longer(speeds: bool, through: list[int]) -> None:
    graph = nx.MultiGraph()
    graph.add_edges_from((*ends, {"cost": by_speed(speed) if speeds else 1}) for ends, speed in SPEEDS.items())
    world = Wired(*switches(graph), *[end for wire in wires(graph) for end in wire], *tenants({"red": [0, 3]}))
    outcome = world.say("red-0", "red-1")
    assert outcome.ports == ["red-1"]
    assert [hop.there for hop in outcome.hops] == [switch_id(node) for node in (*through, 3)]
