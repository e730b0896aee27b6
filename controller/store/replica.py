"""Every process's copy of the store: the model, kept by following the change feed."""

from __future__ import annotations

import logging
from collections.abc import Callable

from msgspec.structs import force_setattr

from controller.model.model import Applied, Dependency, Model
from controller.model.rows import KINDS, Row
from controller.runtime import hub
from controller.runtime.errors import Compacted

from .codec import decode
from .store import Store

log = logging.getLogger("tenet.store")


def applied(revision: int, key: str, value: bytes | None) -> Applied:
    if value is None:
        return Applied(revision, key, None)
    return Applied(revision, key, value.decode() if key.startswith("taken/") else decode(key, value))


Rows = list[tuple[Row | None, Row | None]]
Watcher = Callable[[int, Rows | None], None]
Foreseer = Callable[[Rows], None]


def _commits(changes: list[Applied]) -> list[tuple[int, list[Applied]]]:
    """The changes of each commit."""
    found: dict[int, list[Applied]] = {}
    for change in changes:
        found.setdefault(change.revision, []).append(change)
    return list(found.items())


def _rows(model: Model, changes: list[Applied]) -> Rows:
    """A commit's rows as they are before it, which is now, and as they will be; reservations are not told of."""
    found: Rows = []
    for _, key, row in changes:
        kind, _, row_id = key.partition("/")
        if kind != "taken":
            found.append((model.get(KINDS[kind], row_id), row if isinstance(row, Row) else None))
    return found


def share(before: Row, after: Row) -> None:
    """Let the new version of a row have the old one's objects where they are equal: both are kept for a while."""
    for name in after.__struct_fields__:
        old, new = getattr(before, name), getattr(after, name)
        if old is not new and old == new:
            force_setattr(after, name, old)


class Replica:
    """Follows `store` into `model` and tells `listen`ers, in the order of the feed, which dependencies changed."""

    def __init__(self, store: Store, failed: Callable[[], None] = lambda: None) -> None:
        """`failed` is called when it can follow no more: whoever waits for it would wait for ever."""
        self.model = Model()
        self._store = store
        self._listeners: list[Callable[[set[Dependency]], None]] = []
        self._watchers: list[tuple[Watcher, Foreseer]] = []
        self._waiting: list[tuple[int, hub.Signal]] = []
        self._failed = failed
        self._thread: hub.GreenThread | None = None

    def start(self) -> None:
        """Read everything, then follow in a green thread of its own."""
        self._load()
        self.model.order()  # before anybody is served: it takes a while
        self._thread = hub.spawn(self._follow)

    def stop(self) -> None:
        if self._thread is not None:
            hub.kill(self._thread)

    def listen(self, listener: Callable[[set[Dependency]], None]) -> None:
        self._listeners.append(listener)

    def watch(self, watcher: Watcher, foreseer: Foreseer = lambda rows: None) -> None:
        """Tell of every commit of rows as it comes: its revision, and each row as it was and as it is; the model is as
        after that commit.  `foreseer` is told the same before that.

        With None for the rows when everything was read anew, and what happened up to the revision is not known.
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
            if waiter in self._waiting:  # it took too long, or whoever waits was ended
                self._waiting.remove(waiter)

    def _load(self) -> None:
        """Take in a whole snapshot; what the model holds beyond it is gone."""
        revision, rows = self._store.everything()
        gone = self.model.revisions.keys() - {row.key for row in rows}
        changes = [Applied(revision, key, None) for key in sorted(gone)]
        changes += [applied(row.revision, row.key, row.value) for row in rows]
        self._take(changes, revision)

    def _follow(self) -> None:
        while True:
            try:
                for batch in self._store.changes(self.model.revision):
                    self._take([applied(*change) for change in batch])
                return  # the store was closed
            except Compacted:
                log.warning("the change feed has moved on past revision %d; reading everything", self.model.revision)
                self._load()
            except Exception:
                # a row that cannot be read, or a listener that fell over: what follows would build on half a model
                log.critical("the replica cannot follow the store", exc_info=True)
                self._failed()
                return

    def _take(self, changes: list[Applied], revision: int = 0) -> None:
        """Take in changes; `revision` where they are a snapshot, whose rows are of any revision up to that."""
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
