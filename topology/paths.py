"""Shortest paths to one destination, from everywhere, kept current as edges come, go and change their cost.

A `Tree` is rooted at its destination (Dijkstra, as networkx has it).  A changed edge that changes no distance
costs a look at its two ends; any other, a new start for this destination.
"""

from __future__ import annotations

from collections.abc import Mapping

import networkx as nx

from .graph import SEVERAL, Node


class Tree:
    """`distance` and `hops` (next nodes on shortest paths, sorted) of each node that reaches the destination.

    `rank`: 1 at the destination, elsewhere one more than the highest of the next hops: along any next hop it falls.
    `choice`: whether there is more than one shortest path from the node, parallel wires included.
    """

    __slots__ = ("choice", "destination", "distance", "hops", "rank")

    def __init__(self, graph: nx.Graph, destination: Node) -> None:
        self.destination = destination
        self.distance: dict[Node, int] = {}
        self.hops: dict[Node, tuple[Node, ...]] = {}
        self.rank: dict[Node, int] = {}
        self.choice: dict[Node, bool] = {}
        self.compute(graph)

    def compute(self, graph: nx.Graph) -> set[Node]:
        """From nothing; the nodes of which anything is other than before."""
        before = self._all()
        self.distance, self.hops, self.rank, self.choice = {}, {}, {}, {}
        if self.destination in graph:
            self._walk(graph)
        return _differences(before, self._all())

    def _all(self) -> tuple[Mapping[Node, object], ...]:
        return self.distance, self.hops, self.rank, self.choice

    def _walk(self, graph: nx.Graph) -> None:
        found, self.distance = nx.dijkstra_predecessor_and_distance(graph, self.destination, weight="cost")
        hops, rank, choice, adjacent = self.hops, self.rank, self.choice, graph._adj
        for node in self.distance:  # nearest first
            through = found[node]
            if len(through) > 1:
                through.sort()
                choice[node] = True
            else:
                choice[node] = bool(through) and (choice[through[0]] or SEVERAL in adjacent[node][through[0]])
            hops[node] = tuple(through)
            rank[node] = 1 + max([rank[one] for one in through], default=0)

    # --- one edge that changed ---

    def changed(self, graph: nx.Graph, one: Node, other: Node, before: int | None, now: int | None) -> set[Node] | None:
        """The nodes that are affected when the edge's cost went from `before` to `now` (None: no edge).

        None: nodes behind them may be, too, and `compute` is to be called.
        """
        near, far = self.distance.get(one), self.distance.get(other)
        if near is None and far is None and self.distance:
            return set()
        if near is None or far is None:
            return None
        if near > far:
            one, other, near, far = other, one, far, near
        was, comes = before is not None and near + before == far, now is not None and near + now == far
        if now is not None and near + now < far:
            return None
        if not was and not comes:
            return set()
        left = [hop for hop in self.hops[other] if hop != one]
        return self._renew(graph, other, sorted([*left, one]) if comes else left)

    def _renew(self, graph: nx.Graph, node: Node, hops: list[Node]) -> set[Node] | None:
        """Give a node other next hops at the same distance, if that is all that changes."""
        if not hops or 1 + max(self.rank[hop] for hop in hops) != self.rank[node]:
            return None
        edges = graph._adj.get(node, {})  # of several changes at once, a later one may have taken it away
        several = any(self.choice[hop] or SEVERAL in edges.get(hop, ()) for hop in hops)
        if (len(hops) > 1 or several) != self.choice[node]:
            return None
        self.hops[node] = tuple(hops)
        return {node}


def _differences(before: tuple[Mapping[Node, object], ...], after: tuple[Mapping[Node, object], ...]) -> set[Node]:
    nodes: set[Node] = set()
    for old, new in zip(before, after, strict=True):
        if old != new:
            nodes.update(node for node, _ in old.items() ^ new.items())
    return nodes
