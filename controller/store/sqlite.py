"""The embedded engine: this process is the only writer of one SQLite file.

A commit is checked in memory, against the commits that are already accepted, and then waits until it is durable.  All
that wait are written together, in one transaction, in an OS thread: the hub never waits for the disk, and what a
transaction costs is shared (group commit).

Accepted commits may build upon others that are not yet durable.  So when the disk fails, all that are under way are
refused, and memory goes back to what is on disk.  Their revisions are not given again: the next commit's revision is
greater than any that was given before.  (What a killed process had given and not made durable, nobody was told.)
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
        self.leased: set[str] = set()  # keys of it that are under a lease
        self.under: list[tuple[Mapping[str, bytes | None], Lease | None]] = []  # each commit's writes, and its lease
        self.revision = 0  # of its last commit
        self.error = ""  # why it failed
        self.done = hub.Signal()

    def entries(self) -> dict[str, tuple[int, bytes | None]]:
        """What is to be on disk afterwards: of several writes to one key, the last."""
        return {key: (revision, value) for revision, key, value in self.changes}


class SqliteStore:
    """See Store.  To be used by green threads of one hub."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._durable, keys = file.keys()  # revision of the newest commit on disk
        self._newest = self._durable  # of the newest commit accepted, on disk or on its way
        self._given = self._durable  # the highest that was ever given
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
        return found

    def commit(self, read: Mapping[str, int], write: Mapping[str, bytes | None], lease: Lease | None = None) -> int:
        """See Store.  A caller that is killed while it waits does not know whether its commit is made; it can be."""
        self._check_open()
        if lease is not None and not lease.alive:
            raise Unavailable("the lease has lapsed")
        stale = self._revisions.stale(read)
        batch = self._queue(write, lease) if write and not stale else self._queued or self._writing
        revision = self._newest
        if batch is not None:  # a refusal waits too: of a commit that fails yet, no replica ever gets the revision
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
        """End the leases, wait for the commits that are under way, end the followers, release the file."""
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
        """Delete the rows whose lease ended with the process that had the file open."""
        gone = self._file.leased()
        if gone:
            revision = self._durable + 1
            self._file.write(dict.fromkeys(gone, (revision, None)), self._durable, revision)
            self._revisions.write(dict.fromkeys(gone), revision)
            self._durable = self._newest = self._given = revision
            self._log = ChangeLog(revision)

    def _lapse(self, lease: LocalLease) -> None:
        """Delete the rows that are under a lease which has ended."""
        gone = [key for key, holder in self._leased.items() if holder is lease]
        if gone and not self._closed:
            try:
                self.commit({}, dict.fromkeys(gone))
            except Unavailable as error:  # the next opening deletes them
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
        for key, value in write.items():
            (batch.leased.add if lease and value is not None else batch.leased.discard)(key)
        batch.undo.extend(self._revisions.write(write, revision))
        batch.under.append((write, lease))
        return batch

    def _note_leased(self, write: Mapping[str, bytes | None], lease: Lease | None) -> None:
        for key, value in write.items():
            if value is not None and isinstance(lease, LocalLease):
                self._leased[key] = lease
            else:
                self._leased.pop(key, None)
        if isinstance(lease, LocalLease) and not lease.alive:  # it ended meanwhile
            hub.spawn(self._lapse, lease)

    def _write_queued(self) -> None:
        """Write batch after batch until none is queued.  One green thread at a time does this."""
        while (batch := self._queued) is not None:
            self._queued, self._writing = None, batch
            error = self._write(batch)
            self._writing = None
            if error:
                self._fail(batch, error)
            else:
                self._durable = batch.revision
                for write, lease in batch.under:  # here and not where it was asked for: that may have been killed
                    self._note_leased(write, lease)
                if batch.changes:  # first: a committer that wakes must find its change with the followers
                    self._log.append(batch.changes)
                batch.done.set()

    def _write(self, batch: _Batch) -> str:
        """Why `batch` could not be made durable, or ""."""
        try:
            if batch.changes:
                hub.in_thread(self._file.write, batch.entries(), self._durable, batch.revision, batch.leased)
            else:
                hub.in_thread(self._file.probe)
        except (sqlite3.Error, OSError) as error:
            return f"the commit could not be written: {error}"
        except Exception as error:  # not foreseen, and still all who wait must be told
            LOG.exception("store write failed")
            return f"the commit could not be written: {error!r}"
        return ""

    def _fail(self, batch: _Batch, error: str) -> None:
        """Refuse `batch` and all that was accepted after it, and may rely on it."""
        failed = [batch, self._queued] if self._queued else [batch]
        self._queued = None
        self._newest = self._durable
        self._revisions.restore(reversed(list(chain.from_iterable(each.undo for each in failed))), self._durable)
        LOG.error("%s (back to revision %d)", error, self._durable)
        for each in failed:
            each.error = error
            each.done.set()


def _check_entry(key: str, value: bytes | None) -> None:
    """One bad entry would fail the whole transaction, of others too."""
    if not key or key.endswith("/"):
        raise ValueError(f"not a key: {key!r}")
    key.encode()  # UnicodeEncodeError is a ValueError
    if value is not None and type(value) is not bytes:
        raise ValueError(f"{key}: a value is bytes, not {type(value).__name__}")
