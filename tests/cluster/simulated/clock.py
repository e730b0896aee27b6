"""Virtual time, and the clocks of machines, none of which is right."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable

DRIFT = 0.02  # at most, of a machine's clock: lease margins are for this, too
JUMP = 3600.0


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def after(self, delay: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self.now + delay, next(self._order), act))

    def run(self, until: float) -> None:
        while self._queue and self._queue[0][0] <= until:
            self.now, _, act = heapq.heappop(self._queue)
            act()
        self.now = until


class Machine:
    """A machine's clocks: the monotonic one begins anywhere and drifts, the wall clock is set now and then."""

    def __init__(self, clock: Clock, chance: random.Random) -> None:
        self._clock = clock
        self._begin = chance.uniform(0, 1e6)
        self._rate = chance.uniform(1 - DRIFT, 1 + DRIFT)
        self._off = 0.0

    def monotonic(self) -> float:
        return self._begin + self._rate * self._clock.now

    def wall(self) -> float:
        return 1.7e9 + self._clock.now + self._off

    def jump(self, chance: random.Random) -> None:
        """Somebody sets the wall clock."""
        self._off = chance.choice([-JUMP, 0.0, JUMP])
