"""Change log: recent commits in memory for any number of followers, bounded by rows and by bytes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from operator import attrgetter

from controller.runtime import hub
from controller.runtime.errors import Compacted
from controller.store.store import Change

# How far a follower may lag behind.  At most twice as much is kept, besides the newest commits.
KEPT = 20_000  # rows
BYTES = 32 * 2**20  # of keys and encoded values

_revision = attrgetter("revision")


class ChangeLog:
    def __init__(self, revision: int) -> None:
        """`revision`: of the newest commit before the log; later commits can be followed."""
        self._changes: list[Change] = []
        self.bytes = 0  # of all kept changes
        self._start = revision
        self._news = hub.Signal()
        self._closed = False
        self._epoch = 0  # number of restarts

    @property
    def newest(self) -> int:
        """Revision of the newest commit."""
        return self._changes[-1].revision if self._changes else self._start

    def restart(self, revision: int) -> None:
        """Drop everything up to `revision`.  Followers that are not as far get Compacted."""
        self._changes.clear()
        self.bytes = 0
        self._start = revision
        self._epoch += 1
        self._wake()

    def append(self, changes: Sequence[Change]) -> None:
        """Append whole commits, newer than all before, and wake the followers.  Does not wait."""
        if len(self._changes) > 2 * KEPT or self.bytes > 2 * BYTES:
            self._cut()
        self._changes.extend(changes)
        self.bytes += sum(map(_size, changes))
        self._wake()

    def follow(self, after: int) -> Iterator[list[Change]]:
        """All commits after revision `after`, without end until `close`; see Store.changes."""
        epoch = self._epoch
        while True:
            if after < self._start or epoch != self._epoch:
                raise Compacted(f"changes after {after} are no longer kept, only those after {self._start}")
            changes = self._changes[bisect_right(self._changes, after, key=_revision) :]
            if changes:
                after = changes[-1].revision
                yield changes
            elif self._closed:
                return
            else:
                self._news.wait()

    def close(self) -> None:
        """End each follower once it has read everything."""
        self._closed = True
        self._wake()

    def _cut(self) -> None:
        """Drop old commits, whole ones, until about KEPT rows or BYTES remain, whichever is less."""
        first, left = max(0, len(self._changes) - KEPT), self.bytes - sum(map(_size, self._changes[:-KEPT]))
        while left > BYTES and first < len(self._changes) - 1:
            left -= _size(self._changes[first])
            first += 1
        cut = bisect_left(self._changes, self._changes[first].revision, key=_revision)
        if cut:
            self._start = self._changes[cut - 1].revision
            del self._changes[:cut]
            self.bytes = sum(map(_size, self._changes))

    def _wake(self) -> None:
        self._news.pulse()


def _size(change: Change) -> int:
    return len(change.key) + len(change.value or b"")
