"""Session row of a process: identifies its transactions, so that one is never made twice, and fences late ones.

Each transaction compares the revision of this row and rewrites it with a unique name.  If a transaction is sent twice
because the first answer was lost, at most one is made; the other finds the name of the first.  A transaction that was
given up cannot be made after a later one.
"""

from __future__ import annotations

import time
from typing import NamedTuple
from uuid import uuid4

from controller.store.etcd_client import Etcd
from controller.store.etcd_keys import Json, Keys
from controller.store.etcd_lease import EtcdLease
from controller.store.etcd_txn import at_revision, put, version_zero

TTL = 600.0  # seconds without etcd after which a process no longer recognises a commit as its own
MARKS_TTL = 7200.0  # seconds that the mark of a delete is kept, at least half as long; see `marks_lease`


class SessionRow(NamedTuple):
    key: str
    revision: int
    lease: int


class EtcdSession:
    def __init__(self, etcd: Etcd, keys: Keys) -> None:
        self._etcd = etcd
        self._keys = keys
        self._lease: EtcdLease | None = None
        self._marks: EtcdLease | None = None
        self._marks_from = 0.0
        self.row: SessionRow | None = None

    def open(self) -> SessionRow:
        """Create the row if there is none.  Raises Unavailable, Refusal."""
        if self.row is None:
            self.forget()
            self._lease = EtcdLease(self._etcd, TTL)
            key = self._keys.session(str(uuid4()))
            body: Json = {"compare": [version_zero(key)], "success": [put(key, b"", self._lease.id)]}
            answer = self._etcd.call("kv/txn", body)
            if answer.get("succeeded"):
                self.row = SessionRow(key, int(answer["header"]["revision"]), self._lease.id)
            else:  # of another process, or by a request whose answer was lost: take another name
                return self.open()
        return self.row

    def moved(self, revision: int) -> None:
        """Note that the row was rewritten at `revision`."""
        if self.row is not None:
            self.row = self.row._replace(revision=revision)

    def forget(self) -> None:
        """Note that the row has vanished or cannot be used any more."""
        self.row = None
        if self._lease is not None:
            self._lease.abandon()
            self._lease = None

    def guard(self) -> Json:
        assert self.row is not None
        return at_revision(self.row.key, self.row.revision)

    def rewrite(self, name: bytes) -> Json:
        assert self.row is not None
        return put(self.row.key, name, self.row.lease)

    def marks_lease(self) -> int:
        """Lease of the marks of deletes, which vanish one to two hours after the delete.

        A commit whose reads are older than that comes from a process that was paused for as long.  Its session has
        lapsed by then, so the commit is refused.
        """
        if self._marks is None or time.monotonic() - self._marks_from > MARKS_TTL / 2:
            self._marks = EtcdLease(self._etcd, MARKS_TTL, keep=False)
            self._marks_from = time.monotonic()
        return self._marks.id

    def forget_marks_lease(self) -> None:
        self._marks = None

    def close(self) -> None:
        if self._lease is not None:
            self._lease.revoke()
        self._lease, self.row = None, None
