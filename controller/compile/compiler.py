"""From changed objects to changed flows.

A unit is (flow set, owner): the flows that one object needs in one set.  Whatever a unit reads is recorded; when
something that was read changes, the unit is computed again, and its claims are compared with what they were.  Nobody
writes a handler, so none can be forgotten; nobody writes a delete.  A unit also says which units are below it
(`scope`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple

import msgspec

from controller.compile.flow_set import Conflict, FlowChange, FlowSet, Owner
from controller.flow import Flow
from controller.model.model import Dependency, Model
from controller.model.reader import Reader

from . import scope

log = logging.getLogger("tenet.compile")

FlowSetKey = tuple[str, str]  # ("switch", id) or ("network", id)
Apps = dict[str, list[Callable[..., Iterable[Flow]]]]


class _Unit(msgspec.Struct, eq=False, gc=False):
    """What was read when it was last computed, and the owners below it.  (`gc=False`: it can be in no cycle.)"""

    key: FlowSetKey
    owner: Owner
    deps: tuple[Dependency, ...] = ()
    children: tuple[Owner, ...] = ()
    more: int = 0  # units above that want it, beside the first: a port between blocks has two for a moment


class Compiled(NamedTuple):
    """One round's outcome: per switch what became of which flow, in no particular order."""

    changes: dict[str, list[FlowChange]]
    conflicts: list[Conflict]


class Compiler:
    """Keeps the flow sets of the switches that it was told to `include` equal to a compile from nothing."""

    def __init__(self, model: Model, here: Apps, everywhere: Apps) -> None:
        self._model = model
        self._here, self._everywhere = here, everywhere
        self.flow_sets: dict[FlowSetKey, FlowSet] = {}
        self._units: dict[tuple[FlowSetKey, Owner], _Unit] = {}
        self._users: dict[Dependency, set[_Unit]] = {}
        self._dirty: dict[_Unit, None] = {}
        self._carried: dict[str, frozenset[str]] = {}  # switch -> networks, at the last round
        self._carriers: dict[str, set[str]] = {}  # network -> switches
        self._resorted: set[str] = set()  # switches whose networks may be others now
        self._begun: set[str] = set()  # networks whose flow sets are new in this round
        self._left: set[str] = set()  # networks that excluded switches carried: who comes in this round may carry them
        self._changed: set[FlowSetKey] = set()
        self.computed = 0  # units computed, ever

    # --- what is to be done ---

    def include(self, switch_id: str) -> None:
        """Compile for a switch from the next round on."""
        key = ("switch", switch_id)
        if key not in self.flow_sets:
            self.flow_sets[key] = FlowSet()
            self._carried[switch_id] = frozenset()
            self._begin(key, key)

    def exclude(self, switch_id: str) -> None:
        """Forget a switch; its flows are of no interest any more."""
        key = ("switch", switch_id)
        if key in self.flow_sets:
            self._retire(key, key)
            for network_id in self._carried.pop(switch_id):
                self._carriers[network_id].discard(switch_id)
                self._left.add(network_id)
            del self.flow_sets[key]
            self._resorted.discard(switch_id)

    def mark(self, touched: Iterable[Dependency]) -> None:
        """These dependencies changed: what read them is to be computed again."""
        for dependency in touched:
            for unit in self._users.get(dependency, ()):
                self._dirty[unit] = None

    @property
    def idle(self) -> bool:
        return not self._dirty

    def work(self) -> Iterator[None]:
        """Compute what is to be computed, a unit a step; the caller may do other things in between, and `mark` more."""
        while self._dirty:
            unit, _ = self._dirty.popitem()
            self._compute(unit)
            yield
            if not self._dirty:
                self._sort_networks()

    def run(self) -> Compiled:
        """A whole round without a pause."""
        for _ in self.work():
            pass
        return self.settle()

    def settle(self) -> Compiled:
        """End a round, once `work` is done: which flows became which, on every switch."""
        changes: dict[str, list[FlowChange]] = {}
        conflicts: list[Conflict] = []
        settled: dict[str, list[FlowChange]] = {}
        for key in self._changed:
            flow_set = self.flow_sets.get(key)
            if flow_set is None:
                continue
            changed, conflicting = flow_set.settle()
            conflicts += conflicting
            if key[0] == "switch":
                changes.setdefault(key[1], []).extend(changed)
            else:
                settled[key[1]] = changed
        self._changed.clear()
        self._distribute(settled, changes)
        return Compiled({switch_id: some for switch_id, some in changes.items() if some}, conflicts)

    def wanted(self, switch_id: str) -> Iterator[Flow]:
        """Every flow that a switch is to hold, as of the last round."""
        yield from self.flow_sets["switch", switch_id].flows()
        for network_id in sorted(self._carried[switch_id]):
            yield from self.flow_sets["network", network_id].flows()

    def count(self, switch_id: str) -> int:
        """How many flows a switch is to hold."""
        carried = (len(self.flow_sets["network", network_id]) for network_id in self._carried[switch_id])
        return len(self.flow_sets["switch", switch_id]) + sum(carried)

    def origins(self, switch_id: str, cookies: Collection[int]) -> dict[int, list[str]]:
        """By cookie the keys of the objects because of which a switch is to hold the flow.  Looks at every claim."""
        keys: list[FlowSetKey] = [
            ("switch", switch_id),
            *(("network", one) for one in self._carried.get(switch_id, ())),
        ]
        found: dict[int, set[str]] = {cookie: set() for cookie in cookies}
        for key in keys:
            for cookie, owner in self.flow_sets[key].owners(found):
                found[cookie].add(scope.origin(owner))
        return {cookie: sorted(keys) for cookie, keys in found.items()}

    def explained(self, switch_id: str) -> Iterator[tuple[Flow, list[str]]]:
        """Every flow that a switch is to hold, with the keys of the objects that it is because of."""
        for key in [("switch", switch_id), *(("network", one) for one in sorted(self._carried[switch_id]))]:
            flow_set = self.flow_sets[key]
            why: dict[int, set[str]] = {}
            for owner, flows in flow_set.claims.items():
                for flow in flows:
                    why.setdefault(flow.cookie, set()).add(scope.origin(owner))
            for flow in flow_set.flows():
                yield flow, sorted(why[flow.cookie])

    # --- one unit ---

    def _begin(self, key: FlowSetKey, owner: Owner) -> None:
        unit = self._units[key, owner] = _Unit(key, owner)
        self._dirty[unit] = None

    def _compute(self, unit: _Unit) -> None:
        key, owner = unit.key, unit.owner
        here = key[0] == "switch"
        see = Reader(self._model, key[1] if here else "")
        kind = owner[0]
        subject = scope.subject(owner, see)
        flows: tuple[Flow, ...] = ()
        if subject is not None:
            apps = (self._here if here else self._everywhere).get(kind, ())
            try:
                flows = tuple([flow for app in apps for flow in app(subject, see)])
            except Exception:
                # one object that an app cannot make flows for must not stop the others; it is tried again when it
                # changes
                log.exception("no flows for %s in %s", owner, key)
        children_of = (scope.HERE if here else scope.EVERYWHERE).get(kind)
        children = tuple(children_of(owner, see)) if children_of is not None else ()
        self.computed += 1
        self.flow_sets[key].claim(owner, flows)
        self._changed.add(key)
        self._record(unit, see.deps, children)
        if here and kind == "switch":
            self._resorted.add(key[1])

    def _record(self, unit: _Unit, deps: set[Dependency], children: tuple[Owner, ...]) -> None:
        for dependency in unit.deps:
            if dependency not in deps:
                self._unuse(dependency, unit)
        for dependency in deps.difference(unit.deps) if unit.deps else deps:
            users = self._users.get(dependency)
            if users is None:
                self._users[dependency] = {unit}
            else:
                users.add(unit)
        before, unit.deps, unit.children = unit.children, tuple(deps), children
        if children != before:
            for child in set(before).difference(children):
                self._retire(unit.key, child)
            for child in set(children).difference(before):
                self._adopt(unit.key, child)

    def _adopt(self, key: FlowSetKey, owner: Owner) -> None:
        """Begin a unit, or note that one more above wants it."""
        unit = self._units.get((key, owner))
        if unit is None:
            self._begin(key, owner)
        else:
            unit.more += 1

    def _retire(self, key: FlowSetKey, owner: Owner) -> None:
        """End a unit and all below it, unless another unit above wants it still."""
        unit = self._units[key, owner]
        if unit.more:
            unit.more -= 1
            return
        del self._units[key, owner]
        self._dirty.pop(unit, None)
        for dependency in unit.deps:
            self._unuse(dependency, unit)
        self.flow_sets[key].claim(owner, ())
        self._changed.add(key)
        for child in unit.children:
            self._retire(key, child)

    def _unuse(self, dependency: Dependency, unit: _Unit) -> None:
        users = self._users[dependency]
        users.discard(unit)
        if not users:
            del self._users[dependency]

    # --- which switch carries which network's flow set ---

    def _networks(self, switch_id: str) -> frozenset[str]:
        """The networks on a switch, as it was last computed."""
        key = ("switch", switch_id)
        return frozenset(child[1] for child in self._units[key, key].children if child[0] == "network")

    def _sort_networks(self) -> None:
        """Give every network that a switch has come to hold a flow set."""
        for switch_id in self._resorted:
            for network_id in self._networks(switch_id):
                key = ("network", network_id)
                if key not in self.flow_sets:
                    self.flow_sets[key] = FlowSet()
                    self._carriers[network_id] = set()
                    self._begun.add(network_id)
                    self._begin(key, key)

    def _distribute(self, settled: dict[str, list[FlowChange]], changes: dict[str, list[FlowChange]]) -> None:
        """Networks' changes to the switches that carry them; to those that begin or cease to, the whole set."""
        joined: list[tuple[str, str]] = []
        left: list[tuple[str, str]] = []
        for switch_id in self._resorted:
            before, now = self._carried[switch_id], self._networks(switch_id)
            joined += [(switch_id, network_id) for network_id in now - before]
            left += [(switch_id, network_id) for network_id in before - now]
            self._carried[switch_id] = now
        self._resorted.clear()
        for switch_id, network_id in left:
            self._carriers[network_id].discard(switch_id)
            gone = [change.old for change in settled.get(network_id, ()) if change.old is not None]
            gone += self.flow_sets["network", network_id].flows()
            changes.setdefault(switch_id, []).extend(FlowChange(flow, None) for flow in gone)
        for network_id, changed in settled.items():
            for switch_id in self._carriers[network_id]:
                changes.setdefault(switch_id, []).extend(changed)
        whole: dict[str, list[FlowChange]] = {}  # many switches may join a network at once
        for switch_id, network_id in joined:
            self._carriers[network_id].add(switch_id)
            if network_id not in whole:
                flows = self.flow_sets["network", network_id].flows()
                begun = network_id in self._begun  # then all of it is what changed
                whole[network_id] = settled[network_id] if begun else [FlowChange(None, flow) for flow in flows]
            changes.setdefault(switch_id, []).extend(whole[network_id])
        for network_id in {*self._begun, *self._left, *(network_id for _, network_id in left)}:
            self._end_uncarried(network_id)
        self._begun.clear()
        self._left.clear()

    def _end_uncarried(self, network_id: str) -> None:
        """A flow set that no switch carries is not kept."""
        if not self._carriers.get(network_id, True):
            key = ("network", network_id)
            self._retire(key, key)
            self._changed.discard(key)
            del self.flow_sets[key], self._carriers[network_id]
