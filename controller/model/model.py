"""In-memory replica of the store.  It changes only by `apply`, in the order of the change feed.

`apply` answers with the dependency keys that changed, in the forms that `reader.Reader` records:
(kind, id), (kind, id, attribute), (kind, index, value) and those of `placement`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableMapping
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar, cast

from sortedcontainers import SortedList  # type: ignore[import-untyped]

from controller.model.mtu import Room

from .group_members import GroupMembers
from .index import Index
from .meeting import meets
from .placement import Placement, choose
from .routes import Routes
from .routing import is_served
from .rows import (
    KINDS,
    FloatingIp,
    GatewayRanking,
    Interface,
    Link,
    MetadataHost,
    Network,
    Port,
    Router,
    RouterInterface,
    Row,
    Standard,
    SubnetPool,
    Switch,
)
from .rows.base import ATTRIBUTES, FLOWLESS, JOINS, Node
from .rows.gateways import anchors
from .rows.metadata import VIF as METADATA_VIF
from .scope_ranges import ScopeRanges
from .slots import PREFIXES as SLOTS
from .slots import Slots

MANY = 1_000  # ids that are quickly sorted; if it is most of a kind, more are picked out of all in order
_FIRST = itemgetter(0)
R = TypeVar("R", bound=Row)
Dependency = tuple[object, ...]
Anchor = tuple[str, Node]  # a switch, and what it is to reach without ports there


class Applied(NamedTuple):
    """One row as the feed gave it: a `Row`, the owner's key for a `taken/` key, or None when it was deleted."""

    revision: int
    key: str
    row: Row | str | None


class Model:
    def __init__(self) -> None:
        self.revision = 0
        self.content = 0  # revision of the last row that may affect flows
        self.revisions: dict[str, int] = {}  # key -> revision, for every key
        self.taken: dict[str, str] = {}  # reservation key -> key of the row that holds it
        self.placement = Placement()
        self.group_members = GroupMembers()
        self.routes = Routes()
        self.slots = Slots()
        self.room = Room()
        self.scopes = ScopeRanges()
        self.reach_changes = 0  # how often a switch or a wire changed, or which switches hold ports of some network
        self.placed: dict[str, int] = {}  # port id -> revision at which its place last changed
        self._rows: dict[type[Row], MutableMapping[str, Row]] = {kind: {} for kind in KINDS.values()}
        self._index = Index()
        self._order: dict[type[Row], Any] = {}  # ids in order, of the kinds that were ever asked for so

    # --- reading ---

    def get(self, kind: type[R], row_id: str) -> R | None:
        return self._rows[kind].get(row_id)  # type: ignore[return-value]  # of this kind are all rows there

    def rows(self, kind: type[R]) -> Mapping[str, R]:
        """Rows of a kind by id, live: not to be kept across a wait."""
        return cast("Mapping[str, R]", self._rows[kind])

    def ordered(self, kind: type[R], start: str = "", *, reverse: bool = False) -> Iterator[R]:
        """Rows of a kind in the order of their ids after `start`, or backwards; not to be kept across a wait."""
        rows = self._rows[kind]
        order = self._ordered_ids(kind)
        ids = (order.irange(None, start or None, (True, False), reverse=True) if reverse
               else order.irange(start or None, None, (False, True)))  # fmt: skip
        return (cast("R", rows[row_id]) for row_id in ids)

    def snapshot(self, kind: type[R]) -> list[R]:
        """Rows of a kind in the order of their ids, as a copy that may be kept across a wait."""
        order = self._ordered_ids(kind)
        return cast("list[R]", list(map(self._rows[kind].__getitem__, order)))

    def order(self) -> None:
        """Put the ids of all kinds in order, once: afterwards they are kept so."""
        for kind in self._rows:
            self._ordered_ids(kind)

    def _ordered_ids(self, kind: type[Row]) -> Any:
        order = self._order.get(kind)
        if order is None:
            order = self._order[kind] = SortedList(self._rows[kind])
        return order

    def find(self, kind: type[R], index: str, value: object) -> list[R]:
        """Rows of a kind by one of its indexes or lookups, in the order of their ids."""
        ids = self._index.some(kind, index, value)
        if len(ids) < 2:
            rows = self._rows[kind]
            return [rows[row_id] for row_id in ids]  # type: ignore[misc]  # of this kind are all rows there
        order = self._order.get(kind)
        if len(ids) > MANY and order is not None and len(ids) > len(order) // 8:
            found = [row_id for row_id in order if row_id in ids]  # faster than sorting
        else:
            found = sorted(ids)
        return cast("list[R]", list(map(self._rows[kind].__getitem__, found)))

    def count(self, kind: type[Row], index: str, value: object) -> int:
        return self._index.count(kind, index, value)

    def values(self, kind: type[Row], index: str) -> Collection[object]:
        """Distinct values of an index or lookup."""
        return self._index.values(kind, index)

    def revision_of(self, row: Standard) -> int:
        """The object's own revision number: it grows by one with each commit that writes the row.

        A row that a former version wrote has none.  Its number is the store's revision, as that version showed it: more
        than it was ever shown with, so that numbers never fall.
        """
        return row.revision or self.revisions.get(row.key, 0)

    # --- changing ---

    def apply(self, changes: Iterable[Applied]) -> set[Dependency]:
        """Apply whole commits; the dependencies that changed."""
        touched: set[Dependency] = set()
        unsettled: set[str] = set()
        floating: set[str] = set()  # floating IPs whose place may have changed
        for revision, key, row in changes:
            self.revision = revision
            name, _, row_id = key.partition("/")
            if revision > self.content and KINDS.get(name) not in FLOWLESS:
                self.content = revision
            if row is None:
                self.revisions.pop(key, None)
            else:
                self.revisions[key] = revision
            if name == "taken":
                if key.startswith(SLOTS):
                    self.slots.put(key, self.taken.get(key), cast("str | None", row))
                if row is None:
                    self.taken.pop(key, None)
                else:
                    self.taken[key] = cast("str", row)
                continue
            kind = KINDS[name]
            if isinstance(row, Row):
                row_id = row.row_id  # the row's own text where it is one, so that it is kept once
            unsettled.update(self._put(kind, row_id, cast("Row | None", row), touched))
            if kind in FLOATING:
                floating.update(self._floating_of(kind, row_id))
        for port_id in unsettled:
            moved = list(self._settle(port_id))
            touched.update(moved)
            self.reach_changes += "span" in map(_FIRST, moved)
            if port_id not in self._rows[Port]:
                self.placed.pop(port_id, None)
            elif moved:
                self.placed[port_id] = self.content
            floating.update(self._floating_of_port(port_id))
        for floating_id in floating:
            touched.update(self._float(floating_id))
        touched.update(self.routes.settle())
        return touched

    def _put(self, kind: type[Row], row_id: str, new: Row | None, touched: set[Dependency]) -> Iterator[str]:
        """Store one row; the ids of the ports whose placement may have changed."""
        rows = self._rows[kind]
        old = rows.get(row_id)
        if old == new:
            return
        if old is not None and kind in PLACES:
            yield from PLACES[kind](self, old)
        self._derive(kind, old, new)
        if kind is Port:
            touched.update(self.group_members.change(cast("Port | None", old), cast("Port | None", new)))
        if kind in JOINS:
            self._join(kind, old, new, touched)
        if kind is Port:
            touched.update(_addressed(cast("Port | None", old), cast("Port | None", new)))
        if kind is Router or kind is GatewayRanking:
            self._anchor(self._anchors(kind, row_id, old), self._anchors(kind, row_id, new), touched)
        if kind is Router:
            self._leave(row_id, _external(old), _external(new), touched)
        if kind is MetadataHost and (old is None or new is None):
            touched.update(self.placement.serve(row_id) if old is None else self.placement.serve_no_more(row_id))
        touched.add((kind, row_id))
        for name in ATTRIBUTES[kind]:
            if getattr(old, name, None) != getattr(new, name, None):
                touched.add((kind, row_id, name))
        touched.update(self._index.put(kind, row_id, old, new))
        if kind in self._order and (old is None or new is None):
            (self._order[kind].add if old is None else self._order[kind].remove)(row_id)
        if new is None:
            del rows[row_id]
        else:
            rows[row_id] = new
            if kind in PLACES:
                yield from PLACES[kind](self, new)

    def _derive(self, kind: type[Row], old: Row | None, new: Row | None) -> None:
        """Update what is derived from rows, except for placement."""
        if kind in ROUTED:
            self.reach_changes += 1
            self.routes.change(old, new)
        if kind is Switch:
            self.room.change(cast("Switch | None", old), cast("Switch | None", new))
        if kind is SubnetPool:
            self.scopes.change(cast("SubnetPool | None", old), cast("SubnetPool | None", new))

    def _join(self, kind: type[Row], old: Row | None, new: Row | None, touched: set[Dependency]) -> None:
        """Update the edges of the adjacency that a row declares."""
        before = set() if old is None else set(JOINS[kind](old))
        after = set() if new is None else set(JOINS[kind](new))
        for pair in sorted(after - before):
            touched.update(self.placement.join(*pair))
        for pair in sorted(before - after):
            touched.update(self.placement.part(*pair))

    def _anchors(self, kind: type[Row], row_id: str, row: Row | None) -> set[Anchor]:
        """Anchors of a router's gateways, given its row or that of its ranking."""
        if kind is Router:
            return anchors(cast("Router | None", row), self.get(GatewayRanking, row_id))
        return anchors(self.get(Router, row_id), cast("GatewayRanking | None", row))

    def _anchor(self, before: set[Anchor], after: set[Anchor], touched: set[Dependency]) -> None:
        for each in sorted(after - before):
            touched.update(self.placement.anchor(*each))
        for each in sorted(before - after):
            touched.update(self.placement.unanchor(*each))

    def _settle(self, port_id: str) -> Iterable[Dependency]:
        port = self.get(Port, port_id)
        network = None if port is None else self.get(Network, port.network_id)
        interface = None
        there = self.find(Interface, "vif", port.vif) if port is not None and _plugs(port.vif) else []
        if port is not None and there and not is_served(self, port):  # whatever a host says of such a port
            interface = choose(port, there, self.rows(Switch))
        return self.placement.settle(port_id, port, network, interface)

    def _leave(self, router_id: str, before: set[str], after: set[str], touched: set[Dependency]) -> None:
        touched.update(self.placement.leave_by(router_id, before, after))

    def _floating_of(self, kind: type[Row], row_id: str) -> Iterable[str]:
        """Floating IPs whose place may follow from a row that is no port."""
        if kind is FloatingIp:
            return [row_id]
        return [one.id for one in self.find(FloatingIp, "floating_network_id", row_id)] if kind is Network else []

    def _floating_of_port(self, port_id: str) -> Iterable[str]:
        return self._index.some(FloatingIp, "port_id", port_id)

    def _float(self, floating_id: str) -> Iterable[Dependency]:
        return self.placement.float(floating_id, floating_anchor(self, floating_id))

    def _ports_of_vif(self, vif: str) -> Iterable[str]:
        return self._index.some(Port, "vif", vif)


def _plugs(vif: str) -> bool:
    """Whether a port with this VIF may be bound: that of metadata servers is no port's."""
    return vif not in ("", METADATA_VIF)


def _external(row: Row | None) -> set[str]:
    return set() if row is None else set(cast("Router", row).external_networks)


def floating_anchor(model: Model, floating_id: str) -> Anchor | None:
    """The switch that a floating IP's port is on, and the external network, where the two meet."""
    floating = model.get(FloatingIp, floating_id)
    at = model.placement.bindings.get(floating.port_id) if floating is not None else None
    if floating is None or at is None:
        return None
    switch, network = model.get(Switch, at.switch_id), model.get(Network, floating.floating_network_id)
    if switch is None or network is None or not meets(switch, network):
        return None
    return switch.id, ("network", network.id)


def _of_switch(model: Model, row: Row) -> Iterator[str]:
    for interface in model.find(Interface, "switch_id", row.row_id):
        yield from model._ports_of_vif(interface.vif)


ROUTED = (Link, Switch)  # kinds that routes follow from
FLOATING = (FloatingIp, Network)  # and where a floating IP is translated, beside its port's place

# Which ports' places a row has a say in.
PLACES: dict[type[Row], Callable[[Model, Any], Iterable[str]]] = {
    Port: lambda model, row: (row.row_id,),
    Interface: lambda model, row: tuple(model._ports_of_vif(row.vif)),
    Network: lambda model, row: tuple(model._index.some(Port, "network_id", row.row_id)),
    Switch: lambda model, row: tuple(_of_switch(model, row)),
    RouterInterface: lambda model, row: (row.row_id,),
    Router: lambda model, row: row.gateway_ports,
    FloatingIp: lambda model, row: (row.floating_port_id,),
}


def _addressed(old: Port | None, new: Port | None) -> Iterable[Dependency]:
    """Addresses that a port has no more, or has from now on."""
    before, after = (
        {(port.network_id, address) for port in (each,) if port is not None for address in port.addresses}
        for each in (old, new)
    )
    return (("addressed", *each) for each in before ^ after)
