"""Rows by the value of an attribute, for whoever asks the API: no flow depends on these, nothing is told of changes."""

from __future__ import annotations

from collections.abc import Collection

from .rows import Row
from .rows.base import LOOKUPS

# An attribute that is a tuple is looked up by each of its items; the empty text is not kept.
_NONE: tuple[str, ...] = ()


class Lookup:
    """Values to ids of rows.  A value that one row has costs no more than an entry of a dict."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[tuple[type[Row], str], dict[object, str | dict[str, None]]] = {
            (kind, name): {} for kind, names in LOOKUPS.items() for name in names
        }

    def put(self, kind: type[Row], row_id: str, old: Row | None, new: Row | None) -> None:
        for name in LOOKUPS[kind]:
            before = _NONE if old is None else getattr(old, name)
            after = _NONE if new is None else getattr(new, name)
            if before == after:
                continue
            found = self._found[kind, name]
            for value in _values(before):
                _drop(found, value, row_id)
            for value in _values(after):
                _add(found, value, row_id)

    def ids(self, kind: type[Row], name: str, value: object) -> Collection[str]:
        """In no order.  Raises KeyError for an attribute that is not looked up by."""
        there = self._found[kind, name].get(value, _NONE)
        return (there,) if isinstance(there, str) else there

    def count(self, kind: type[Row], name: str, value: object) -> int:
        there = self._found[kind, name].get(value, _NONE)
        return 1 if isinstance(there, str) else len(there)

    def has(self, kind: type[Row], name: str) -> bool:
        return (kind, name) in self._found


def _values(held: object) -> tuple[object, ...]:
    if isinstance(held, tuple):
        return held
    return (held,) if held else ()


def _add(found: dict[object, str | dict[str, None]], value: object, row_id: str) -> None:
    there = found.get(value)
    if there is None:
        found[value] = row_id
    elif isinstance(there, dict):
        there[row_id] = None
    elif there != row_id:
        found[value] = {there: None, row_id: None}


def _drop(found: dict[object, str | dict[str, None]], value: object, row_id: str) -> None:
    there = found.get(value)
    if isinstance(there, dict):
        there.pop(row_id, None)
        if not there:
            del found[value]
    elif there == row_id:
        del found[value]
