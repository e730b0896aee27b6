"""Routes between switches, as apps read them: next hops over links and over underlays that switches have in common.

The relations here change only when their answer does; `settle` names the dependencies that changed.  A tree of shortest
paths (topology/paths.py) is computed when a route to its destination is first asked for, and kept current from then on.
What was answered is kept, too, so that only those are told of a change whose route is another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from topology.graph import Fabric, Node, Underlay, Wire, underlay, wire
from topology.paths import Affected, Tree

from .rows import Link, Row, Switch

HIGHEST_RANK = 254  # it travels in eight bits


class NextHop(NamedTuple):
    """A neighbour on the way: `switch_id`, by port `port`, or (0) through a tunnel of encapsulation `tunnel`."""

    switch_id: str
    port: int = 0
    tunnel: str = ""


class Route(NamedTuple):
    """Next hops of one switch towards another.

    `rank`, `choice`: see `paths.Tree`.  `next_hops`: those on shortest paths.  `backup`: the backup next hop for when
    the only one is down; `non_decreasing`: the backup's rank is not lower, so a frame may take such a one only once.
    """

    rank: int
    choice: bool
    next_hops: tuple[NextHop, ...]
    backup: NextHop | None = None
    non_decreasing: bool = False


class _Change(NamedTuple):
    one: Node
    other: Node
    before: int | None
    now: int | None


class Routes:
    """Shortest paths over wires and underlays.  Changed by the model only: `change` for each row, then `settle`."""

    def __init__(self) -> None:
        self._fabric = Fabric()
        self._links: dict[tuple[str, int], Link] = {}
        self._switches: dict[str, frozenset[Underlay]] = {}
        self._wires: dict[tuple[str, int], Wire] = {}  # wires by each of their ends
        self._wired: dict[str, set[int]] = {}  # switch -> its link ports
        self._trees: dict[str, Tree] = {}
        self._told: dict[str, dict[str, Route | None]] = {}  # destination -> source -> the route that was read
        self._next_hops: dict[str, dict[tuple[Node, ...], tuple[NextHop, ...]]] = {}  # of a switch by neighbours
        self._changes: list[_Change] = []
        self._touched: set[tuple[object, ...]] = set()
        self._gone: set[str] = set()  # switches, since the last `settle`

    # --- reading ---

    def link_ports(self, switch_id: str) -> list[int]:
        return sorted(self._wired.get(switch_id, ()))

    @property
    def wired(self) -> bool:
        """Whether any wire is used."""
        return bool(self._wired)

    def switches(self) -> list[str]:
        """Switches between which labelled frames travel; none without wires."""
        return sorted(node for node in self._fabric.graph if not isinstance(node, Underlay)) if self._wired else []

    def relays(self, switch_id: str) -> list[str]:
        """Switches from whose tunnels labelled frames are accepted: one end has wires, both share the underlay."""
        underlays = self._switches.get(switch_id, frozenset())
        if not underlays or not self._wired:
            return []
        others = {node for underlay in underlays for node in self._fabric.graph.adj[underlay]} - {switch_id}
        return sorted(others if switch_id in self._wired else others & self._wired.keys())

    def route(self, here: str, destination: str) -> Route | None:
        told = self._told.get(destination)
        if told is None:
            told = self._told[destination] = {}
            self._trees[destination] = Tree(self._fabric.graph, destination)
        try:
            return told[here]
        except KeyError:
            route = told[here] = self._route(here, self._trees[destination])
            return route

    def _route(self, here: str, tree: Tree) -> Route | None:
        rank = tree.rank.get(here, 1)
        if not 1 < rank <= HIGHEST_RANK:
            return None
        hops = tree.hops[here]
        known = self._next_hops.setdefault(here, {})
        next_hops = known.get(hops)
        if next_hops is None:
            next_hops = tuple([one for hop in hops for one in self._by(here, hop, tree)])
            if not any(isinstance(hop, Underlay) for hop in hops):
                known[hops] = next_hops
        if len(next_hops) > 1:
            return Route(rank, True, next_hops)
        backup, non_decreasing = self._backup(here, next_hops[0], tree)
        return Route(rank, tree.choice[here], next_hops, backup, non_decreasing)

    def _by(self, here: str, hop: Node, tree: Tree) -> list[NextHop]:
        if isinstance(hop, Underlay):
            return [NextHop(beyond, 0, hop.encapsulation) for beyond in tree.hops[hop]]
        return [NextHop(hop, port) for port in self._fabric.ports(here, hop)]

    def _backup(self, here: str, hop_used: NextHop, tree: Tree) -> tuple[NextHop | None, bool]:
        """Backup next hop: a neighbour of lower rank, else a loop-free alternate (RFC 5286)."""
        distance, rank = tree.distance, tree.rank
        mine, lower, best = distance[here], rank[here], None
        for hop, edge in self._fabric.graph._adj[here].items():
            there = distance[hop]  # a neighbour of a switch with a route has one, too
            non_decreasing = rank[hop] >= lower
            if (
                hop == hop_used.switch_id
                or (non_decreasing and there >= edge["cost"] + mine)
                or isinstance(hop, Underlay)
            ):
                continue
            found = (non_decreasing, there, hop)
            if best is None or found < best:
                best = found
        if best is None:
            return None, False
        return NextHop(best[2], self._fabric.ports(here, best[2])[0]), best[0]

    # --- changing ---

    def change(self, old: Row | None, new: Row | None) -> None:
        if isinstance(old, Link) or isinstance(new, Link):
            assert not isinstance(old, Switch) and not isinstance(new, Switch)
            self._change_link(old, new)  # type: ignore[arg-type]
        elif isinstance(old, Switch) or isinstance(new, Switch):
            self._change_switch(old, new)  # type: ignore[arg-type]

    def _change_link(self, old: Link | None, new: Link | None) -> None:
        row = new or old
        assert row is not None
        place, affected = row.place, {row.place}
        if old is not None:
            affected.add((old.far_switch_id, old.far_ofport))
            del self._links[place]
        if new is not None:
            affected.add((new.far_switch_id, new.far_ofport))
            self._links[place] = new
        for end in affected:
            self._rewire(end)

    def _change_switch(self, old: Switch | None, new: Switch | None) -> None:
        row = new or old
        assert row is not None
        switch_id = row.id
        before, now = _underlays(old), _underlays(new)
        if new is None:
            self._switches.pop(switch_id, None)
            self._gone.add(switch_id)
        else:
            self._switches[switch_id] = now
        for left in before - now:
            self._record(switch_id, left, partial(self._fabric.leave, switch_id, left))
        for entered in now - before:
            self._record(switch_id, entered, partial(self._fabric.enter, switch_id, entered))
        if before != now:
            self._touched.add(("relays",))
        if (old is None) != (new is None):
            for end in [end for end, link in self._links.items() if switch_id in (end[0], link.far_switch_id)]:
                self._rewire(end)

    def _rewire(self, end: tuple[str, int]) -> None:
        """Update the wire at one end from its links."""
        now = self._wire(end)
        ends = (end,) if now is None else _ends(now)
        for former in {self._wires.get(each) for each in ends} - {None, now}:  # the far end may have had another wire
            assert former is not None
            self._record(former.one, former.other, partial(self._fabric.disconnect, former))
            for switch_id, port in _ends(former):
                self._unplug(switch_id, port)
        if now is not None and end not in self._wires:
            self._record(now.one, now.other, partial(self._fabric.connect, now))
            for switch_id, port in _ends(now):
                self._wires[switch_id, port] = now
                self._plug(switch_id, port)

    def _plug(self, switch_id: str, port: int) -> None:
        ports = self._wired.get(switch_id)
        if ports is None:
            self._touched.update([("relays",)] if self._wired else [("relays",), ("fabric",)])
            ports = self._wired[switch_id] = set()
        ports.add(port)
        self._touched.add(("link_ports", switch_id))

    def _unplug(self, switch_id: str, port: int) -> None:
        del self._wires[switch_id, port]
        self._wired[switch_id].discard(port)
        if not self._wired[switch_id]:
            del self._wired[switch_id]
            self._touched.update([("relays",)] if self._wired else [("relays",), ("fabric",)])
        self._touched.add(("link_ports", switch_id))

    def _wire(self, end: tuple[str, int]) -> Wire | None:
        """The wire at an end, if both of its rows are up and name each other."""
        near = self._links.get(end)
        if near is None:
            return None
        far_end = (near.far_switch_id, near.far_ofport)
        far = self._links.get(far_end)
        if far is None or (far.far_switch_id, far.far_ofport) != end or near.state != "up" or far.state != "up":
            return None
        if end[0] == far_end[0] or end[0] not in self._switches or far_end[0] not in self._switches:
            return None
        return wire((end, far_end), max(1, near.cost, far.cost))

    def _record(self, one: Node, other: Node, act: Callable[[], None]) -> None:
        """Change an edge and record its value before and after."""
        nodes = len(self._fabric.graph)
        before = self._fabric.cost(one, other)
        act()
        self._changes.append(_Change(one, other, before, self._fabric.cost(one, other)))
        self._next_hops.clear()
        if len(self._fabric.graph) != nodes:
            self._touched.add(("fabric",))

    def settle(self) -> Iterable[tuple[object, ...]]:
        """Update every shortest-path tree; the dependencies that changed since the last call."""
        touched, self._touched = self._touched, set()
        changes, self._changes = self._changes, []
        if changes:
            ends = {node for change in changes for node in (change.one, change.other)}
            for destination, tree in self._trees.items():
                suspects = ends | self._around(self._affected(tree, changes))
                touched.update(("route", here, destination) for here in self._renew(tree, suspects))
        self._forget()
        return touched

    def _renew(self, tree: Tree, suspects: set[Node]) -> list[str]:
        """Recompute the routes that were read; the switches whose route changed."""
        told, others = self._told[tree.destination], []
        for here in suspects & told.keys():
            route = self._route(here, tree)
            if route != told[here]:
                told[here] = route
                others.append(here)
        return others

    def _forget(self) -> None:
        """Drop what is kept of switches that are gone."""
        gone, self._gone = self._gone - self._switches.keys(), set()
        for switch_id in gone:
            self._told.pop(switch_id, None)
            self._trees.pop(switch_id, None)
            for told in self._told.values():
                told.pop(switch_id, None)

    def _affected(self, tree: Tree, changes: list[_Change]) -> Affected:
        graph = self._fabric.graph
        moved: set[Node] = set()
        turned: set[Node] = set()
        for change in changes:
            affected = tree.changed(graph, *change)
            if affected is None:
                affected = tree.compute(graph)
                return Affected(moved | affected.moved, turned | affected.turned)
            moved |= affected.moved
            turned |= affected.turned
        return Affected(moved, turned)

    def _around(self, affected: Affected) -> set[Node]:
        """Switches whose route may have changed: backups depend on the distances of neighbours, next hops through an
        underlay on the switches that share it.
        """
        adjacent = self._fabric.graph._adj
        around = affected.moved | affected.turned
        for node in [*affected.moved, *(node for node in affected.turned if isinstance(node, Underlay))]:
            around.update(adjacent.get(node, ()))
        return around


def _underlays(switch: Switch | None) -> frozenset[Underlay]:
    if switch is None or not switch.encap_ip:
        return frozenset()
    family = "ipv6" if ":" in switch.encap_ip else "ipv4"
    return frozenset(underlay(family, tunnel.type) for tunnel in switch.tunnels)


def _ends(wire: Wire) -> tuple[tuple[str, int], tuple[str, int]]:
    return (wire.one, wire.one_port), (wire.other, wire.other_port)
