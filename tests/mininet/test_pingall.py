"""The experimenter's five minutes: a topology, two tenants with equal addresses, every pair."""

from __future__ import annotations

from itertools import permutations

import pytest
from mininet.topo import LinearTopo, Topo
from mininet.topolib import TreeTopo

from tests.mininet.bed import Bed, reach, share
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
        tenants = share(net)
        attached = attach(net, tenants)
        assert len(attached) == len(net.hosts)
        inside = {pair for members in tenants.values() for pair in permutations(members, 2)}
        mtu = bed.topology()["networks"][0]["mtu"]
        assert reach(net, inside) == inside
        assert reach(net, inside, six=True) == inside
        assert reach(net, inside, size=mtu - 28) == inside
        assert reach(net, inside, six=True, size=mtu - 48) == inside
        # the last of blue has an address that red has not, and a neighbour entry for it does not help
        last = net.get(tenants["blue"][-1])
        for name in tenants["red"]:
            host = net.get(name)
            host.cmd(f"ip neigh replace {last.IP()} lladdr {last.MAC()} dev {host.defaultIntf()}")
        assert not reach(net, {(name, last.name) for name in tenants["red"]})
        assert bed.command("doctor").returncode == 0, bed.command("doctor").stdout
