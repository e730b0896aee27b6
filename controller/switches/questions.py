"""Open questions for neighbours: how often each is asked, how many there may be, and what failed a moment ago."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from apps.packets.neighbor_query import Address
from controller.openflow.session import Session
from controller.runtime.periodic import Schedule

TRIES, PAUSE = 3, 1.0  # times that a question is asked, and seconds between two (RFC 4861, 10: the same)
FAILED = 5.0  # seconds that nobody is asked again after no answer
OF_SWITCH, OF_ROUTER = 512, 64  # most open questions of a switch, and of those of one router
REMEMBERED = 4096  # failed questions


class Wanted(NamedTuple):
    """An address that a switch wants to know the MAC of."""

    switch_id: str
    network_id: str
    address: Address


@dataclass
class OpenQuestion:
    """`segment`: of the network; `router`: number of the router that it is for; `waiting`: the last packet that needs
    the answer, as a frame (RFC 1122, 2.3.2.2).
    """

    wanted: Wanted
    session: Session
    segment: int
    router: int
    waiting: bytes = b""
    asked: int = field(default=0)


class Questions:
    """Open questions.  `clock`: monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[Wanted, OpenQuestion] = {}
        self._schedule: Schedule[Wanted] = Schedule()
        self._counts: Counter[tuple[str, ...]] = Counter()  # open questions, by switch and by switch and router
        self._failed: OrderedDict[Wanted, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def get(self, wanted: Wanted) -> OpenQuestion | None:
        return self._open.get(wanted)

    def has_failed(self, wanted: Wanted) -> bool:
        """Whether nobody has answered a moment ago."""
        return self._clock() < self._failed.get(wanted, 0.0)

    def open(self, question: OpenQuestion) -> bool:
        """Open a question, which is due at once; False where there are too many."""
        of_switch, of_router = bounds = _bounds(question)
        if self._counts[of_switch] >= OF_SWITCH or self._counts[of_router] >= OF_ROUTER:
            return False
        wanted = question.wanted
        self._open[wanted] = question
        self._counts.update(bounds)
        self._schedule.put(wanted, self._clock())
        return True

    def close(self, wanted: Wanted) -> None:
        question = self._open.pop(wanted)
        self._schedule.drop(wanted)
        for bound in _bounds(question):
            self._counts[bound] -= 1
            if not self._counts[bound]:
                del self._counts[bound]

    def due(self, most: int) -> tuple[list[OpenQuestion], list[OpenQuestion]]:
        """Questions to be asked now, and those that nobody has answered, which are closed."""
        now = self._clock()
        asked, failed = [], []
        for wanted, _ in self._schedule.due(now, most):
            question = self._open[wanted]
            if question.asked == TRIES or question.session.closed:
                self.close(wanted)
                failed.append(question)
                self._remember(wanted, now + FAILED)
                continue
            question.asked += 1
            self._schedule.put(wanted, now + PAUSE)
            asked.append(question)
        return asked, failed

    def _remember(self, wanted: Wanted, until: float) -> None:
        self._failed[wanted] = until
        self._failed.move_to_end(wanted)
        if len(self._failed) > REMEMBERED:
            self._failed.popitem(last=False)

    def wait(self, longest: float) -> float:
        """Seconds until a question is due."""
        following = self._schedule.next()
        return longest if following is None else min(longest, max(0.0, following - self._clock()))


def _bounds(question: OpenQuestion) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a question counts for: its switch, and its router there."""
    switch_id = question.wanted.switch_id
    return (switch_id,), (switch_id, str(question.router))
