"""What every kind of row has in common."""

from __future__ import annotations

import msgspec

NAMES: dict[type[Row], str] = {}  # kind -> its name in keys; `kinds` fills it


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A value in the store.  (`gc=False`: it can be in no cycle, so the collector need not look at it.)"""

    @property
    def key(self) -> str:
        return f"{self.kind_name()}/{self.row_id}"

    @property
    def row_id(self) -> str:
        return self.id  # type: ignore[attr-defined, no-any-return]

    @classmethod
    def kind_name(cls) -> str:
        return NAMES[cls]
