"""The experimenter's five minutes: a topology, two tenants with equal addresses, every pair."""

from __future__ import annotations

from itertools import permutations

import pytest
from mininet.topo import LinearTopo, Topo
from mininet.topolib import TreeTopo

from tests.mininet.bed import Bed, reach
from topology.mininet import attach


class Ring(Topo):  # type: ignore[misc]
    """Four switches in a ring, one of its wires twice; two hosts at each."""

    def build(self, **_: object) -> None:
        switches = [self.addSwitch(f"s{n}") for n in range(1, 5)]
        for n in range(4):
            self.addLink(switches[n], switches[(n + 1) % 4])
        self.addLink(switches[0], switches[1])
        for n in range(8):
            self.addLink(self.addHost(f"h{n + 1}"), switches[n // 2])


TOPOLOGIES = {"tree": lambda: TreeTopo(2, 3), "linear": lambda: LinearTopo(4, 2), "ring": Ring}


@pytest.mark.parametrize("name", sorted(TOPOLOGIES))
def test_every_pair_of_a_network_and_no_other(name: str) -> None:
    with Bed() as bed:
        net = bed.run(TOPOLOGIES[name]())
        names = sorted(host.name for host in net.hosts)
        tenants = {"red": names[0::2], "blue": names[1::2]}
        for members in tenants.values():
            for nth, host in enumerate(members, 1):  # the same addresses for both
                net.get(host).setIP(f"10.0.0.{nth}", 24)
                net.get(host).params["ip6"] = f"2001:db8::{nth}/64"
        attached = attach(net, tenants)
        assert len(attached) == len(names)
        inside = [pair for members in tenants.values() for pair in permutations(members, 2)]
        assert reach(net, inside) == set(inside)
        assert reach(net, inside, six=True) == set(inside)
