"""Topologies that Mininet has not."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import networkx as nx
from mininet.topo import Topo


class FatTree(Topo):  # type: ignore[misc]
    """A k-ary fat-tree (Al-Fares et al., 2008): k^2/4 core switches, k pods of k/2 upper and k/2 lower ones, k/2 hosts
    each.  Datapath ids are given, since Mininet would take them from the names.
    """

    def build(self, k: int = 4, **_: object) -> None:
        half = k // 2
        numbers = iter(range(1, 10_000))

        def switch(name: str) -> str:
            return str(self.addSwitch(name, dpid=f"{next(numbers):016x}"))

        core = [switch(f"c{n}") for n in range(half * half)]
        hosts = iter(range(1, 10_000))
        for pod in range(k):
            upper = [switch(f"u{pod}{n}") for n in range(half)]
            lower = [switch(f"l{pod}{n}") for n in range(half)]
            for n, one in enumerate(upper):
                for other in lower:
                    self.addLink(one, other)
                for place in range(half):
                    self.addLink(one, core[n * half + place])
            for one in lower:
                for _host in range(half):
                    self.addLink(self.addHost(f"h{next(hosts)}"), one)


class Graph(Topo):  # type: ignore[misc]
    """A switch for each node of a graph, a wire for each edge; `hosts` of them on the nodes in turn."""

    def build(self, graph: Any = None, hosts: int = 8, **_: object) -> None:
        switches = [self.addSwitch(f"s{n}") for n in range(1, len(graph) + 1)]
        for one, other in graph.edges():
            self.addLink(switches[one], switches[other])
        for n in range(hosts):
            self.addLink(self.addHost(f"h{n + 1}"), switches[n % len(switches)])


class Ring(Graph):
    """Four switches in a ring, one of its wires twice; two hosts at each: h1 and h5 at s1, and so on."""

    def build(self, **_: object) -> None:
        super().build(nx.MultiGraph([*pairwise((0, 1, 2, 3, 0)), (0, 1)]))


def some_graph(seed: int) -> nx.MultiGraph:
    """Six to eight nodes, connected; up to twice as many edges, some of them twice or thrice."""
    chance = random.Random(seed)
    size = chance.randint(6, 8)
    tree = nx.random_labeled_tree(size, seed=seed)
    graph = nx.MultiGraph(tree)
    for _ in range(chance.randint(2, size)):
        graph.add_edge(*chance.sample(range(size), 2))
    graph.add_edge(*chance.choice(sorted(tree.edges())))
    return graph
