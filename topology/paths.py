"""Shortest paths to one destination, from everywhere, kept current as edges come, go and change their cost.

A `Tree` is rooted at its destination (Dijkstra, with a list of nodes for each distance: costs are small integers, so
that few distances are in the heap at once).  A changed edge that changes no distance costs a look at its two ends; any
other, a new start for this destination.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush
from typing import NamedTuple

import networkx as nx

from .graph import SEVERAL, Node


class Affected(NamedTuple):
    """Nodes whose `distance` or `rank` changed, and those whose `hops` or `choice` did."""

    moved: set[Node]
    turned: set[Node]


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

    def compute(self, graph: nx.Graph) -> Affected:
        """Compute from nothing; the nodes that changed."""
        distance, rank, hops, choice = self.distance, self.rank, self.hops, self.choice
        self.distance, self.hops, self.rank, self.choice = {}, {}, {}, {}
        if self.destination in graph:
            self._describe(graph, *_dijkstra(graph, self.destination))
        moved = _differences(distance, self.distance) | _differences(rank, self.rank)
        return Affected(moved, _differences(hops, self.hops) | _differences(choice, self.choice))

    def _describe(self, graph: nx.Graph, distance: dict[Node, int], found: dict[Node, list[Node]]) -> None:
        """Derive ranks, hops and choices from distances, nearest nodes first."""
        self.distance = distance
        hops, rank, choice, adjacent = self.hops, self.rank, self.choice, graph._adj
        for node, through in found.items():
            if len(through) > 1:
                through.sort()
                choice[node] = True
                rank[node] = 1 + max([rank[one] for one in through])
            elif through:
                (one,) = through
                choice[node] = choice[one] or SEVERAL in adjacent[node][one]
                rank[node] = 1 + rank[one]
            else:
                choice[node] = False
                rank[node] = 1
            hops[node] = tuple(through)

    # --- one edge that changed ---

    def changed(self, graph: nx.Graph, one: Node, other: Node, before: int | None, now: int | None) -> Affected | None:
        """Nodes that change when an edge's cost goes from `before` to `now` (None: no edge).

        None: nodes behind its ends may be affected, too, and `compute` is to be called.
        """
        near, far = self.distance.get(one), self.distance.get(other)
        if near is None and far is None and self.distance:
            return _NOTHING
        if near is None or far is None:
            return None
        if near > far:
            one, other, near, far = other, one, far, near
        was, comes = before is not None and near + before == far, now is not None and near + now == far
        if now is not None and near + now < far:
            return None
        if not was and not comes:
            return _NOTHING
        left = [hop for hop in self.hops[other] if hop != one]
        return self._renew(graph, other, sorted([*left, one]) if comes else left)

    def _renew(self, graph: nx.Graph, node: Node, hops: list[Node]) -> Affected | None:
        """Change a node's next hops at the same distance, if nothing else changes."""
        if not hops or 1 + max(self.rank[hop] for hop in hops) != self.rank[node]:
            return None
        edges = graph._adj.get(node, {})  # of several changes at once, a later one may have taken it away
        several = any(self.choice[hop] or SEVERAL in edges.get(hop, ()) for hop in hops)
        if (len(hops) > 1 or several) != self.choice[node]:
            return None
        if tuple(hops) == self.hops[node]:
            return _NOTHING
        self.hops[node] = tuple(hops)
        return Affected(set(), {node})


_NOTHING = Affected(set(), set())


def _dijkstra(graph: nx.Graph, source: Node) -> tuple[dict[Node, int], dict[Node, list[Node]]]:
    """Distances from the source, and each node's neighbours on shortest paths, nearest nodes first."""
    distance, through = {source: 0}, {source: list[Node]()}
    at, heap = {0: [source]}, [0]
    adjacent, found = graph._adj, {}
    while heap:
        reached = heappop(heap)
        for node in at.pop(reached):
            if distance[node] != reached:
                continue  # there was a shorter way to it
            found[node] = through[node]
            for other, edge in adjacent[node].items():
                there = reached + edge["cost"]
                known = distance.get(other)
                if known is None or there < known:
                    distance[other], through[other] = there, [node]
                    if there in at:
                        at[there].append(other)
                    else:
                        at[there] = [other]
                        heappush(heap, there)
                elif there == known:
                    through[other].append(node)
    return distance, found


def _differences(old: Mapping[Node, object], new: Mapping[Node, object]) -> set[Node]:
    return set() if old == new else {node for node, _ in old.items() ^ new.items()}
