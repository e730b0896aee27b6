"""Contract of the store: ordered, revisioned rows with commits, leases and a change feed.  Engines: `sqlite`, `etcd`.

A key is `<kind>/<id>` or `taken/<what>/...`, a value is bytes (JSON, see `codec`).  Every commit has one revision,
greater than all before it; a row's revision is that of the commit that wrote it.  (Independent commits that were made
together may share a revision.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

from controller.runtime import hub

RESTORING = "taken/store/restoring"  # exists during a restore; nobody else writes the model then


class Change(NamedTuple):
    """Change of one row by one commit; `value` is None for a delete."""

    revision: int
    key: str
    value: bytes | None


class Stored(NamedTuple):
    key: str
    revision: int
    value: bytes
    leased: bool = False  # whether the row is under a lease


class Lease(Protocol):
    """Lease of rows: they are deleted, in the change feed, too, when it is revoked or not refreshed in time.

    The store refreshes it.  It cannot lapse before `alive_until` (time.monotonic): whoever may act only while its rows
    exist stops then.  `lost` is set when it has ended for good.
    """

    ttl: float
    alive_until: float
    lost: hub.Signal

    @property
    def alive(self) -> bool:
        """Whether its rows certainly exist."""
        ...

    def revoke(self) -> None:
        """End the lease and delete its rows."""
        ...


class Store(Protocol):
    def get(self, key: str) -> Stored | None: ...

    def everything(self) -> tuple[int, list[Stored]]:
        """Consistent snapshot of all rows, and its revision."""
        ...

    def commit(self, read: Mapping[str, int], write: Mapping[str, bytes | None], lease: Lease | None = None) -> int:
        """Make `write` durable, all or nothing, and return its revision.

        `read` has the preconditions: a key's revision as it was read, 0 for a key that must not exist, and for a
        prefix (it ends in "/") the revision after which no row below it may have been written or deleted.

        Rows are put under `lease`, or under none.  The end of a lease does not count as a delete below a prefix.

        Raises `Changed` when a precondition fails, `Unavailable` when the store cannot commit now.
        """
        ...

    def changes(self, after: int) -> Iterator[list[Change]]:
        """Change feed: all commits after revision `after`, in order, as they become durable; without end.

        A list holds one or more whole commits.  Raises `Compacted` when changes after `after` are no longer kept.
        """
        ...

    def probe(self) -> None:
        """Write probe: return after a durable write that changes nothing.  Raises `Unavailable`."""
        ...

    def lease(self, ttl: float) -> Lease:
        """Take a lease that lapses `ttl` seconds after its last refresh (or later; see the lease's `ttl`)."""
        ...

    def space(self) -> dict[str, float]:
        """Space for the metrics: `bytes` on disk, `bytes_in_use` of them, and whether it is `full` (1); 0: unknown."""
        ...

    def close(self) -> None: ...
