"""Adjacency of networks: nodes that rows join, and for each node all that can be reached from it.

A node is the key of an object, ("network", id) or ("router", id).  A row joins nodes where its kind says so (`joins` in
`rows.base.row`): a router's interface, say, joins the router and the network.  Joining works both ways.
"""

from __future__ import annotations

from collections.abc import MutableMapping

from .layer import Layer
from .relation import Relation
from .rows.base import Node

Reached = frozenset[Node]


class Adjacency:
    """Undirected graph of nodes, with the connected component of each.

    A change costs as much as the component that it is in."""

    def __init__(self) -> None:
        self._edges: Relation[Node, Node] = Relation()  # in both directions
        self._reached: MutableMapping[Node, Reached] = {}  # of nodes with an edge

    @classmethod
    def over(cls, base: Adjacency) -> Adjacency:
        """A copy on write of `base`."""
        made = cls()
        made._edges, made._reached = Relation.over(base._edges), Layer(base._reached)
        return made

    def __bool__(self) -> bool:
        return bool(self._edges or self._reached)

    def reached(self, node: Node) -> Reached:
        """The node's connected component."""
        return self._reached.get(node) or frozenset((node,))

    def join(self, one: Node, other: Node) -> dict[Node, Reached]:
        """Count an edge once more; the components before, by node, of the nodes whose component grew."""
        self._edges.add(other, one)
        if not self._edges.add(one, other) or other in self.reached(one):
            return {}
        before = {node: self.reached(node) for node in self.reached(one) | self.reached(other)}
        whole = frozenset(before)
        self._reached.update(dict.fromkeys(before, whole))
        return before

    def part(self, one: Node, other: Node) -> dict[Node, Reached]:
        """Count an edge once less; the components before, by node, of the nodes whose component shrank."""
        self._edges.remove(other, one)
        if not self._edges.remove(one, other):
            return {}
        here = self._walk(one)
        if other in here:
            return {}
        before = {node: self._reached[node] for node in self._reached[one]}
        for part in (here, frozenset(before) - here):
            for node in part:
                if len(part) > 1:
                    self._reached[node] = part
                else:
                    del self._reached[node]
        return before

    def _walk(self, start: Node) -> Reached:
        found, todo = {start}, [start]
        while todo:
            for node in self._edges.of(todo.pop()):
                if node not in found:
                    found.add(node)
                    todo.append(node)
        return frozenset(found)
