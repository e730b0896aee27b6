"""Change feed from etcd: one watch for the process, into a log for any number of followers."""

from __future__ import annotations

import logging
from base64 import b64decode
from collections.abc import Sequence
from typing import NamedTuple

from controller.runtime import hub
from controller.runtime.errors import Unavailable
from controller.store.etcd_client import Etcd
from controller.store.etcd_http import ConnectionFailed, Silence
from controller.store.etcd_keys import Json, Keys
from controller.store.log import ChangeLog
from controller.store.store import Change

log = logging.getLogger("tenet.store")

PAUSE = 0.2  # seconds between attempts to watch


class _Waiter(NamedTuple):
    revision: int
    reached: hub.Signal


class Feed:
    def __init__(self, etcd: Etcd, keys: Keys, revision: int) -> None:
        """`revision`: of etcd; later changes can be followed."""
        self._etcd = etcd
        self._keys = keys
        self.log = ChangeLog(revision)
        self._next = revision + 1  # the next revision to watch
        self._at = 0  # the member watched
        self._waiting: list[_Waiter] = []
        self._failing = False
        self._thread = hub.keep(self._follow)

    def wait(self, revision: int, timeout: float) -> bool:
        """Wait until `revision` is in the log and delivered to followers; False after `timeout` seconds."""
        if self.log.newest >= revision:
            hub.sleep(0)  # followers are woken, but may not have run yet
            return True
        waiter = _Waiter(revision, hub.Signal())
        self._waiting.append(waiter)
        try:
            return bool(waiter.reached.wait(timeout))
        finally:
            if not waiter.reached.is_set():  # timed out, or its thread was killed
                self._waiting.remove(waiter)

    def close(self) -> None:
        hub.kill(self._thread)
        self.log.close()

    def _follow(self) -> None:
        while True:
            began = self._next
            try:
                self._watch()
            except (
                Unavailable,
                ConnectionFailed,
                KeyError,
                ValueError,
                OSError,
            ) as error:
                self._report(error)
            self._at += 1  # a silent member may be partitioned: try the next
            if self._next == began:
                hub.sleep(PAUSE)

    def _watch(self) -> None:
        """Read one watch stream until it ends or fails."""
        request = {**self._keys.feed, "start_revision": self._next, "fragment": True}
        events: list[Json] = []
        for message in self._etcd.stream("watch", {"create_request": request}, self._at):
            result = message.get("result")
            if result is None:
                raise Unavailable(f"the watch at {self._etcd.name(self._at)} ended: {message.get('error')}")
            if result.get("canceled"):
                self._cancelled(int(result.get("compact_revision", 0)), str(result.get("cancel_reason", "")))
                return
            if result.get("created"):
                self._created(int(result["header"]["revision"]))
            events += result.get("events", ())
            if events and not result.get("fragment"):
                self._deliver(events)
                events = []

    def _created(self, revision: int) -> None:
        if self._failing:
            log.info("watching etcd again from revision %d, at %s", self._next, self._etcd.name(self._at))
            self._failing = False
        if revision < self.log.newest:  # the member lags, or etcd was emptied or restored
            now = self._now()
            if now < self.log.newest:
                log.error("etcd has gone back from revision %d to %d; reading everything", self.log.newest, now)
                self._restart(now)
            raise Unavailable("the member that is watched is behind")

    def _cancelled(self, compacted: int, reason: str) -> None:
        if not compacted:
            raise Unavailable(f"the watch was cancelled: {reason}")
        now = self._now()
        log.warning("etcd has compacted up to %d; the watch goes on from %d to %d", compacted, self._next - 1, now)
        self._restart(now)

    def _now(self) -> int:
        """Current revision of etcd."""
        answer = self._etcd.call("kv/range", {**self._keys.rows, "limit": 1, "keys_only": True})
        return int(answer["header"]["revision"])

    def _restart(self, revision: int) -> None:
        self._next = revision + 1
        self.log.restart(revision)
        self._wake(everyone=True)

    def _deliver(self, events: Sequence[Json]) -> None:
        """Append whole revisions to the log.  One that deletes only absent keys shows only as marks."""
        changes: list[Change] = []
        marked: dict[int, str] = {}
        newest = 0
        for event in events:
            kv = event["kv"]
            newest = revision = int(kv["mod_revision"])
            deleted = event.get("type") == "DELETE"
            key = self._keys.row_of(kv["key"])
            if key is not None:
                changes.append(Change(revision, key, None if deleted else b64decode(kv.get("value", ""))))
            elif not deleted and self._keys.is_mark(kv["key"]):
                marked[revision] = b64decode(kv["value"]).decode()
        for revision in {change.revision for change in changes}:
            marked.pop(revision, None)
        changes += [Change(revision, key, None) for revision, key in marked.items()]
        self._next = newest + 1
        if changes:
            self.log.append(sorted(changes, key=lambda change: change.revision))
            self._wake()

    def _wake(self, everyone: bool = False) -> None:
        """Wake the waiters whose revision has arrived; after a restart of the log all, as older changes never come."""
        newest = self.log.newest
        due = [waiter for waiter in self._waiting if everyone or waiter.revision <= newest]
        self._waiting = [waiter for waiter in self._waiting if not everyone and waiter.revision > newest]
        for waiter in due:
            waiter.reached.set()

    def _report(self, error: Exception) -> None:
        if isinstance(error, Silence):
            log.debug("the watch at %s is silent; opening another", self._etcd.name(self._at))
        elif not self._failing:
            self._failing = True
            log.warning("the watch of etcd has ended (%s); trying again", error)
