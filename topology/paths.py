"""Shortest paths to one destination, from everywhere, kept current as edges come, go and change their cost.

A `Tree` is rooted at its destination: Dijkstra's algorithm, as networkx has it.  A changed edge that changes no distance
costs a look at its two ends; any other, a new start for this destination.
"""

from __future__ import annotations

from collections.abc import Mapping

import networkx as nx

from .graph import Node


class Tree:
    """`distance` and `hops` (next nodes on shortest paths, sorted) of each node that reaches the destination.

    `rank`: 1 at the destination, elsewhere one more than the highest of the next hops: along any next hop it falls.
    `branches`: how many nodes have several next hops.
    """

    __slots__ = ("branches", "destination", "distance", "hops", "rank")

    def __init__(self, graph: nx.Graph, destination: Node) -> None:
        self.destination = destination
        self.distance: dict[Node, int] = {}
        self.hops: dict[Node, tuple[Node, ...]] = {}
        self.rank: dict[Node, int] = {}
        self.branches = 0
        self.compute(graph)

    def compute(self, graph: nx.Graph) -> set[Node]:
        """From nothing; the nodes whose distance, next hops or rank are others than before."""
        before = (self.distance, self.hops, self.rank)
        self.distance, self.hops, self.rank, self.branches = {}, {}, {}, 0
        if self.destination in graph:
            self._walk(graph)
        return _differences(before, (self.distance, self.hops, self.rank))

    def _walk(self, graph: nx.Graph) -> None:
        found, self.distance = nx.dijkstra_predecessor_and_distance(graph, self.destination, weight="cost")
        hops, rank = self.hops, self.rank
        for node in self.distance:  # nearest first
            through = found[node]
            if len(through) > 1:
                through.sort(key=str)
                self.branches += 1
            hops[node] = tuple(through)
            rank[node] = 1 + max([rank[one] for one in through], default=0)

    # --- one edge that changed ---

    def changed(self, graph: nx.Graph, one: Node, other: Node, before: int | None, now: int | None) -> set[Node] | None:
        """The nodes that are affected when the edge's cost went from `before` to `now` (None: no edge).

        None: distances may change, and `compute` is to be called.
        """
        near, far = self.distance.get(one), self.distance.get(other)
        if near is None and far is None:
            return set()
        if near is None or far is None:
            return None
        if near > far:
            one, other, near, far = other, one, far, near
        was, comes = before is not None and near + before == far, now is not None and near + now == far
        if now is not None and near + now < far:
            return None
        if was == comes:
            return set()
        return self._with(other, one) if comes else self._without(other, one)

    def _with(self, node: Node, hop: Node) -> set[Node] | None:
        if self.rank[hop] >= self.rank[node]:
            return None  # the rank grows, and of those behind it perhaps, too
        self.branches += len(self.hops[node]) == 1
        self.hops[node] = tuple(sorted((*self.hops[node], hop), key=str))
        return {node}

    def _without(self, node: Node, hop: Node) -> set[Node] | None:
        left = tuple(one for one in self.hops[node] if one != hop)
        if not left or 1 + max(self.rank[one] for one in left) != self.rank[node]:
            return None
        self.branches -= len(left) == 1
        self.hops[node] = left
        return {node}


def _differences(before: tuple[Mapping[Node, object], ...], after: tuple[Mapping[Node, object], ...]) -> set[Node]:
    nodes: set[Node] = set()
    for old, new in zip(before, after, strict=True):
        if old != new:
            nodes.update(node for node, _ in old.items() ^ new.items())
    return nodes
