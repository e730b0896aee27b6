"""Back-off of repeated attempts: the first is at once, and each that follows soon waits twice as long."""

from __future__ import annotations

from collections.abc import Callable

FIRST = 0.1  # s before the second attempt
LONGEST = 30.0
MOST = 256  # subjects above which quiet ones are forgotten
CALM = 10.0  # s without an attempt after which a subject starts anew


class Pace:
    """Attempts by subject.  Successful ones count too: a repair that is needed again and again means a conflict."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tries: dict[str, tuple[int, float]] = {}  # number of consecutive attempts, and the time of the last

    def tried(self, subject: str) -> None:
        now = self._clock()
        if len(self._tries) > MOST:
            self._tries = {one: held for one, held in self._tries.items() if now - held[1] <= CALM + LONGEST}
        count, last = self._tries.get(subject, (0, now))
        calm = now - last > CALM + self._delay(count)
        self._tries[subject] = (1 if calm else count + 1, now)

    def left(self, subject: str) -> float:
        """Seconds until the next attempt is allowed; 0 if it is now."""
        count, last = self._tries.get(subject, (0, 0.0))
        return max(0.0, last + self._delay(count) - self._clock()) if count else 0.0

    def _delay(self, count: int) -> float:
        return min(LONGEST, FIRST * 2 ** (min(count, 16) - 1)) if count else 0.0
