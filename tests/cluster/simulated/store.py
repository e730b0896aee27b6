"""The store: rows, leases and the log of changes.  What reaches it is done at once; whether it does is chance."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from controller.runtime.errors import Changed, Unavailable
from controller.store.store import Change
from tests.cluster.simulated.clock import Clock

TTL = 3.0


class Store:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.revision = 0
        self.rows: dict[str, Change] = {}
        self.log: list[Change] = []
        self._leases: dict[int, float] = {}
        self._under: dict[str, int] = {}
        self._numbers = itertools.count(1)

    def grant(self) -> int:
        number = next(self._numbers)
        self._refresh(number)
        return number

    def keep(self, lease: int) -> bool:
        if lease not in self._leases:
            return False
        self._refresh(lease)
        return True

    def alive(self, lease: int) -> bool:
        return lease in self._leases

    def revoke(self, lease: int) -> None:
        if lease in self._leases:
            self._leases[lease] = -1.0
            self._expire(lease)

    def commit(self, read: Mapping[str, int], write: Mapping[str, bytes | None], lease: int = 0) -> int:
        """See Store.commit of the product."""
        if lease and lease not in self._leases:
            raise Unavailable("the lease has lapsed")
        stale = [key for key, revision in read.items() if self._revision(key) != revision]
        if stale:
            raise Changed(stale, self.revision)
        self.revision += 1
        for key, value in write.items():
            self._put(key, value)
            self._under[key] = lease
        return self.revision

    def _revision(self, key: str) -> int:
        row = self.rows.get(key)
        return row.revision if row else 0

    def _put(self, key: str, value: bytes | None) -> None:
        change = Change(self.revision, key, value)
        self.log.append(change)
        if value is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = change

    def _refresh(self, lease: int) -> None:
        self._leases[lease] = self.clock.now + TTL
        self.clock.after(TTL, lambda: self._expire(lease))

    def _expire(self, lease: int) -> None:
        if self._leases.get(lease, self.clock.now + 1) > self.clock.now:
            return
        del self._leases[lease]
        gone = [key for key, under in self._under.items() if under == lease and key in self.rows]
        if gone:
            self.revision += 1
        for key in gone:
            self._put(key, None)
            del self._under[key]
