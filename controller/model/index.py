"""Indexes of rows by the value of a field or property, for `find`.

There are two kinds (`rows.base.row`): changes of an *index* are told, so flows may depend on it, and its value is
looked for as a whole; of a *lookup* nothing is told, and a tuple is looked for by each of its items.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, MutableMapping

from .layer import Layer
from .rows import Row
from .rows.base import INDEXES, LOOKUPS

Ids = str | MutableMapping[str, None]  # a value of one row costs one entry of a dict
_NONE: tuple[str, ...] = ()


class Index:
    """Values to ids of rows, for every index and lookup of every kind."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[tuple[type[Row], str], MutableMapping[object, Ids]] = {
            (kind, name): {} for names in (INDEXES, LOOKUPS) for kind in names for name in names[kind]
        }

    @classmethod
    def over(cls, base: Index, kinds: Collection[type[Row]]) -> Index:
        """A copy on write of `base` for rows of these kinds; the others are shared and stay as they are."""
        made = cls.__new__(cls)
        made._found = {
            (kind, name): Layer(found, _copy) if kind in kinds else found
            for (kind, name), found in base._found.items()
        }  # fmt: skip
        return made

    def put(self, kind: type[Row], row_id: str, old: Row | None, new: Row | None) -> Iterator[tuple[object, ...]]:
        """Index a row that was added, changed or deleted; the dependencies that changed."""
        for name in INDEXES[kind]:
            before, after = getattr(old, name, None), getattr(new, name, None)
            if before is not None:
                yield kind, name, before
            if after is not None:
                yield kind, name, after
            if before != after:
                found = self._found[kind, name]
                if before is not None:
                    _drop(found, before, row_id)
                if after is not None:
                    _add(found, after, row_id)
        for name in LOOKUPS[kind]:
            before, after = getattr(old, name, _NONE), getattr(new, name, _NONE)
            if before != after:
                found = self._found[kind, name]
                for value in _items(before):
                    _drop(found, value, row_id)
                for value in _items(after):
                    _add(found, value, row_id)

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
        _several(found, value)[row_id] = None
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
