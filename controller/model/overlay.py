"""A model in which some changes are done that are not: for reading attributes of objects that are only foreseen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from .model import Model
from .rows import NAMES, Row

R = TypeVar("R", bound=Row)


class Overlay:
    """Reads as of a `Model`.  Costs as much as there are changes; where ports are is not foreseen."""

    def __init__(self, model: Model, changes: Sequence[tuple[Row | None, Row | None]]) -> None:
        self._model = model
        self._after: dict[type[Row], dict[str, Row | None]] = {kind: {} for kind in NAMES}
        for before, after in changes:
            row = after or before
            if row is not None:
                self._after[type(row)][row.row_id] = after

    def get(self, kind: type[R], row_id: str) -> R | None:
        if row_id in self._after[kind]:
            return self._after[kind][row_id]  # type: ignore[return-value]
        return self._model.get(kind, row_id)

    def rows(self, kind: type[R]) -> Mapping[str, R]:
        after: dict[str, Any] = self._after[kind]
        if not after:
            return self._model.rows(kind)
        merged = {**self._model.rows(kind), **after}
        return {row_id: row for row_id, row in merged.items() if row is not None}

    def find(self, kind: type[R], index: str, value: object) -> list[R]:
        after: dict[str, Any] = self._after[kind]
        found = {row.row_id: row for row in self._model.find(kind, index, value) if row.row_id not in after}
        for row_id, row in after.items():
            if row is not None:
                held = getattr(row, index)
                if held == value or (isinstance(held, tuple) and value in held):
                    found[row_id] = row
        return [row for _, row in sorted(found.items())]

    def count(self, kind: type[R], index: str, value: object) -> int:
        return len(self.find(kind, index, value)) if self._after[kind] else self._model.count(kind, index, value)

    def __getattr__(self, name: str) -> Any:
        """Everything else is as it is now."""
        return getattr(self._model, name)
