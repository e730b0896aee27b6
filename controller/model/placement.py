"""Port bindings: the VIF that each port is bound to, and what follows from all bindings together.

The relations here are what many flows need to know ("which switches hold this network?") in a form that changes only
when the answer does: the hundredth port of a network on a switch changes none of them but the port's own block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import NamedTuple

from .adjacency import Adjacency
from .layer import Layer
from .relation import Relation
from .rows import Interface, Network, Port, Switch
from .rows.base import Node

HOSTS = "hosts"  # the one key of `Placement.serving`
BLOCK = 64  # ports or switches that share one flood flow: bounds the length of a flow and the cost of one more member


class FloodCopy(NamedTuple):
    """A port as copies of a flood need it: `security_groups` filter it where it is `filtered`, else there are none."""

    port_key: int
    filtered: bool
    security_groups: tuple[str, ...]
    learns: bool


class PortLocation(NamedTuple):
    """A bound port that takes part in its network (its admin state and its network's are up)."""

    switch_id: str
    network_id: str
    copy: FloodCopy

    @property
    def block(self) -> int:
        return self.copy.port_key // BLOCK


class Placement:
    """Bindings of ports to interfaces, and the relations that apps read.  Changed by the model only."""

    def __init__(self) -> None:
        self.bindings: MutableMapping[str, Interface] = {}  # port id -> interface, whatever the admin state
        self._locations: MutableMapping[str, PortLocation] = {}
        self.networks: Relation[str, str] = Relation()  # switch -> networks that have a port on it
        self.anchors: Relation[str, Node] = Relation()  # switch -> nodes that it is to reach without ports there
        self.floating: MutableMapping[str, tuple[str, Node]] = {}  # floating IP -> its anchor, where it has one
        self.floating_at: Relation[str, str] = (
            Relation()
        )  # switch -> floating IPs that it translates for ports of its own
        self.leaving: Relation[str, str] = Relation()  # external network -> routers that have a gateway there
        self.adjacency = Adjacency()
        self.reachable: Relation[str, Node] = Relation()  # switch -> components of its networks and anchors
        self.held: Relation[Node, str] = Relation()  # its inverse: network -> switches that need its flows
        self.span: Relation[str, str] = Relation()  # network -> switches that hold a port of it
        self.present: Relation[Node, str] = Relation()  # node -> switches with a port there, or anchored to it
        self.learners: Relation[str, str] = Relation()  # network -> switches that hold a learning port of it
        self.peers: Relation[str, str] = Relation()  # switches of which one is present in a network that both reach
        self.watched: Relation[str, str] = Relation()  # as `peers`, of routers: one may be a gateway of such a router
        self.blocks: Relation[tuple[str, str], int] = Relation()  # (switch, network) -> blocks of its ports
        self.learner_blocks: Relation[tuple[str, str], int] = Relation()
        self.members: Relation[tuple[str, str, int], str] = Relation()  # (switch, network, block) -> ports
        self.copies: Relation[tuple[str, str, int], FloodCopy] = Relation()  # as `members`
        self.filtered_blocks: Relation[tuple[str, str], int] = Relation()  # as `blocks`, of ports with a filter
        self.groups: Relation[str, str] = Relation()  # switch -> security groups of the filtered ports on it
        self.filtering: Relation[str, str] = Relation()  # security group -> switches with such ports
        self.serving: Relation[str, str] = Relation()  # HOSTS -> switches that instances of every network are led to

    @classmethod
    def over(cls, base: Placement) -> Placement:
        """A copy on write of `base`."""
        made = cls()
        for name, held in vars(base).items():
            if isinstance(held, Adjacency):
                made.adjacency = Adjacency.over(held)
            else:
                setattr(made, name, Relation.over(held) if isinstance(held, Relation) else Layer(held))
        return made

    def __bool__(self) -> bool:
        """Whether it holds anything: a binding, or a relation that should have gone with one."""
        return any(map(bool, vars(self).values()))

    def location(self, port_id: str) -> PortLocation | None:
        return self._locations.get(port_id)

    def settle(
        self,
        port_id: str,
        port: Port | None,
        network: Network | None,
        interface: Interface | None,
    ) -> Iterable[tuple[object, ...]]:
        """Update one port's binding and location; yield each dependency that changed."""
        before = self.bindings.get(port_id)
        if interface is None:
            self.bindings.pop(port_id, None)
        else:
            self.bindings[port_id] = interface
        if before != interface:
            yield "binding", port_id
        old, new = self._locations.get(port_id), _location(port, network, interface)
        if old == new:
            return
        if new is not None:
            self._locations[port_id] = new
            yield from self._enter(port_id, new)
            yield from self._filter(new)
        else:
            del self._locations[port_id]
        if old is not None:
            yield from self._leave(port_id, old)
            yield from self._unfilter(old)

    def _enter(self, port_id: str, location: PortLocation) -> Iterable[tuple[object, ...]]:
        switch_id, network_id, copy = location
        here, block, learning = (switch_id, network_id), location.block, copy.learns
        if self.members.add((*here, block), port_id):
            yield "members", *here, block
        if self.copies.add((*here, block), copy):
            yield "copies", *here, block
        if self.blocks.add(here, block):
            yield "blocks", *here
        if learning:
            if self.learner_blocks.add(here, block):
                yield "learner_blocks", *here
            if self.learners.add(network_id, switch_id):
                yield "learners", network_id
        if not self.receives(switch_id):
            yield from self._receive(switch_id, Relation.add)
        if self.networks.add(switch_id, network_id):
            yield "span", network_id
            self.span.add(network_id, switch_id)
            yield from self._appear(switch_id, ("network", network_id))

    def _leave(self, port_id: str, location: PortLocation) -> Iterable[tuple[object, ...]]:
        switch_id, network_id, copy = location
        here, block, learning = (switch_id, network_id), location.block, copy.learns
        if self.members.remove((*here, block), port_id):
            yield "members", *here, block
        if self.copies.remove((*here, block), copy):
            yield "copies", *here, block
        if self.blocks.remove(here, block):
            yield "blocks", *here
        if learning:
            if self.learner_blocks.remove(here, block):
                yield "learner_blocks", *here
            if self.learners.remove(network_id, switch_id):
                yield "learners", network_id
        if self.networks.remove(switch_id, network_id):
            yield "span", network_id
            self.span.remove(network_id, switch_id)
            yield from self._vanish(switch_id, ("network", network_id))
            if not self.receives(switch_id):
                yield from self._receive(switch_id, Relation.remove)

    # --- filters ---

    def _filter(self, location: PortLocation) -> Iterable[tuple[object, ...]]:
        switch_id, network_id, copy = location
        if copy.filtered and self.filtered_blocks.add((switch_id, network_id), location.block):
            yield "filtered_blocks", switch_id, network_id
        for group_id in copy.security_groups:
            self.filtering.add(group_id, switch_id)
            if self.groups.add(switch_id, group_id):
                yield "groups", switch_id

    def _unfilter(self, location: PortLocation) -> Iterable[tuple[object, ...]]:
        switch_id, network_id, copy = location
        if copy.filtered and self.filtered_blocks.remove((switch_id, network_id), location.block):
            yield "filtered_blocks", switch_id, network_id
        for group_id in copy.security_groups:
            self.filtering.remove(group_id, switch_id)
            if self.groups.remove(switch_id, group_id):
                yield "groups", switch_id

    # --- reachability over routers ---

    def routed(self, network_id: str) -> bool:
        """Whether a router has an interface or a gateway in the network."""
        return self.leaving.has(network_id) or len(self.adjacency.reached(("network", network_id))) > 1

    def join(self, one: Node, other: Node) -> Iterable[tuple[object, ...]]:
        """Add an edge between two nodes; yield the dependencies that changed."""
        yield from self._follow(self.adjacency.join(one, other))

    def part(self, one: Node, other: Node) -> Iterable[tuple[object, ...]]:
        """Remove an edge between two nodes; yield the dependencies that changed."""
        yield from self._follow(self.adjacency.part(one, other))

    def anchor(self, switch_id: str, node: Node) -> Iterable[tuple[object, ...]]:
        """Have a switch reach a node, and all that routers join to it, although no port of the switch is there; yield
        the dependencies that changed.
        """
        if not self.receives(switch_id):
            yield from self._receive(switch_id, Relation.add)
        if self.anchors.add(switch_id, node):
            yield "anchors", switch_id
            yield from self._appear(switch_id, node)

    def unanchor(self, switch_id: str, node: Node) -> Iterable[tuple[object, ...]]:
        """Take one `anchor` back; yield the dependencies that changed."""
        if self.anchors.remove(switch_id, node):
            yield "anchors", switch_id
            yield from self._vanish(switch_id, node)
            if not self.receives(switch_id):
                yield from self._receive(switch_id, Relation.remove)

    def float(self, floating_id: str, anchor: tuple[str, Node] | None) -> Iterable[tuple[object, ...]]:
        """Anchor the switch where a floating IP is translated to its network; yield the dependencies that changed."""
        before = self.floating.get(floating_id)
        if before == anchor:
            return
        if anchor is not None:
            self.floating[floating_id] = anchor
            self.floating_at.add(anchor[0], floating_id)
            yield "floating_at", anchor[0]
            yield from self.anchor(*anchor)
        else:
            del self.floating[floating_id]
        if before is not None:
            self.floating_at.remove(before[0], floating_id)
            yield "floating_at", before[0]
            yield from self.unanchor(*before)

    def leave_by(self, router_id: str, before: set[str], after: set[str]) -> Iterable[tuple[object, ...]]:
        """Note the external networks that a router has gateways in; yield the dependencies that changed."""
        for network_id in sorted(after - before):
            if not self.leaving.has(network_id):
                yield "routed", network_id
            self.leaving.add(network_id, router_id)
            yield "leaving", network_id
        for network_id in sorted(before - after):
            self.leaving.remove(network_id, router_id)
            yield "leaving", network_id
            if not self.leaving.has(network_id):
                yield "routed", network_id

    def receives(self, switch_id: str) -> bool:
        """Whether frames may be for the switch: it has a port, is a gateway, or a service host."""
        return self.networks.has(switch_id) or self.anchors.has(switch_id) or self.serving.holds(HOSTS, switch_id)

    # --- service hosts ---

    def serve(self, switch_id: str) -> Iterable[tuple[object, ...]]:
        """Have a switch be a peer of all that have ports; yield the dependencies that changed."""
        if not self.receives(switch_id):
            yield from self._receive(switch_id, Relation.add)
        self.serving.add(HOSTS, switch_id)
        yield from self._pair(switch_id, self._receivers(), Relation.add)

    def serve_no_more(self, switch_id: str) -> Iterable[tuple[object, ...]]:
        """Take `serve` back; yield the dependencies that changed."""
        yield from self._pair(switch_id, self._receivers(), Relation.remove)
        self.serving.remove(HOSTS, switch_id)
        if not self.receives(switch_id):
            yield from self._receive(switch_id, Relation.remove)

    def _receivers(self) -> set[str]:
        return {*self.networks.keys(), *self.anchors.keys(), *self.serving.of(HOSTS)}

    def _receive(
        self, switch_id: str, change: Callable[[Relation[str, str], str, str], bool]
    ) -> Iterable[tuple[object, ...]]:
        """Note that frames may be for a switch from now on, or no more: service hosts are its peers then."""
        yield "receives", switch_id
        yield from self._pair(switch_id, self.serving.of(HOSTS), change)

    def _pair(
        self, switch_id: str, others: Iterable[str], change: Callable[[Relation[str, str], str, str], bool]
    ) -> Iterable[tuple[object, ...]]:
        """Count a switch and others once more, or once less, as peers."""
        for other in sorted(others):
            if other != switch_id:
                if change(self.peers, switch_id, other):
                    yield "peers", switch_id
                if change(self.peers, other, switch_id):
                    yield "peers", other

    def _appear(self, switch_id: str, node: Node) -> Iterable[tuple[object, ...]]:
        """Count one more reason for which a switch is present at a node."""
        if not self.present.holds(node, switch_id):
            yield from self._meet(switch_id, node, self._newly(switch_id, node), Relation.add)
        self.present.add(node, switch_id)
        for reached in sorted(self.adjacency.reached(node)):
            yield from self._reach(switch_id, reached)

    def _vanish(self, switch_id: str, node: Node) -> Iterable[tuple[object, ...]]:
        for reached in sorted(self.adjacency.reached(node)):
            yield from self._unreach(switch_id, reached)
        if self.present.remove(node, switch_id):
            yield from self._meet(switch_id, node, self._newly(switch_id, node), Relation.remove)

    def _follow(self, before: Mapping[Node, frozenset[Node]]) -> Iterable[tuple[object, ...]]:
        for node, was in sorted(before.items()):
            now = self.adjacency.reached(node)
            if node[0] == "network" and (len(was) > 1) != (len(now) > 1):
                yield "routed", node[1]
            for switch_id, times in self.present.counted(node):
                for _ in range(times):
                    for reached in sorted(now - was):
                        yield from self._reach(switch_id, reached)
                    for reached in sorted(was - now):
                        yield from self._unreach(switch_id, reached)

    def _reach(self, switch_id: str, node: Node) -> Iterable[tuple[object, ...]]:
        if self.reachable.add(switch_id, node):
            self.held.add(node, switch_id)
            yield "reachable", switch_id
            yield from self._meet(switch_id, node, self._others(switch_id, node), Relation.add)

    def _unreach(self, switch_id: str, node: Node) -> Iterable[tuple[object, ...]]:
        if self.reachable.remove(switch_id, node):
            self.held.remove(node, switch_id)
            yield "reachable", switch_id
            yield from self._meet(switch_id, node, self._others(switch_id, node), Relation.remove)

    def _newly(self, switch_id: str, node: Node) -> list[str]:
        """Switches that meet this one because it is present at a node, beside those that do as it reaches the node."""
        if not self.held.holds(node, switch_id):
            return self.held.of(node)
        return [other for other in self.held.of(node) if not self.present.holds(node, other)]

    def _others(self, switch_id: str, node: Node) -> list[str]:
        """Switches that are present at a node that this one reaches without being present there."""
        return [] if self.present.holds(node, switch_id) else self.present.of(node)

    def _meet(
        self,
        switch_id: str,
        node: Node,
        others: Iterable[str],
        change: Callable[[Relation[str, str], str, str], bool],
    ) -> Iterable[tuple[object, ...]]:
        """Count a switch and others once more, or once less, as peers by a network, or as watching each other by a
        router.
        """
        name, relation = ("peers", self.peers) if node[0] == "network" else ("watched", self.watched)
        for other in others:
            if other != switch_id:
                if change(relation, switch_id, other):
                    yield name, switch_id
                if change(relation, other, switch_id):
                    yield name, other


def _location(port: Port | None, network: Network | None, interface: Interface | None) -> PortLocation | None:
    if port is None or network is None or interface is None:
        return None
    if not (port.admin_state_up and network.admin_state_up):
        return None
    groups = port.security_groups or () if port.filtered else ()
    return PortLocation(
        interface.switch_id, network.id, FloodCopy(interface.port_key, port.filtered, groups, port.learns)
    )


def choose(port: Port, candidates: Iterable[Interface], switches: Mapping[str, Switch]) -> Interface | None:
    """The interface that `port` is bound to, of those that carry its VIF's name; the same in every process.

    An interface counts only on a known switch and, where the port names a host, only there.  Of several the newest is
    the one: a VM that was started anew elsewhere is not on the host that died with the old one plugged in.
    """
    best: Interface | None = None
    for interface in candidates:
        switch = switches.get(interface.switch_id)
        if switch is None or (port.host and port.host not in (switch.host, switch.id)):
            continue
        if best is None or (-interface.since, interface.row_id) < (-best.since, best.row_id):
            best = interface
    return best
