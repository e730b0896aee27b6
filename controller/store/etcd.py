"""Store engine on etcd, for clusters.  Every process is one client.

A row is one key of etcd and has etcd's revision; see `etcd_keys`.  Commits: `etcd_commits`; change feed: `etcd_feed`.
"""

from __future__ import annotations

import logging
import time
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any, cast

from controller.runtime import hub
from controller.runtime.errors import Misconfigured, Unavailable
from controller.store.etcd_client import TIMEOUT, Etcd, Refusal
from controller.store.etcd_commit import Commit
from controller.store.etcd_commits import RETRY, Commits
from controller.store.etcd_feed import Feed
from controller.store.etcd_keys import Json, Keys, text
from controller.store.etcd_lease import EtcdLease
from controller.store.etcd_session import EtcdSession
from controller.store.etcd_space import Space
from controller.store.etcd_url import Address
from controller.store.store import Change, Lease, Stored

log = logging.getLogger("tenet.store")

PAGE = 2_000  # rows in one answer
READ_WITHIN = 6.0  # seconds for a read, with attempts at one member after another
START_WITHIN = 15.0


class EtcdStore:
    """See Store.  To be used by green threads of one hub, in a process whose sockets are patched."""

    def __init__(self, address: Address) -> None:
        """Raises Misconfigured when etcd cannot be reached."""
        self._etcd = Etcd(address)
        self._keys = Keys(address.prefix)
        self._session = EtcdSession(self._etcd, self._keys)
        self._leases: list[EtcdLease] = []
        self._closed = False
        try:
            answer = self._read("kv/range", {**self._keys.rows, "limit": 1, "keys_only": True}, START_WITHIN)
        except Unavailable as error:
            self._etcd.close()
            raise Misconfigured(f"the store cannot be reached: {error}") from error
        self._feed = Feed(self._etcd, self._keys, int(answer["header"]["revision"]))
        self._commits = Commits(self._etcd, self._keys, self._session, self._feed)
        self._space = Space(self._etcd)

    def get(self, key: str) -> Stored | None:
        self._check_open()
        found = self._read("kv/range", {"key": self._keys.row(key)}).get("kvs", ())
        return self._stored(found[0]) if found else None

    def everything(self) -> tuple[int, list[Stored]]:
        self._check_open()
        while True:
            newest = self._feed.log.newest
            try:
                return self._everything(newest)
            except Refusal as refusal:
                if not refusal.compacted:
                    raise Unavailable(str(refusal)) from refusal
                log.info("etcd was compacted during a full read; reading again")

    def commit(self, read: Mapping[str, int], write: Mapping[str, bytes | None], lease: Lease | None = None) -> int:
        """See Store.  If the caller is killed while it waits, the commit may still be made."""
        self._check_open()
        if lease is not None and not lease.alive:
            raise Unavailable("the lease has lapsed")
        if not write:
            return self._commits.check(read)
        return self._commits.commit(Commit(read, write, cast(EtcdLease, lease).id if lease else 0))

    def changes(self, after: int) -> Iterator[list[Change]]:
        return self._feed.log.follow(after)

    def probe(self) -> None:
        self._check_open()
        self._commits.probe()

    def lease(self, ttl: float) -> EtcdLease:
        self._check_open()
        try:
            lease = EtcdLease(self._etcd, ttl)
        except Refusal as refusal:
            raise Unavailable(str(refusal)) from refusal
        self._leases = [lease, *(each for each in self._leases if not each.lost.is_set())]
        return lease

    def space(self) -> dict[str, float]:
        space = self._space
        return {"bytes": space.size, "bytes_in_use": space.in_use, "full": int(space.full)}

    def close(self) -> None:
        """Wait for pending commits, then end leases, followers and session."""
        if self._closed:
            return
        self._closed = True
        self._commits.finish()
        for lease in self._leases:
            lease.revoke()
        self._space.close()
        self._feed.close()
        self._session.close()
        self._etcd.close()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("the store is closed")

    def _everything(self, newest: int) -> tuple[int, list[Stored]]:
        """All rows, page by page, at the revision of the first page; that is `newest` or later."""
        mark = {**self._keys.marks, "sort_target": "MOD", "sort_order": "DESCEND", "limit": 1, "keys_only": True}
        last = self._read("kv/range", mark)
        revision = int(last["header"]["revision"])
        rows: list[Stored] = []
        area: Json = {**self._keys.rows, "limit": PAGE, "revision": revision}
        while True:
            answer = self._read("kv/range", area)
            rows += [self._stored(kv) for kv in answer.get("kvs", ())]
            if not answer.get("more"):
                break
            area["key"] = _after(answer["kvs"][-1]["key"])
        found = [int(kv["mod_revision"]) for kv in last.get("kvs", ())]
        return max(newest, *found, *(row.revision for row in rows), 0), rows

    def _stored(self, kv: Json) -> Stored:
        key = self._keys.row_of(kv["key"])
        assert key is not None
        return Stored(key, int(kv["mod_revision"]), b64decode(kv.get("value", "")), "lease" in kv)

    def _read(self, path: str, body: Json, within: float = READ_WITHIN) -> dict[str, Any]:
        """Answer to an idempotent request.  Raises Unavailable after `within` seconds."""
        deadline = time.monotonic() + within
        while True:
            try:
                return self._etcd.call(path, body)
            except Unavailable:
                if time.monotonic() + TIMEOUT > deadline:
                    raise
                hub.sleep(RETRY)


def _after(key: str) -> str:
    """The smallest key greater than this one."""
    return text(b64decode(key) + b"\0")
