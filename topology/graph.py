"""Fabric graph: switches joined by wires, and by the underlays that they have in common.

Nodes are ids of switches, and a name for each underlay.  An edge's `cost` is that of the cheapest way
between its ends.
Nothing here knows rows or flows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import networkx as nx

Node = str  # the id of a switch, or an Underlay
SEVERAL = "several"  # attribute of an edge that several wires of the same cost make up
TO_UNDERLAY = 1  # cost; a tunnel crosses two such edges


class Underlay(str):
    """Underlay: an address family and an encapsulation that switches share."""

    __slots__ = ()

    @property
    def encapsulation(self) -> str:
        return self.rpartition("/")[2]


def underlay(family: str, encapsulation: str) -> Underlay:
    return Underlay(f"/{family}/{encapsulation}")  # no switch's id has a slash


class Wire(NamedTuple):
    """A wire between two ports, `one` < `other`, in both directions."""

    one: str
    one_port: int
    other: str
    other_port: int
    cost: int


class Fabric:
    """Graph of switches, wires and underlays."""

    def __init__(self) -> None:
        self.graph: nx.Graph = nx.Graph()
        self._wires: dict[tuple[str, str], set[Wire]] = {}
        self._ports: dict[tuple[str, str], tuple[int, ...]] = {}  # in either direction

    def connect(self, wire: Wire) -> None:
        self._wires.setdefault((wire.one, wire.other), set()).add(wire)
        self._join(wire.one, wire.other)

    def disconnect(self, wire: Wire) -> None:
        pair = (wire.one, wire.other)
        self._wires[pair].discard(wire)
        self._join(*pair)

    def enter(self, switch_id: str, underlay: Underlay) -> None:
        """Connect a switch to an underlay."""
        self.graph.add_edge(switch_id, underlay, cost=TO_UNDERLAY)

    def leave(self, switch_id: str, underlay: Underlay) -> None:
        self.graph.remove_edge(switch_id, underlay)
        self._prune(switch_id, underlay)

    def cost(self, one: Node, other: Node) -> int | None:
        """Cost of the edge between two nodes; None without one."""
        edge = self.graph.adj[one].get(other) if one in self.graph else None
        return None if edge is None else int(edge["cost"])

    def ports(self, here: str, there: str) -> tuple[int, ...]:
        """The ports of `here` by which it reaches its neighbour `there` at the edge's cost, in ascending order."""
        return self._ports[here, there]

    def _join(self, one: str, other: str) -> None:
        wires = self._wires[one, other]
        if wires:
            cost = min(wire.cost for wire in wires)
            best = [wire for wire in wires if wire.cost == cost]
            self._ports[one, other] = tuple(sorted(wire.one_port for wire in best))
            self._ports[other, one] = tuple(sorted(wire.other_port for wire in best))
            self.graph.add_edge(one, other, cost=cost)
            edge = self.graph.edges[one, other]
            if len(best) > 1:
                edge[SEVERAL] = True
            else:
                edge.pop(SEVERAL, None)
        else:
            del self._wires[one, other], self._ports[one, other], self._ports[other, one]
            self.graph.remove_edge(one, other)
            self._prune(one, other)

    def _prune(self, *nodes: Node) -> None:
        """Remove a node that has no edge left."""
        self.graph.remove_nodes_from([node for node in nodes if not self.graph.adj[node]])


def wire(ends: Iterable[tuple[str, int]], cost: int) -> Wire:
    """The wire between two ends (switch, port), whichever is named first."""
    (one, one_port), (other, other_port) = sorted(ends)
    return Wire(one, one_port, other, other_port, cost)
