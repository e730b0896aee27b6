"""Incremental compiler of database rows: from changed objects to the rows wanted in hypervisors' databases.

A unit is an object in the tree of a switch (`scope`); what it reads is recorded, and when that changes it is computed
again, when it is next asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from controller.compile import scope
from controller.compile.flow_set import Owner
from controller.model.model import Dependency, Model
from controller.model.reader import Reader
from controller.model.rows import Switch
from controller.ovsdb.wanted import WantedRow

log = logging.getLogger("tenet.compile")

RowUnit = Callable[..., Iterable[WantedRow]]  # (subject, reader)
RowUnits = Mapping[str, Sequence[RowUnit]]  # kind of owner -> what makes its rows


class _Computed(msgspec.Struct, eq=False):
    deps: frozenset[Dependency]
    rows: tuple[WantedRow, ...]
    children: tuple[Owner, ...]


class DatabaseRows:
    """`changed` is to be told of every change of the model.  Only switches that were asked for are computed."""

    def __init__(self, model: Model, units: RowUnits) -> None:
        self._model = model
        self._units = units
        self._deep = bool(units.keys() - {"switch"})  # else nothing below the switch itself has rows
        self._computed: dict[str, dict[Owner, _Computed]] = {}  # by switch
        self._users: dict[Dependency, set[tuple[str, Owner]]] = {}
        self._moved: list[Callable[[Sequence[int]], None]] = []
        self.computed = 0  # units computed, ever

    def of(self, dpid: int) -> tuple[WantedRow, ...] | None:
        """Wanted rows of a datapath's database; None if it is no switch's."""
        switches = self._model.find(Switch, "dpid", dpid)
        return tuple(row for switch in switches for row in self._of(switch.id)) if switches else None

    def listen(self, moved: Callable[[Sequence[int]], None]) -> None:
        self._moved.append(moved)

    def changed(self, touched: set[Dependency]) -> None:
        """For `Replica.listen`: what read this is computed again, and those who follow its datapath are told."""
        moved: dict[str, None] = {}
        for dependency in touched:
            for switch_id, owner in list(self._users.get(dependency, ())):
                self._drop(switch_id, owner)
                moved[switch_id] = None
            if dependency[0] is Switch and len(dependency) == 2:
                moved[str(dependency[1])] = None
        rows = self._model.rows(Switch)
        for switch_id in [each for each in moved if each not in rows]:
            for owner in list(self._computed.get(switch_id, ())):
                self._drop(switch_id, owner)
            self._computed.pop(switch_id, None)
            del moved[switch_id]
        if moved:
            dpids = [rows[switch_id].dpid for switch_id in moved]
            for told in self._moved:
                told(dpids)

    @property
    def empty(self) -> bool:
        """Whether nothing is kept of any switch."""
        return not (self._computed or self._users)

    def _of(self, switch_id: str) -> Iterable[WantedRow]:
        held = self._computed.setdefault(switch_id, {})
        todo: list[Owner] = [("switch", switch_id)]
        reached: dict[Owner, None] = {}
        rows: list[WantedRow] = []
        while todo:
            owner = todo.pop()
            if owner in reached:
                continue
            reached[owner] = None
            unit = held.get(owner) or self._compute(switch_id, owner)
            rows += unit.rows
            todo += unit.children
        for owner in held.keys() - reached.keys():
            self._drop(switch_id, owner)
        return rows

    def _compute(self, switch_id: str, owner: Owner) -> _Computed:
        see = Reader(self._model, switch_id)
        kind = owner[0]
        rows: tuple[WantedRow, ...] = ()
        units = self._units.get(kind, ())
        if units and (subject := scope.SUBJECTS[kind](owner, see)) is not None:
            try:
                rows = tuple([row for unit in units for row in unit(subject, see)])
            except Exception:  # tried again when something that it read changes
                log.exception("no rows of a database for %s at switch %s", owner, switch_id)
        below = scope.CHILDREN["switch"].get(kind) if self._deep else None
        children = tuple(below(owner, see)) if below is not None else ()
        self.computed += 1
        unit = self._computed[switch_id][owner] = _Computed(frozenset(see.deps), rows, children)
        for dependency in unit.deps:
            self._users.setdefault(dependency, set()).add((switch_id, owner))
        return unit

    def _drop(self, switch_id: str, owner: Owner) -> None:
        unit = self._computed.get(switch_id, {}).pop(owner, None)
        for dependency in unit.deps if unit else ():
            users = self._users[dependency]
            users.discard((switch_id, owner))
            if not users:
                del self._users[dependency]
