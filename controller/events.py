"""What happened of late, in one order, for any number of readers at their own pace.

A commit is one entry; so are the statuses of ports that changed since (docs/decisions/0042-events.md).  Entries are
kept once, whoever reads them: a reader is nothing but a position.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from controller import hub
from controller.errors import Compacted
from controller.model.kinds import Port, Row
from controller.store.replica import Replica

KEPT = 20_000  # objects that a reader may lag behind; twice as many are held at most, besides the newest commit
PAUSE = 1.0  # seconds at least between two looks at all statuses
SHARE = 20  # of the time, one part in so many at most goes into looking at statuses
SLICE = 0.001  # seconds of looking after which other green threads get their turn


class Position(NamedTuple):
    """Of an entry: the commit's revision, and for statuses how many entries of statuses it is after that."""

    revision: int
    number: int = 0


class Entry(NamedTuple):
    """`rows`: as they were and as they are.  `statuses`: of ports, by id."""

    position: Position
    rows: tuple[tuple[Row | None, Row | None], ...] = ()
    statuses: tuple[tuple[Port, str, str], ...] = ()

    @property
    def weight(self) -> int:
        return len(self.rows) + len(self.statuses)


class Statuses(Protocol):
    def port(self, port: Port) -> tuple[str, str]: ...


class Progress(Protocol):
    def wait(self, timeout: float) -> None: ...


class Events:
    def __init__(self, replica: Replica, statuses: Statuses) -> None:
        self._model = replica.model
        self._statuses = statuses
        self._entries: list[Entry] = []
        self._weight = 0
        self._start = Position(replica.model.revision)  # what comes after it is kept
        self._known: dict[str, str] = {}  # port id -> its status, as last told
        self._news = hub.Signal()
        replica.watch(self._committed)

    def start(self, progress: Progress) -> None:
        """Follow the statuses of ports, in a green thread."""
        hub.keep(self._follow, progress)

    @property
    def last(self) -> Position:
        return self._entries[-1].position if self._entries else self._start

    def after(self, position: Position) -> list[Entry]:
        """Raises Compacted when `position` is further back than what is kept, or of another process."""
        if position < self._start or (position > self.last and position.number):
            raise Compacted(f"events after {position} are not kept, only those after {self._start}")
        return self._entries[bisect_right(self._entries, position, key=lambda each: each.position) :]

    def wait(self, timeout: float) -> None:
        """Until there is more, at most `timeout` seconds."""
        self._news.wait(timeout)

    def _committed(self, revision: int, rows: list[tuple[Row | None, Row | None]] | None) -> None:
        if rows is None:
            self._entries.clear()
            self._weight, self._start = 0, Position(revision)
            return
        self._append(Entry(Position(revision), tuple(rows)))

    def _append(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._weight += entry.weight
        if self._weight > 2 * KEPT:
            self._cut()
        self._news.set()
        self._news.clear()

    def _cut(self) -> None:
        """Drop the oldest entries, so that KEPT objects remain."""
        cut = 0
        while self._weight > KEPT and cut < len(self._entries) - 1:
            self._weight -= self._entries[cut].weight
            cut += 1
        self._start = self._entries[cut - 1].position
        del self._entries[:cut]

    # --- statuses ---

    def _follow(self, progress: Progress) -> None:
        while True:
            began = time.monotonic()
            self.look()
            hub.sleep(max(PAUSE, SHARE * (time.monotonic() - began)))
            progress.wait(PAUSE)

    def look(self) -> None:
        """Tell of every port whose status is another than when it was last looked at."""
        turn = time.monotonic() + SLICE
        changed: list[tuple[Port, str, str]] = []
        ports = self._model.rows(Port)
        for port_id in list(ports):
            port = ports.get(port_id)
            if port is None:
                continue
            status, reason = self._statuses.port(port)
            if self._known.get(port_id) != status:
                self._known[port_id] = status
                changed.append((port, status, reason))
            if time.monotonic() > turn:
                hub.sleep(0)
                turn = time.monotonic() + SLICE
        for port_id in self._known.keys() - ports.keys():
            del self._known[port_id]
        if changed:
            last = self.last
            self._append(Entry(Position(last.revision, last.number + 1), statuses=tuple(changed)))


def follow(events: Events, position: Position, patience: float, until: float) -> Iterator[Entry | None]:
    """Entries after a position as they come, until `until` (time.monotonic); None whenever none has come for
    `patience` seconds.  Raises Compacted when the reader is too slow.
    """
    while True:
        found = events.after(position)
        for entry in found:
            yield entry
            position = entry.position
        if time.monotonic() > until:
            return
        if not found:
            events.wait(patience)
            if not events.after(position):
                yield None
