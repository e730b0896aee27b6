"""Every pair of a network and no other, on topologies of many kinds; every frame counted."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import permutations

import pytest
from mininet.topo import LinearTopo, Topo
from mininet.topolib import TreeTopo

from tests.lab.census import Census
from tests.mininet.bed import Bed, reach
from tests.mininet.tenants import all_is_well, joined, share
from tests.mininet.topologies import FatTree, Graph, Ring, some_graph

GRAPHS = int(os.environ.get("TENET_TEST_GRAPHS", "3"))  # random ones

TOPOLOGIES: dict[str, Callable[[], Topo]] = {
    "linear": lambda: LinearTopo(4, 2),
    "tree": lambda: TreeTopo(2, 3),
    "ring": Ring,
    "fat-tree": lambda: FatTree(4),
    **{f"random {seed}": lambda seed=seed: Graph(graph=some_graph(seed)) for seed in range(GRAPHS)},  # type: ignore[misc]
}


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_every_pair_of_a_network_and_no_other_and_every_frame_once(name: str) -> None:
    with Bed() as bed:
        net = bed.run(TOPOLOGIES[name]())
        tenants = share(net)
        joined(bed, tenants)
        with Census(tenants) as census:
            all_is_well(bed, census, tenants)
        # as stations do, which begin with ARP and neighbour discovery
        mtu = bed.topology()["networks"][0]["mtu"]
        pairs = {pair for hosts in tenants.values() for pair in permutations([host.name for host in hosts[:3]], 2)}
        assert reach(net, pairs, size=mtu - 28) == pairs
        assert reach(net, pairs, six=True, size=mtu - 48) == pairs
        assert bed.command("doctor").returncode == 0, bed.command("doctor").stdout
