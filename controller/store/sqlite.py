"""Embedded store engine: this process is the only writer of one SQLite file.

A commit is checked in memory against the commits accepted before, and then waits until it is durable.  Waiting commits
are written together, in one transaction, in an OS thread (group commit): the hub never waits for the disk.

Accepted commits may depend on others that are not durable yet.  So when the disk fails, all pending commits are
refused, and the state in memory returns to that on disk.  Their revisions are not used again: the next commit has a
greater one.  (After a crash they may be: nobody was told of commits that were not durable.)
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Mapping
from itertools import chain

from controller.runtime import hub
from controller.runtime.errors import Changed, Unavailable
from controller.store.local_lease import LocalLease
from controller.store.log import ChangeLog
from controller.store.revisions import Revisions, Undo
from controller.store.sqlite_file import File
from controller.store.store import Change, Lease, Stored

LOG = logging.getLogger("tenet.store")


class _Batch:
    """Commits that become durable together, or not at all."""

    __slots__ = ("changes", "done", "error", "leased", "revision", "under", "undo")

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.undo: list[Undo] = []
        self.leased: set[str] = set()  # its keys that are under a lease
        self.under: list[tuple[Mapping[str, bytes | None], Lease | None]] = []  # each commit's writes, and its lease
        self.revision = 0  # of its newest commit
        self.error = ""  # why it failed
        self.done = hub.Signal()

    def entries(self) -> dict[str, tuple[int, bytes | None]]:
        """Entries to write to disk: the last write of each key."""
        return {key: (revision, value) for revision, key, value in self.changes}


class SqliteStore:
    """See Store.  For green threads of one hub."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._durable, keys = file.keys()  # revision of the newest commit on disk
        self._newest = self._durable  # of the newest accepted commit, durable or pending
        self._given = self._durable  # the highest revision ever assigned
        self._revisions = Revisions(keys, self._durable)
        self._log = ChangeLog(self._durable)
        self._queued: _Batch | None = None
        self._writing: _Batch | None = None
        self._closed = False
        self._leases: list[LocalLease] = []
        self._leased: dict[str, LocalLease] = {}  # by key
        self._drop_leased()

    def get(self, key: str) -> Stored | None:
        self._check_open()
        try:
            return self._file.get(key)
        except sqlite3.Error as error:
            raise Unavailable(str(error)) from error

    def everything(self) -> tuple[int, list[Stored]]:
        self._check_open()
        try:
            found: tuple[int, list[Stored]] = hub.in_thread(self._file.everything)
        except sqlite3.Error as error:
            raise Unavailable(str(error)) from error
        self._revisions.share(row.key for row in found[1])
        return found

    def commit(self, read: Mapping[str, int], write: Mapping[str, bytes | None], lease: Lease | None = None) -> int:
        """See Store.  If the caller is killed while it waits, the commit may still be made."""
        self._check_open()
        if lease is not None and not lease.alive:
            raise Unavailable("the lease has lapsed")
        stale = self._revisions.stale(read)
        batch = self._queue(write, lease) if write and not stale else self._queued or self._writing
        revision = self._newest
        if batch is not None:  # a refusal waits, too: if the other commit fails, its revision never appears
            batch.done.wait()
            if batch.error:
                raise Unavailable(batch.error)
        if stale:
            raise Changed(stale, revision)
        return revision

    def changes(self, after: int) -> Iterator[list[Change]]:
        return self._log.follow(after)

    def probe(self) -> None:
        self._check_open()
        if self._queued is None and self._writing is None:
            self._queued = _Batch()
            self._queued.revision = self._newest
            hub.spawn(self._write_queued)
        batch = self._queued or self._writing
        assert batch is not None
        batch.done.wait()
        if batch.error:
            raise Unavailable(batch.error)

    def lease(self, ttl: float) -> LocalLease:
        self._check_open()
        lease = LocalLease(ttl, self._lapse)
        self._leases = [lease, *(each for each in self._leases if not each.lost.is_set())]
        return lease

    def space(self) -> dict[str, float]:
        return {"bytes": 0, "bytes_in_use": 0, "full": 0}

    def close(self) -> None:
        """End leases, wait for pending commits, end followers, release the file."""
        if self._closed:
            return
        for lease in self._leases:
            lease.revoke()
        self._closed = True
        while batch := self._queued or self._writing:
            batch.done.wait()
        self._log.close()
        self._file.close()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("the store is closed")

    def _drop_leased(self) -> None:
        """Delete rows under leases of the process that had the file open before."""
        gone = self._file.leased()
        if gone:
            revision = self._durable + 1
            self._file.write(dict.fromkeys(gone, (revision, None)), self._durable, revision)
            self._revisions.write(dict.fromkeys(gone), revision)
            self._durable = self._newest = self._given = revision
            self._log = ChangeLog(revision)

    def _lapse(self, lease: LocalLease) -> None:
        """Delete the rows of an ended lease."""
        gone = [key for key, holder in self._leased.items() if holder is lease]
        if gone and not self._closed:
            try:
                self.commit({}, dict.fromkeys(gone))
            except Unavailable as error:  # they are deleted when the file is opened again
                LOG.error("rows of a lease that has ended are not deleted: %s", error)

    def _queue(self, write: Mapping[str, bytes | None], lease: Lease | None) -> _Batch:
        for key, value in write.items():
            _check_entry(key, value)
        batch = self._queued
        if batch is None:
            batch = self._queued = _Batch()
            if self._writing is None:
                hub.spawn(self._write_queued)
        revision = self._given = self._newest = batch.revision = self._given + 1
        batch.changes.extend([Change(revision, key, value) for key, value in write.items()])
        if lease or batch.leased:
            for key, value in write.items():
                (batch.leased.add if lease and value is not None else batch.leased.discard)(key)
        batch.undo.extend(self._revisions.write(write, revision))
        batch.under.append((write, lease))
        return batch

    def _note_leased(self, write: Mapping[str, bytes | None], lease: Lease | None) -> None:
        if lease is None and not self._leased:
            return
        for key, value in write.items():
            if value is not None and isinstance(lease, LocalLease):
                self._leased[key] = lease
            else:
                self._leased.pop(key, None)
        if isinstance(lease, LocalLease) and not lease.alive:  # the lease ended meanwhile
            hub.spawn(self._lapse, lease)

    def _write_queued(self) -> None:
        """Write batches until none is queued.  One green thread at a time."""
        while (batch := self._queued) is not None:
            self._queued, self._writing = None, batch
            error = self._write(batch)
            self._writing = None
            if error:
                self._fail(batch, error)
            else:
                self._durable = batch.revision
                for write, lease in batch.under:  # here, as the committing thread may have been killed
                    self._note_leased(write, lease)
                if batch.changes:  # first: when a committer wakes, followers must have its change
                    self._log.append(batch.changes)
                batch.done.set()

    def _write(self, batch: _Batch) -> str:
        """Write `batch` to disk; returns the error, or ""."""
        try:
            if batch.changes:
                hub.in_thread(self._file.write, batch.entries(), self._durable, batch.revision, batch.leased)
            else:
                hub.in_thread(self._file.probe)
        except (sqlite3.Error, OSError) as error:
            return f"the commit could not be written: {error}"
        except Exception as error:  # unexpected; those who wait must still get an answer
            LOG.exception("store write failed")
            return f"the commit could not be written: {error!r}"
        return ""

    def _fail(self, batch: _Batch, error: str) -> None:
        """Refuse `batch` and all commits accepted after it, as they may depend on it."""
        failed = [batch, self._queued] if self._queued else [batch]
        self._queued = None
        self._newest = self._durable
        self._revisions.restore(reversed(list(chain.from_iterable(each.undo for each in failed))), self._durable)
        LOG.error("%s (back to revision %d)", error, self._durable)
        for each in failed:
            each.error = error
            each.done.set()


def _check_entry(key: str, value: bytes | None) -> None:
    """Check of one entry.  A bad one would make other commits of its transaction fail, too."""
    if not key or key[-1] == "/":
        raise ValueError(f"not a key: {key!r}")
    if not key.isascii():
        key.encode()  # UnicodeEncodeError is a ValueError
    if value is not None and type(value) is not bytes:
        raise ValueError(f"{key}: a value is bytes, not {type(value).__name__}")
