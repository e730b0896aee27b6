"""Incremental compiler: from changed objects to changed flows.

A unit is (flow set, owner): the flows that one object needs in one set.  Whatever a unit reads is recorded; when
something that was read changes, the unit is computed again, and its claims are compared with what they were.  Nobody
writes a handler, so none can be forgotten; nobody writes a delete.  A unit also says which units are below it, and that
of a set's own object which other sets come with it (`scope`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from controller.compile.flow_set import FlowChange, FlowConflict, FlowSet, FlowSetKey, Owner
from controller.flow import Flow
from controller.model.model import Dependency, Model
from controller.model.reader import Reader

from . import scope
from .carriers import Carriers

log = logging.getLogger("tenet.compile")

App = Callable[..., Iterable[Flow]]  # (subject, reader)
Apps = Mapping[str, Mapping[str, Sequence[App]]]  # kind of flow set -> kind of owner -> what makes its flows


class Unit(msgspec.Struct, eq=False, gc=False):
    """What was read when it was last computed, and the owners below it.  (`gc=False`: it can be in no cycle.)"""

    key: FlowSetKey
    owner: Owner
    deps: tuple[Dependency, ...] = ()
    children: tuple[Owner, ...] = ()
    more: int = 0  # units above that want it, beside the first: a port between blocks has two for a moment


FEW = 4  # units: a set of so many takes four times a tuple's room


class Users(msgspec.Struct, eq=False, gc=False):
    """The units that read a dependency, where they are more than FEW."""

    dependency: Dependency
    units: set[Unit]


Use = tuple[Any, ...] | Users  # a dependency and the units that read it, one after the other: nearly always few


class _Plan(NamedTuple):
    """How units of one kind of owner are computed in one kind of flow set."""

    apps: Sequence[App]
    subject: Callable[[Owner, Reader], object | None]
    below: Callable[[Owner, Reader], Iterable[Owner]] | None
    asks: Callable[[Owner, Reader], Iterable[FlowSetKey]] | None


def _no_subject(owner: Owner, see: Reader) -> None:
    """Of an owner that no app makes flows for."""


class Compiled(NamedTuple):
    """Outcome of a round: changed flows of each switch, unordered.

    `shares`: lists of changes, none empty; a flow set's is one object for all switches that carry it.
    """

    shares: dict[str, list[list[FlowChange]]]
    conflicts: list[FlowConflict]

    @property
    def changes(self) -> dict[str, list[FlowChange]]:
        """Of each switch in one list."""
        return {switch_id: list(chain.from_iterable(parts)) for switch_id, parts in self.shares.items()}


class Compiler:
    """Incremental compiler: the flow sets of included switches always equal a compile from nothing."""

    def __init__(self, model: Model, apps: Apps) -> None:
        self._model = model
        self._apps = apps
        self.flow_sets: dict[FlowSetKey, FlowSet] = {}
        self.units: dict[tuple[FlowSetKey, Owner], Unit] = {}
        self.computed = 0  # units computed, ever
        self.failed: dict[tuple[FlowSetKey, Owner], str] = {}  # units that an app raised for -> the exception
        self._uses: dict[Dependency, Use] = {}
        self._dirty: dict[Unit, None] = {}
        self._carriers = Carriers()
        self._plans: dict[tuple[str, str], _Plan] = {}
        self._begun: set[FlowSetKey] = set()  # sets that are new in this round
        self._changed: set[FlowSetKey] = set()
        self._settled: dict[FlowSetKey, list[FlowChange]] = {}  # of this round so far
        self._conflicts: list[FlowConflict] = []

    # --- what is to be done ---

    def include(self, switch_id: str) -> None:
        """Include a switch from the next round on."""
        if not self.includes(switch_id):
            self._open(FlowSetKey("switch", switch_id))
            self._carriers.enter(switch_id)

    def exclude(self, switch_id: str) -> None:
        """Exclude a switch and drop its flows."""
        if self.includes(switch_id):
            self._close(FlowSetKey("switch", switch_id))
            self._carriers.leave(switch_id)

    def includes(self, switch_id: str) -> bool:
        return ("switch", switch_id) in self.flow_sets

    def mark(self, touched: Iterable[Dependency]) -> None:
        """Mark the units that read these dependencies for recomputation."""
        for dependency in touched:
            use = self._uses.get(dependency)
            if use is not None:
                self._dirty.update(dict.fromkeys(use.units if isinstance(use, Users) else use[1:]))

    @contextmanager
    def over(self, model: Model) -> Iterator[None]:
        """Compute over another model for a while; the caller marks what differs, before and afterwards."""
        before, self._model = self._model, model
        try:
            yield
        finally:
            self._model = before

    @property
    def idle(self) -> bool:
        return not self._dirty

    def work(self) -> Iterator[None]:
        """Recompute marked units, one a step; the caller may do other work in between, and mark more."""
        while self._dirty:
            unit, _ = self._dirty.popitem()
            self._compute(unit)
            yield
            if not self._dirty:
                for keys in self._carriers.needed():
                    for key in keys:
                        if key not in self.flow_sets:
                            self._open(key)
                    yield

    def run(self) -> Compiled:
        """Run a whole round without a pause."""
        for _ in self.work():
            pass
        return self.settle()

    def settle_sets(self) -> Iterator[None]:
        """The longest part of `settle`, a flow set a step, once `work` is done; the caller may do other things, and
        `mark`, `include` and `exclude`, in between.
        """
        for key in list(self._changed):
            if key in self._changed:
                self._changed.discard(key)
                self._settled[key], conflicting = self.flow_sets[key].settle()
                self._conflicts += conflicting
                yield

    def settle(self) -> Compiled:
        """End a round after `work`: the changed flows of every switch."""
        for _ in self.settle_sets():
            pass
        settled, self._settled = self._settled, {}
        conflicts, self._conflicts = self._conflicts, []
        shares = self._distribute(settled)
        for key in self._carriers.loose():
            if key in self.flow_sets:
                self._close(key)
        self._begun.clear()
        return Compiled(shares, conflicts)

    # --- what came of it ---

    def wanted(self, switch_id: str) -> Iterator[Flow]:
        """Intended flows of a switch as of the last round."""
        for key in self._carriers.of(switch_id):
            yield from self.flow_sets[key].flows()

    def using(self, switch_id: str) -> Iterator[Flow]:
        """Of these the flows that use groups, meters or zones."""
        for key in self._carriers.of(switch_id):
            yield from self.flow_sets[key].using

    def count(self, switch_id: str) -> int:
        """Number of intended flows of a switch."""
        return sum(len(self.flow_sets[key]) for key in self._carriers.of(switch_id))

    def carried(self, switch_id: str) -> tuple[FlowSetKey, ...]:
        """Flow sets that a switch carries as of the last round, its own first."""
        return self._carriers.of(switch_id)

    def origins(self, switch_id: str, cookies: Collection[int]) -> dict[int, list[str]]:
        """Cookie -> keys of the objects that the flow is for.  Looks at every claim."""
        found: dict[int, set[str]] = {cookie: set() for cookie in cookies}
        for key in self._carriers.of(switch_id):
            for flow, owners in self.flow_sets[key].explained(found):
                found[flow.cookie].update(map(scope.origin, owners))
        return {cookie: sorted(keys) for cookie, keys in found.items()}

    def explained(self, switch_id: str) -> Iterator[tuple[Flow, list[str]]]:
        """Intended flows of a switch, each with the keys of the objects that it is for; a snapshot."""
        claimed = [each for key in self._carriers.of(switch_id) for each in self.flow_sets[key].explained()]
        return ((flow, sorted(set(map(scope.origin, owners)))) for flow, owners in claimed)

    def failures(self) -> dict[str, str]:
        """Key of each object whose flows, or some of them, could not be computed -> the reason."""
        return {scope.origin(owner): why for (_, owner), why in sorted(self.failed.items())}

    @property
    def dependencies(self) -> Collection[Dependency]:
        """Dependencies of all units."""
        return self._uses.keys()

    @property
    def empty(self) -> bool:
        """Whether nothing is kept."""
        return not (self.flow_sets or self.units or self._uses or self._dirty or self.failed or self._carriers)

    # --- flow sets ---

    def _open(self, key: FlowSetKey) -> None:
        self.flow_sets[key] = FlowSet()
        self._begun.add(key)
        self._carriers.begin(key)
        self._begin(key, key)

    def _close(self, key: FlowSetKey) -> None:
        self._retire(key, key)
        self._changed.discard(key)
        self._settled.pop(key, None)
        del self.flow_sets[key]

    def _distribute(self, settled: dict[FlowSetKey, list[FlowChange]]) -> dict[str, list[list[FlowChange]]]:
        """Distribute changes of sets to their carriers; whole sets where a switch begins or ceases to carry one."""
        shares: dict[str, list[list[FlowChange]]] = {}

        def give(switch_id: str, changes: list[FlowChange]) -> None:
            if changes:
                shares.setdefault(switch_id, []).append(changes)

        joined, left = self._carriers.settle()
        for switch_id, keys in left.items():
            for key in keys:
                changed = settled.get(key, [])
                new = {change.new for change in changed}
                gone = [change.old for change in changed if change.old is not None]
                gone += [flow for flow in self.flow_sets[key].flows() if flow not in new]
                give(switch_id, [FlowChange(flow, None) for flow in gone])
        for key, changed in settled.items():
            if changed and key not in self._begun:  # else all that carry it join
                for switch_id in self._carriers.carrying(key):
                    if key not in joined.get(switch_id, ()):
                        give(switch_id, changed)
        whole: dict[FlowSetKey, list[FlowChange]] = {}  # many switches may join a set at once
        for switch_id, keys in joined.items():
            for key in keys:
                if key not in whole:
                    whole[key] = self._whole(key, settled)
            parts = [part for key in keys if (part := whole[key])]
            if parts:
                shares.setdefault(switch_id, []).extend(parts)
        return shares

    def _whole(self, key: FlowSetKey, settled: dict[FlowSetKey, list[FlowChange]]) -> list[FlowChange]:
        """All flows of a set, as changes; of one that is new those that changed, and none if it began after `work`."""
        if key in self._begun:
            return settled.get(key, [])
        return [FlowChange(None, flow) for flow in self.flow_sets[key].flows()]

    # --- one unit ---

    def _begin(self, key: FlowSetKey, owner: Owner) -> None:
        unit = self.units[key, owner] = Unit(key, owner)
        self._dirty[unit] = None

    def _compute(self, unit: Unit) -> None:
        key, owner = unit.key, unit.owner
        of, kind = key.kind, owner[0]
        see = Reader(self._model, key.id if of == "switch" else "")
        flows: tuple[Flow, ...] = ()
        plan = self._plans.get((of, kind)) or self._plan(of, kind)
        if plan.apps and (subject := plan.subject(owner, see)) is not None:
            flows = self._flows(unit, plan.apps, subject, see)
        elif self.failed:
            self.failed.pop((key, owner), None)
        children = () if plan.below is None else tuple(plan.below(owner, see))
        if plan.asks is not None and owner == key:
            self._carriers.ask(key, tuple(plan.asks(owner, see)))
        self.computed += 1
        self.flow_sets[key].claim(owner, flows)
        self._changed.add(key)
        self._record(unit, see.deps, children)

    def _plan(self, of: str, kind: str) -> _Plan:
        apps = self._apps.get(of, {}).get(kind, ())
        subject = scope.SUBJECTS[kind] if apps else _no_subject
        plan = self._plans[of, kind] = _Plan(apps, subject, scope.CHILDREN[of].get(kind), scope.ASKS.get(of))
        return plan

    def _flows(self, unit: Unit, apps: Sequence[App], subject: object, see: Reader) -> tuple[Flow, ...]:
        """Flows of the apps for a unit; none when one raises, as a failing unit must not stop the others."""
        where = (unit.key, unit.owner)
        try:
            flows = tuple([flow for app in apps for flow in app(subject, see)])
        except Exception as error:
            log.exception("no flows for %s in the flow set of %s", unit.owner, unit.key)
            self.failed[where] = type(error).__name__  # tried again when something that it read changes
            return ()
        if self.failed:
            self.failed.pop(where, None)
        return flows

    def _record(self, unit: Unit, deps: set[Dependency], children: tuple[Owner, ...]) -> None:
        uses = self._uses
        new = deps.difference(unit.deps) if unit.deps else deps
        kept = unit.deps if len(unit.deps) + len(new) == len(deps) else self._kept(unit, deps)
        if new:
            added = []
            for dependency in new:
                use = uses.get(dependency)
                if use is None:
                    uses[dependency] = (dependency, unit)
                elif isinstance(use, Users):
                    dependency = use.dependency
                    use.units.add(unit)
                else:
                    dependency = use[0]
                    uses[dependency] = (*use, unit) if len(use) <= FEW else Users(dependency, {*use[1:], unit})
                added.append(dependency)  # the same object in every unit: there are five for one
            kept = (*kept, *added)
        unit.deps = kept
        before, unit.children = unit.children, children
        if children != before:
            come = set(children).difference(before)
            if len(before) + len(come) != len(children):  # else none has gone, as nearly always
                for child in set(before).difference(children):
                    self._retire(unit.key, child)
            for child in come:
                self._adopt(unit.key, child)

    def _kept(self, unit: Unit, deps: set[Dependency]) -> tuple[Dependency, ...]:
        """What the unit read before and reads still; it is no user of the rest any more."""
        for dependency in unit.deps:
            if dependency not in deps:
                self._unuse(dependency, unit)
        return tuple([dependency for dependency in unit.deps if dependency in deps])

    def _adopt(self, key: FlowSetKey, owner: Owner) -> None:
        """Add a unit, or count one more parent of it."""
        unit = self.units.get((key, owner))
        if unit is None:
            self._begin(key, owner)
        else:
            unit.more += 1

    def _retire(self, key: FlowSetKey, owner: Owner) -> None:
        """Remove a unit and all below it, unless another parent has it."""
        unit = self.units[key, owner]
        if unit.more:
            unit.more -= 1
            return
        del self.units[key, owner]
        self._dirty.pop(unit, None)
        for dependency in unit.deps:
            self._unuse(dependency, unit)
        self.failed.pop((key, owner), None)
        self.flow_sets[key].claim(owner, ())
        self._changed.add(key)
        for child in unit.children:
            self._retire(key, child)

    def _unuse(self, dependency: Dependency, unit: Unit) -> None:
        use = self._uses[dependency]
        if isinstance(use, Users):
            use.units.discard(unit)
            left = len(use.units)
        else:
            use = self._uses[dependency] = tuple([one for one in use if one is not unit])
            left = len(use) - 1
        if not left:
            del self._uses[dependency]
