"""Flows that frames can be sent through."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..flow import Flow
from .conntrack import Conntrack
from .frame import Frame
from .lookup import TableIndex
from .tracker import Tracker
from .walk import Sent, Step, Walk

NOTHING_KNOWN = Conntrack()


class Passage(NamedTuple):
    """A frame's way through a switch; `tracker`: the connections after it."""

    steps: list[Step]
    sent: list[Sent]
    tracker: Tracker

    @property
    def visited(self) -> list[Flow]:
        return [step.flow for step in self.steps if step.flow is not None]


class Pipeline:
    """Flows, by table.

    `down`: ports that have no carrier.  `chance` stands for the hash of a select group: it picks a bucket.
    `exhausted`: meters that let nothing through; what has been done with a frame before it meets one is done.
    Frames are tracked as if no connection were known, unless a tracker is given.
    """

    def __init__(
        self,
        flows: Iterable[Flow],
        down: frozenset[int] = frozenset(),
        chance: int = 0,
        exhausted: frozenset[int] = frozenset(),
    ) -> None:
        self.down = down
        self.exhausted = exhausted
        self.chance = chance
        tables: dict[int, list[Flow]] = {}
        for flow in flows:
            tables.setdefault(flow.table.number, []).append(flow)
        self._tables = {number: TableIndex(held) for number, held in tables.items()}

    def through(self, frame: Frame, tracker: Tracker = NOTHING_KNOWN) -> Passage:
        """A frame's whole way; the next one is to be sent with the passage's tracker."""
        walk = Walk(self, frame, tracker)
        return Passage(walk.steps, walk.sent, walk.tracker)

    def send(self, frame: Frame, tracker: Tracker = NOTHING_KNOWN) -> list[Sent]:
        """All that leaves because of a frame, in order; to the controller as port CONTROLLER."""
        return self.through(frame, tracker).sent

    def trace(self, frame: Frame, tracker: Tracker = NOTHING_KNOWN) -> tuple[list[Step], list[Sent]]:
        """The same, with every lookup on the way."""
        passage = self.through(frame, tracker)
        return passage.steps, passage.sent

    def visited(self, frame: Frame, tracker: Tracker = NOTHING_KNOWN) -> list[Flow]:
        """The flows that a frame meets, in order."""
        return self.through(frame, tracker).visited

    def lookup(self, table: int, frame: Frame) -> Flow | None:
        """The flow that a frame meets in a table.  Raises `Ambiguous`."""
        held = self._tables.get(table)
        return None if held is None else held.find(frame)
