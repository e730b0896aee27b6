"""The store's contract: four verbs over ordered, revisioned rows.  Engines: `sqlite`, `etcd`.

A key is `<kind>/<id>` or `taken/<what>/...`, a value is bytes (JSON, see `codec`).  Every commit has one revision,
greater than all before it; a row's revision is that of the commit that wrote it.  (Commits that were made together,
none of which read or wrote what another wrote, may share one.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

from controller.runtime import hub

RESTORING = "taken/store/restoring"  # while it is there a restore is under way, and nobody else writes the model


class Change(NamedTuple):
    """One row of one commit; `value` is None when the row was deleted."""

    revision: int
    key: str
    value: bytes | None


class Stored(NamedTuple):
    key: str
    revision: int
    value: bytes
    leased: bool = False  # whether it is under a lease


class Lease(Protocol):
    """Rows written under it vanish, in the change feed too, once it is revoked or its holder is away for too long.

    The store keeps it alive.  `alive_until`, of time.monotonic, is when it may lapse unless it is refreshed before:
    whoever may act only while its rows are there stops then.  `lost` is set when it has ended for good.
    """

    ttl: float
    alive_until: float
    lost: hub.Signal

    @property
    def alive(self) -> bool:
        """Whether its rows are sure to be there."""
        ...

    def revoke(self) -> None:
        """End it, and its rows with it."""
        ...


class Store(Protocol):
    def get(self, key: str) -> Stored | None: ...

    def everything(self) -> tuple[int, list[Stored]]:
        """All rows and the revision that they are all of them at."""
        ...

    def commit(self, read: Mapping[str, int], write: Mapping[str, bytes | None], lease: Lease | None = None) -> int:
        """Make `write` durable, all or nothing, and return its revision.

        `read` says on what it relies: a key's revision as it was read, 0 for a key that must not exist, and for a
        prefix (it ends in "/") the revision after which no row below it may have been written or deleted.

        What is put is put under `lease`, if one is given, and under none otherwise.  That a lease's row vanished does
        not count as a delete below a prefix.

        Raises `Changed` when any of that is no longer so, `Unavailable` when the store cannot take it now.
        """
        ...

    def changes(self, after: int) -> Iterator[list[Change]]:
        """All commits after revision `after`, whole, in order, as they become durable; waits for the next, for ever.

        A list holds one or more whole commits.  Raises `Compacted` when `after` is further back than what is kept.
        """
        ...

    def probe(self) -> None:
        """Return when something was durably written, which changes nothing.  Raises `Unavailable`."""
        ...

    def lease(self, ttl: float) -> Lease:
        """A lease that lapses `ttl` seconds after it was last refreshed (an engine may need longer; see its `ttl`)."""
        ...

    def space(self) -> dict[str, float]:
        """For the metrics: `bytes` it takes, `bytes_in_use` of them, and whether it is `full` (1); 0: not known."""
        ...

    def close(self) -> None: ...
