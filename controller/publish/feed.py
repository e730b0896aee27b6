"""Event feed: recent commits and statuses, in one order, for any number of readers at their own pace.

A commit is one entry; so are the statuses of ports that changed since (docs/decisions/0042-events.md).  Entries are
kept once, whoever reads them: a reader is nothing but a position.
"""

from __future__ import annotations

import secrets
import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol

from controller.intent.audience import ChangeRecord, told
from controller.intent.visibility import audience
from controller.model.rows import Port
from controller.publish.port_changes import Looked, concerned
from controller.reconcile.statuses import Statuses
from controller.runtime import hub
from controller.runtime.errors import Compacted
from controller.store.codec import encode
from controller.store.replica import Replica, Rows

# What a reader may lag behind.  Twice as much is held at most, besides the newest commit.
KEPT = 20_000  # objects
BYTES = 32 * 2**20  # of their encoded rows, each version counted once
PAUSE = 1.0  # seconds at least between two looks at all statuses
GLANCE = 0.05  # seconds at least between two looks at those of ports that are under way
SHARE = 20  # looking at statuses takes at most 1/SHARE of the time
SLICE = 0.001  # seconds of work before other green threads get a turn
AT_ONCE = 1_000  # most ports that are looked at together with their commit


class Position(NamedTuple):
    """Position of an entry: the commit's revision, and a count of entries since that are not in the store."""

    revision: int
    number: int = 0


class LoggedPacket(NamedTuple):
    """A packet that a security group let through or dropped; `projects`: those that asked to be told."""

    projects: frozenset[str]
    said: dict[str, Any]


class FeedEntry(NamedTuple):
    """One entry of the feed.  `statuses`: of ports by id.  `bytes`: of encoded rows that no earlier entry has.
    `packet`: one that is logged.
    """

    position: Position
    rows: tuple[ChangeRecord, ...] = ()
    statuses: tuple[tuple[Port, str, str], ...] = ()
    bytes: int = 0
    packet: LoggedPacket | None = None

    @property
    def weight(self) -> int:
        return len(self.rows) + len(self.statuses) + (self.packet is not None)


class ProgressSignal(Protocol):
    @property
    def changes(self) -> int: ...

    @property
    def by_clock(self) -> bool: ...

    def wait(self, timeout: float) -> None: ...


class Events:
    def __init__(self, replica: Replica, statuses: Statuses) -> None:
        self.process = secrets.token_hex(4)  # numbered positions are valid in this process only
        self._model = replica.model
        self._looked = Looked(replica.model, statuses)
        self._entries: list[FeedEntry] = []
        self._weight = 0
        self.bytes = 0
        self._start = Position(replica.model.revision)  # later entries are kept
        self._news = hub.Signal()
        replica.watch(self._committed, self._foreseen)

    def start(self, progress: ProgressSignal) -> None:
        """Start the green thread that follows statuses of ports."""
        hub.keep(self._follow, progress)

    @property
    def last(self) -> Position:
        return self._entries[-1].position if self._entries else self._start

    def after(self, position: Position) -> list[FeedEntry]:
        """Entries after a position.  Raises Compacted when it is older than what is kept, or of another process."""
        if position < self._start or (position > self.last and position.number):
            raise Compacted(f"events after {position} are not kept, only those after {self._start}")
        return self._entries[bisect_right(self._entries, position, key=lambda each: each.position) :]

    def logged(self, packet: LoggedPacket) -> None:
        """Tell of a packet; does not wait."""
        last = self.last
        self._append(FeedEntry(Position(last.revision, last.number + 1), packet=packet))

    def wait(self, timeout: float) -> None:
        """Wait for further entries, at most `timeout` seconds."""
        self._news.wait(timeout)

    def _foreseen(self, rows: Rows) -> None:
        """Publish statuses before a change of theirs, so that one that comes and goes is an event, too."""
        under_way = self._looked.under_way
        if under_way:
            ports = concerned(self._model, [(after, before) for before, after in rows])
            self._tell([port for port in ports if port.id in under_way][:AT_ONCE])

    def _committed(self, revision: int, rows: Rows | None) -> None:
        if rows is None:
            self._entries.clear()
            self._weight, self.bytes, self._start = 0, 0, Position(revision)
            return
        size = sum(len(encode(row)) for before, after in rows if (row := after or before) is not None)
        self._append(FeedEntry(Position(revision), told(self._model, rows), (), size))
        ports = concerned(self._model, rows)
        if len(ports) <= AT_ONCE:
            self._tell(ports)

    def _append(self, entry: FeedEntry) -> None:
        self._entries.append(entry)
        self._weight += entry.weight
        self.bytes += entry.bytes
        if self._weight > 2 * KEPT or self.bytes > 2 * BYTES:
            self._cut()
        self._news.pulse()

    def _cut(self) -> None:
        """Drop the oldest entries, so that KEPT objects and BYTES of them remain."""
        cut = 0
        while (self._weight > KEPT or self.bytes > BYTES) and cut < len(self._entries) - 1:
            self._weight -= self._entries[cut].weight
            self.bytes -= self._entries[cut].bytes
            cut += 1
        if cut:
            self._start = self._entries[cut - 1].position
            del self._entries[:cut]

    # --- statuses ---

    def _follow(self, progress: ProgressSignal) -> None:
        due, seen = 0.0, -1
        while True:
            began = time.monotonic()
            if began >= due and (progress.changes != seen or progress.by_clock):
                seen = progress.changes
                self.look()
                due = time.monotonic() + max(PAUSE, SHARE * (time.monotonic() - began))
            else:
                self._look(list(self._looked.under_way))
            hub.sleep(max(GLANCE, SHARE * (time.monotonic() - began)))
            progress.wait(PAUSE)

    def look_at(self, ports: Iterable[Port]) -> None:
        """Publish changed statuses and hosts of ports that are about to be shown to a reader.

        What a reader sees is then what was published last, so that a change back is an event, too.
        """
        rows = self._model.rows(Port)
        self._tell([now for port in ports if (now := rows.get(port.id)) is not None])

    def look(self) -> None:
        """Publish every port whose status has changed since the last look."""
        self._look(list(self._model.rows(Port)))
        self._looked.forget_gone()

    def _look(self, port_ids: list[str]) -> None:
        for start in hub.taking_turns(range(0, len(port_ids), 100), SLICE):
            rows = self._model.rows(Port)
            self._tell([port for port_id in port_ids[start : start + 100] if (port := rows.get(port_id)) is not None])

    def _tell(self, ports: Iterable[Port]) -> None:
        """Publish changed statuses and hosts of some ports; does not wait."""
        moved, changed = self._looked.look(ports)
        if moved:
            self._append_now(tuple(self._unchanged(port) for port in moved), ())
        if changed:
            self._append_now((), tuple(changed))

    def _unchanged(self, port: Port) -> ChangeRecord:
        seen_by = audience(self._model, port)
        return ChangeRecord(port, port, seen_by, seen_by)

    def _append_now(self, rows: tuple[ChangeRecord, ...], statuses: tuple[tuple[Port, str, str], ...]) -> None:
        last = self.last
        self._append(FeedEntry(Position(last.revision, last.number + 1), rows, statuses))


def follow(events: Events, position: Position, patience: float, until: float) -> Iterator[FeedEntry | None]:
    """Entries after a position as they come, until `until` (time.monotonic); None after each `patience` seconds
    without one.  Raises Compacted when the reader is too slow.
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
