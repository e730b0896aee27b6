"""Indexes of rows by the value of a field or property, for `find`.

There are two kinds (`rows.base.row`): changes of an *index* are told, so flows may depend on it, and its value is
looked for as a whole; of a *lookup* nothing is told, and a tuple is looked for by each of its items.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, MutableMapping
from operator import attrgetter
from typing import Any, NamedTuple

from .layer import Layer
from .rows import Row
from .rows.base import INDEXES, LOOKUPS

Ids = str | MutableMapping[str, None]  # a value of one row costs one entry of a dict
_NONE: tuple[str, ...] = ()


class Index:
    """Values to ids of rows, for every index and lookup of every kind."""

    __slots__ = ("_found", "_plans")

    def __init__(self) -> None:
        self._found: dict[tuple[type[Row], str], MutableMapping[object, Ids]] = {
            (kind, name): {} for names in (INDEXES, LOOKUPS) for kind in names for name in names[kind]
        }
        self._plans: dict[type[Row], _Plan] = {}

    @classmethod
    def over(cls, base: Index, kinds: Collection[type[Row]]) -> Index:
        """A copy on write of `base` for rows of these kinds; the others are shared and stay as they are."""
        made = cls.__new__(cls)
        made._found = {
            (kind, name): Layer(found, _copy) if kind in kinds else found
            for (kind, name), found in base._found.items()
        }  # fmt: skip
        made._plans = {}
        return made

    def put(self, kind: type[Row], row_id: str, old: Row | None, new: Row | None) -> list[tuple[object, ...]]:
        """Index a row that was added, changed or deleted; the dependencies that changed."""
        plan = self._plans.get(kind) or self._plan(kind)
        nothing = plan.nothing
        olds = nothing if old is None else plan.read(old)
        news = nothing if new is None else plan.read(new)
        touched: list[tuple[object, ...]] = []
        place = 0
        for name, found in plan.indexes:
            before, after = olds[place], news[place]
            place += 1
            if before is not None:
                touched.append((kind, name, before))
            if before != after:
                if before is not None:
                    _drop(found, before, row_id)
                if after is not None:
                    touched.append((kind, name, after))
                    _add(found, after, row_id)
        for found in plan.lookups:
            before, after = olds[place], news[place]
            place += 1
            if before != after:
                for value in _items(before):
                    _drop(found, value, row_id)
                for value in _items(after):
                    _add(found, value, row_id)
        return touched

    def _plan(self, kind: type[Row]) -> _Plan:
        indexes, lookups = INDEXES[kind], LOOKUPS[kind]
        names = (*indexes, *lookups)
        plan = self._plans[kind] = _Plan(
            _reading(names),
            (None,) * len(names),
            [(name, self._found[kind, name]) for name in indexes],
            [self._found[kind, name] for name in lookups],
        )
        return plan

    def some(self, kind: type[Row], name: str, value: object) -> Collection[str]:
        """Ids of rows, unordered, valid until the next change.  Raises KeyError for an undeclared index."""
        there = self._found[kind, name].get(value, _NONE)
        return (there,) if isinstance(there, str) else there

    def count(self, kind: type[Row], name: str, value: object) -> int:
        there = self._found[kind, name].get(value, _NONE)
        return 1 if isinstance(there, str) else len(there)

    def values(self, kind: type[Row], name: str) -> Collection[object]:
        """Distinct values of an index."""
        return self._found[kind, name].keys()


class _Plan(NamedTuple):
    """Indexes and lookups of a kind: `read` gives a row's values of all of them in this order."""

    read: Callable[[Row], tuple[Any, ...]]
    nothing: tuple[None, ...]  # values of no row
    indexes: list[tuple[str, MutableMapping[object, Ids]]]
    lookups: list[MutableMapping[object, Ids]]


def _reading(names: tuple[str, ...]) -> Callable[[Row], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)  # which gives a tuple only of several
    return lambda row: tuple([getattr(row, name) for name in names])


def _items(held: object) -> tuple[object, ...]:
    if isinstance(held, tuple):
        return held
    return (held,) if held else ()


def _copy(ids: Ids) -> Ids:
    return ids if isinstance(ids, str) else Layer(ids)


def _add(found: MutableMapping[object, Ids], value: object, row_id: str) -> None:
    there = found.get(value)
    if there is None:
        found[value] = row_id
    elif not isinstance(there, str):
        found[value][row_id] = None  # type: ignore[index]  # as `there`, to be changed
    elif there != row_id:
        found[value] = {there: None, row_id: None}


def _drop(found: MutableMapping[object, Ids], value: object, row_id: str) -> None:
    there = found.get(value)
    if isinstance(there, str):
        if there == row_id:
            del found[value]
    elif there is not None:
        several = _several(found, value)
        several.pop(row_id, None)
        if not several:
            del found[value]


def _several(found: MutableMapping[object, Ids], value: object) -> MutableMapping[str, None]:
    """Mutable ids of the rows that share a value."""
    ids = found[value]
    assert not isinstance(ids, str)
    return ids
