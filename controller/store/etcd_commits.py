"""Commits to etcd: one transaction of this process at a time, with as many commits as can be grouped.

A transaction whose answer is lost is sent again until there is an answer: the session row shows whether an earlier
attempt was made.  If that takes too long, the commit is reported as Unavailable; the next transaction fences it.

A commit with more reads than etcd compares in one transaction first takes the row `hold`, under a lease of its own.
Nobody else commits meanwhile, so it can check in several requests and write in one.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Mapping
from itertools import chain
from uuid import uuid4

from controller.runtime import hub
from controller.runtime.errors import Changed, Invalid, Unavailable
from controller.store.etcd_client import Etcd, Full, Refusal
from controller.store.etcd_commit import TOGETHER, Commit, together
from controller.store.etcd_feed import Feed
from controller.store.etcd_keys import Json, Keys, newer, text
from controller.store.etcd_lease import EtcdLease
from controller.store.etcd_session import EtcdSession
from controller.store.etcd_txn import OPERATIONS, at_revision, checks, nested, put, verdicts, version_zero

log = logging.getLogger("tenet.store")

WITHIN = 8.0  # seconds for a transaction; then its commits fail as Unavailable
FEED_WITHIN = 5.0  # seconds that a commit waits for its own change to appear in the watch
GATHER = 0.003  # seconds at most that a transaction waits for the next commits of those whose last one was just made
RETRY = 0.1  # seconds after a failed attempt
HELD = 0.02  # seconds between attempts while another process has the row `hold`
HOLD_TTL = 5.0
_LOOKS = OPERATIONS // 2  # keys checked in one request, two ranges each


class Commits:
    def __init__(self, etcd: Etcd, keys: Keys, session: EtcdSession, feed: Feed) -> None:
        self._etcd = etcd
        self._keys = keys
        self._session = session
        self._feed = feed
        self._queue: deque[Commit] = deque()
        self._batch: list[Commit] = []  # in the transaction under way
        self._newest = 0  # revision of our newest commit
        self._writing = False
        self._failing = ""  # why commits have failed since the last success
        self._more = hub.Signal()  # something was queued

    def commit(self, commit: Commit) -> int:
        """See Store.commit."""
        self._enqueue(commit)
        commit.done.wait()
        if commit.error is not None:
            raise commit.error
        if commit.stale:
            raise Changed(commit.stale, commit.revision)
        if not self._feed.wait(commit.revision, FEED_WITHIN):
            log.warning("commit %d is made, but the watch does not show it yet", commit.revision)
        return commit.revision

    def probe(self) -> None:
        """Write probe: a transaction that rewrites this process's session row, grouped with pending commits."""
        commit = Commit({}, {})
        self._enqueue(commit)
        commit.done.wait()
        if commit.error is not None:
            raise commit.error

    def check(self, read: Mapping[str, int]) -> int:
        """A commit without writes: returns a revision at which `read` held.  Raises Changed."""
        newest = self._feed.log.newest
        stale = self._stale(read)
        if stale:
            raise Changed(list(stale), max(newest, *stale.values()))
        return newest

    def finish(self) -> None:
        """Wait until all pending commits are made or refused, and followers have them."""
        while pending := [*self._batch, *self._queue]:
            for commit in pending:
                commit.done.wait()
        self._feed.wait(self._newest, FEED_WITHIN)

    def _enqueue(self, commit: Commit) -> None:
        self._queue.append(commit)
        self._more.set()
        if not self._writing:
            self._writing = True
            hub.spawn(self._write_queued)

    # --- one after the other ------------------------------------------------------------------------------------------

    def _write_queued(self) -> None:
        """Write until the queue is empty; one green thread at a time."""
        while self._queue:
            batch = self._batch = together(self._queue)
            for _ in batch:
                self._queue.popleft()
            deadline = time.monotonic() + WITHIN
            try:
                if batch[0].fits:
                    self._make(batch, deadline)
                else:
                    self._make_held(batch[0], deadline)
            except (Unavailable, Invalid) as error:
                if time.monotonic() + 2 * RETRY > deadline:  # those queued behind have waited as long
                    batch += self._queue
                    self._queue.clear()
                self._fail(batch, error)
            except Exception as error:  # unexpected; those who wait must still get an answer
                log.exception("commit failed")
                self._fail(batch, Unavailable(f"the commit could not be made: {error!r}"))
            self._batch = []
            writers = len(batch) + len(self._queue)
            for commit in batch:
                commit.done.set()
            self._gather(writers)
        self._writing = False

    def _gather(self, writers: int) -> None:
        """Wait a moment for as many commits as the last transaction had: one transaction costs etcd as much as four."""
        until = time.monotonic() + GATHER
        while len(self._queue) < min(writers, TOGETHER) and (left := until - time.monotonic()) > 0:
            self._more.clear()
            self._more.wait(left)

    def _fail(self, batch: list[Commit], error: Exception) -> None:
        if str(error) != self._failing:
            self._failing = str(error)
            log.error("%d commits failed: %s", len(batch), error)
        for commit in batch:
            commit.error = error

    # --- one transaction ----------------------------------------------------------------------------------------------

    def _make(self, batch: list[Commit], deadline: float, hold: int = 0) -> None:
        """Make or refuse each commit of `batch` in one transaction; `hold`: revision of our row `hold`, or 0."""
        name = uuid4().bytes
        sent = False  # without an answer
        while True:
            before = sent
            try:
                row = self._session.open()
                transaction = self._transaction(batch, name, hold)
                sent = True
                answer = self._etcd.call("kv/txn", transaction)
            except Full:
                raise
            except Unavailable as error:
                self._pause(deadline, error)
                continue
            except Refusal as refusal:
                sent = before
                self._refused(refusal, batch, deadline)
                continue
            revision = int(answer["header"]["revision"])
            if answer.get("succeeded"):
                self._session.moved(revision)
                return self._settle(batch, verdicts(answer["responses"]), revision)
            sent = before
            ours, holder = (each["response_range"].get("kvs", ()) for each in answer["responses"])
            if not ours:
                self._session.forget()
                if sent:
                    raise Unavailable("no answer for too long: it is not known whether the commit was made")
            elif int(ours[0]["mod_revision"]) != row.revision:
                made = int(ours[0]["mod_revision"])
                self._session.moved(made)
                if ours[0].get("value") == text(name):
                    log.info("the answer was lost; the commit was made at revision %d", made)
                    return self._settle(batch, self._held_before(batch, made, deadline), made)
                log.warning("a commit that was reported as unavailable was made at %d", made)
            elif hold:
                raise Unavailable("the commit took too long, and lost its hold")
            elif holder:
                self._pause(deadline, Unavailable("another controller's large commit is under way"), HELD)

    def _transaction(self, batch: list[Commit], name: bytes, hold: int) -> Json:
        keys, session = self._keys, self._session
        budget = OPERATIONS - len(batch) - 1 - (1 if hold else 0)
        marks = session.marks_lease() if any(commit.deletes for commit in batch) else 0
        done = [session.rewrite(name)]
        if hold:
            done.append({"request_delete_range": {"key": keys.hold}})
        for slot, commit in enumerate(batch):
            compared = [] if hold else commit.compares(keys)
            done.append(nested(compared, commit.writes(keys, slot, marks), budget))
        assert session.row is not None
        return {
            "compare": [session.guard(), at_revision(keys.hold, hold) if hold else version_zero(keys.hold)],
            "success": done,
            "failure": [{"request_range": {"key": key}} for key in (session.row.key, keys.hold)],
        }

    def _refused(self, refusal: Refusal, batch: list[Commit], deadline: float) -> None:
        """Handle a refused request, of which nothing was executed; returns when another attempt may help."""
        if refusal.lease_is_gone:
            if any(commit.lease for commit in batch):
                raise Unavailable("the lease of a row has lapsed") from refusal
            self._session.forget()
            self._session.forget_marks_lease()
            self._pause(deadline, Unavailable(str(refusal)))
        elif refusal.too_large:
            raise Invalid("the request is larger than the store takes at once; ask for less at a time") from refusal
        else:
            raise Unavailable(f"etcd refuses the commit: {refusal}") from refusal

    def _held_before(self, batch: list[Commit], made: int, deadline: float) -> list[bool]:
        """Commits of a batch made at revision `made` that were accepted: those whose reads held just before."""
        while True:
            try:
                return [not self._stale(commit.read, made - 1) for commit in batch]
            except Unavailable as error:
                self._pause(deadline, error)

    def _settle(self, batch: list[Commit], held: list[bool], revision: int) -> None:
        self._failing = ""
        for commit, made in zip(batch, held, strict=True):
            commit.revision = revision
            if not made:
                self._explain(commit)
            elif commit.write:  # a probe writes no row, so followers never see it
                self._newest = revision

    def _explain(self, commit: Commit) -> None:
        """Find the keys that a commit was refused for, and the revision to wait for before another attempt."""
        commit.revision = self._feed.log.newest
        try:
            stale = self._stale(commit.read)
        except Unavailable:  # it is refused all the same
            stale = {}
        commit.stale = list(stale or commit.read)
        commit.revision = max(commit.revision, *stale.values()) if stale else commit.revision

    def _stale(self, read: Mapping[str, int], at: int = 0) -> dict[str, int]:
        """Keys of `read` that have changed by now, or by revision `at`, each with its new revision (0: unknown)."""
        found: dict[str, int] = {}
        items = list(read.items())
        for start in range(0, len(items), _LOOKS):
            piece = items[start : start + _LOOKS]
            looks = [self._keys.looks(*item) for item in piece]
            past = {"revision": at} if at else {}
            body = {"success": [{"request_range": {**look, **past}} for look in chain.from_iterable(looks)]}
            try:
                answers = [each["response_range"] for each in self._etcd.call("kv/txn", body)["responses"]]
            except Refusal as refusal:
                raise Unavailable(f"it is not known what became of the commit: {refusal}") from refusal
            for number, (key, revision) in enumerate(piece):
                since = newer(key, revision, answers[2 * number : 2 * number + 2])
                if since is not None:
                    found[key] = since
        return found

    def _pause(self, deadline: float, error: Unavailable, seconds: float = RETRY) -> None:
        if time.monotonic() + seconds > deadline:
            raise error
        hub.sleep(seconds)

    # --- alone --------------------------------------------------------------------------------------------------------

    def _make_held(self, commit: Commit, deadline: float) -> None:
        """Make a large commit: check in several requests while the row `hold` is ours, then write."""
        lease, hold = self._hold(deadline)
        try:
            compared = commit.compares(self._keys)
            while compared:
                body, taken = checks(compared)
                if not all(verdicts(self._etcd.call("kv/txn", body)["responses"])):
                    self._explain(commit)
                    return
                compared = compared[taken:]
            self._make([commit], deadline, hold)
        except Refusal as refusal:
            raise Unavailable(f"etcd refuses the commit: {refusal}") from refusal
        finally:
            lease.revoke()

    def _hold(self, deadline: float) -> tuple[EtcdLease, int]:
        while True:
            try:
                lease = EtcdLease(self._etcd, HOLD_TTL)
                body: Json = {"compare": [version_zero(self._keys.hold)],
                              "success": [put(self._keys.hold, b"", lease.id)]}  # fmt: skip
                answer = self._etcd.call("kv/txn", body)
                if answer.get("succeeded"):
                    return lease, int(answer["header"]["revision"])
                error = Unavailable("another controller's large commit is under way")
                lease.revoke()
            except Unavailable as unavailable:
                error = unavailable
            except Refusal as refusal:
                error = Unavailable(str(refusal))
            self._pause(deadline, error)
