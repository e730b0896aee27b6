"""Pool of texts: of equal ids, keys and references in a snapshot of the store one object stays in memory."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from msgspec.structs import force_setattr

from controller.model.rows import Row
from controller.model.rows.base import DECLARED

_USUAL = frozenset(("id", "project_id", "interface_id"))


@cache
def _fields(kind: type[Row]) -> tuple[str, ...]:
    """The fields of a kind whose texts others have as well: ids, and what rows are found by."""
    declared = DECLARED[kind]
    names = _USUAL.union(declared.index, [reference.field for reference in declared.references])
    return tuple([name for name in kind.__struct_fields__ if name in names])


class TextPool:
    """For one reading of everything; to be dropped after it."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = {text: text for text in texts}

    def one(self, text: str) -> str:
        """The object that stands for all equal texts."""
        return self._texts.setdefault(text, text)

    def share(self, row: Row) -> None:
        """Let a new row refer to the pool's texts."""
        one = self._texts.setdefault
        for name in _fields(type(row)):
            text = getattr(row, name)
            if text and type(text) is str:
                force_setattr(row, name, one(text, text))
