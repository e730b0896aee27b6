"""The store's contract: four verbs over ordered, revisioned rows.  Engines: `sqlite`; etcd to come.

A key is `<kind>/<id>` or `taken/<what>/...`, a value is bytes (JSON, see `codec`).  Every commit has one revision,
greater than all before it; a row's revision is that of the commit that wrote it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol


class Change(NamedTuple):
    """One row of one commit; `value` is None when the row was deleted."""

    revision: int
    key: str
    value: bytes | None


class Stored(NamedTuple):
    key: str
    revision: int
    value: bytes


class Store(Protocol):
    def get(self, key: str) -> Stored | None: ...

    def everything(self) -> tuple[int, list[Stored]]:
        """All rows and the revision that they are all of them at."""
        ...

    def commit(self, read: Mapping[str, int], write: Mapping[str, bytes | None]) -> int:
        """Make `write` durable, all or nothing, and return its revision.

        `read` says on what it relies: a key's revision as it was read, 0 for a key that must not exist, and for a
        prefix (it ends in "/") the revision after which no row below it may have been written or deleted.

        Raises `Changed` when any of that is no longer so, `Unavailable` when the store cannot take it now.
        """
        ...

    def changes(self, after: int) -> Iterator[list[Change]]:
        """All commits after revision `after`, whole, in order, as they become durable; waits for the next, for ever.

        A list holds one or more whole commits.  Raises `Compacted` when `after` is further back than what is kept.
        """
        ...

    def close(self) -> None: ...
