"""Replica of the store in memory: the model, updated from the change feed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import starmap

from msgspec.structs import force_setattr

from controller.model.model import Applied, Dependency, Model
from controller.model.rows import KINDS, Row
from controller.runtime import hub
from controller.runtime.errors import Compacted

from .codec import decode
from .store import Change, Store, Stored
from .texts import TextPool

log = logging.getLogger("tenet.store")

SLICE = 0.005  # seconds of work after which other green threads get their turn
PART = 250  # changes that are applied in one go, of several commits


def applied(revision: int, key: str, value: bytes | None) -> Applied:
    if value is None:
        return Applied(revision, key, None)
    return Applied(revision, key, value.decode() if key.startswith("taken/") else decode(key, value))


Rows = list[tuple[Row | None, Row | None]]
Watcher = Callable[[int, Rows | None], None]
Foreseer = Callable[[Rows], None]


def _commits(changes: list[Applied]) -> list[tuple[int, list[Applied]]]:
    """Split changes by commit."""
    found: dict[int, list[Applied]] = {}
    for change in changes:
        found.setdefault(change.revision, []).append(change)
    return list(found.items())


def _parts(changes: list[Applied]) -> Iterator[list[Applied]]:
    """Split changes into parts of whole commits, small ones together: listeners are told of each part."""
    part: list[Applied] = []
    for _, commit in _commits(changes):
        if part and len(part) + len(commit) > PART:
            yield part
            part = []
        part += commit
    yield part


def _rows(model: Model, changes: list[Applied]) -> Rows:
    """A commit's rows before it, which is now, and after it; without reservations."""
    found: Rows = []
    for _, key, row in changes:
        kind, _, row_id = key.partition("/")
        if kind != "taken":
            found.append((model.get(KINDS[kind], row_id), row if isinstance(row, Row) else None))
    return found


def _pooled(rows: list[Stored]) -> Iterator[Applied]:
    """What a snapshot says, with one object for equal texts: keys of rows, ids, and what refers to them."""
    pool = TextPool(row.key for row in rows)
    for stored in rows:
        change = applied(stored.revision, stored.key, stored.value)
        if isinstance(change.row, str):
            change = change._replace(row=pool.one(change.row))
        elif change.row is not None:
            pool.share(change.row)
        yield change


def share(before: Row, after: Row) -> None:
    """Share equal values between two versions of a row, as both stay in memory for a while."""
    for name in after.__struct_fields__:
        old, new = getattr(before, name), getattr(after, name)
        if old is not new and old == new:
            force_setattr(after, name, old)


class Replica:
    """Replica of `store` in `model`.  Calls `listen`ers, in the order of the feed, with the changed dependencies."""

    def __init__(self, store: Store, failed: Callable[[], None] = lambda: None) -> None:
        """`failed` is called when following has ended with an error: the replica never advances again."""
        self.model = Model()
        self._store = store
        self._listeners: list[Callable[[set[Dependency]], None]] = []
        self._watchers: list[tuple[Watcher, Foreseer]] = []
        self._waiting: list[tuple[int, hub.Signal]] = []
        self._failed = failed
        self._thread: hub.GreenThread | None = None

    def start(self) -> None:
        """Read everything, then follow the feed in a green thread."""
        self._load()
        self.model.order()  # now, as it takes a while: requests are not served yet
        self._thread = hub.spawn(self._follow)

    def stop(self) -> None:
        if self._thread is not None:
            hub.kill(self._thread)

    def listen(self, listener: Callable[[set[Dependency]], None]) -> None:
        self._listeners.append(listener)

    def watch(self, watcher: Watcher, foreseer: Foreseer = lambda rows: None) -> None:
        """Have `watcher` called after every commit of rows, with its revision and each row before and after it; the
        model is at that revision.  `foreseer` is called with the same rows before the model changes.

        The rows are None when everything was read again, and the changes up to the revision are unknown.
        """
        self._watchers.append((watcher, foreseer))

    def wait(self, revision: int, timeout: float | None = None) -> bool:
        """Wait until the model is at `revision` or later; False when `timeout` (seconds) passed first."""
        if self.model.revision >= revision:
            return True
        waiter = revision, hub.Signal()
        self._waiting.append(waiter)
        try:
            return waiter[1].wait(timeout)
        finally:
            if waiter in self._waiting:  # timed out, or the waiting thread was killed
                self._waiting.remove(waiter)

    def _load(self) -> None:
        """Replace the model's content by a snapshot of the store."""
        revision, rows = self._store.everything()
        gone = self.model.revisions.keys() - {row.key for row in rows}
        changes = [Applied(revision, key, None) for key in sorted(gone)]
        changes += _pooled(rows)
        self._take(changes, revision)

    def _follow(self) -> None:
        while True:
            try:
                for batch in self._store.changes(self.model.revision):
                    self._take_in_turns(batch)
                return  # the store was closed
            except Compacted:
                log.warning("changes after revision %d are no longer kept; reading everything", self.model.revision)
                self._load()
            except Exception:
                # an unreadable row or a listener's exception: never go on with an incomplete model
                log.critical("the replica cannot follow the store", exc_info=True)
                self._failed()
                return

    def _take_in_turns(self, batch: Iterable[Change]) -> None:
        """Apply changes with turns for other green threads: none within a commit, which readers see as a whole."""
        turns = hub.Turns(SLICE)
        for commits in _parts(list(hub.taking_turns(starmap(applied, batch), SLICE))):
            turns.give()
            self._take(commits)

    def _take(self, changes: list[Applied], revision: int = 0) -> None:
        """Apply changes.  `revision`: of the snapshot that they are, whose rows have any revision up to it."""
        if revision or not self._watchers:
            touched = self.model.apply(changes)
        else:
            touched = set[Dependency]()
            for number, commit in _commits(changes):
                touched |= self._take_commit(number, commit)
        self.model.revision = revision or self.model.revision
        for listener in self._listeners:
            listener(touched)
        if revision:
            for watcher, _ in self._watchers:
                watcher(revision, None)
        if self._waiting:
            revision = self.model.revision
            reached = [signal for wanted, signal in self._waiting if wanted <= revision]
            self._waiting = [(wanted, signal) for wanted, signal in self._waiting if wanted > revision]
            for signal in reached:
                signal.set()

    def _take_commit(self, revision: int, changes: list[Applied]) -> set[Dependency]:
        rows = _rows(self.model, changes)
        for before, after in rows:
            if before is not None and after is not None:
                share(before, after)
        if not rows:
            return self.model.apply(changes)
        for _, foreseer in self._watchers:
            foreseer(rows)
        touched = self.model.apply(changes)
        for watcher, _ in self._watchers:
            watcher(revision, rows)
        return touched
