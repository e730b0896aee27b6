"""Log lines with back-off: what a peer can cause at line rate is counted, and told ever more rarely."""

from __future__ import annotations

import time
from collections.abc import Callable

FIRST, LONGEST = 1.0, 64.0  # seconds between two lines about one subject; twice as long each time
SUBJECTS = 256  # subjects with a pace of their own; all others share one


class LogPace:
    """Back-off of repeated log lines: one instance a place that logs, one pace a subject."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, float, int]] = {}  # when the next line may be, after how long, left out

    def due(self, subject: str) -> int:
        """Occurrences since the last line, this one included; 0: no line is due."""
        if subject not in self._kept and len(self._kept) >= SUBJECTS:
            self._drop_calm()
            subject = subject if len(self._kept) < SUBJECTS else ""
        now = self._clock()
        at, after, left_out = self._kept.get(subject, (now, FIRST / 2, 0))
        if now < at:
            self._kept[subject] = at, after, left_out + 1
            return 0
        after = FIRST if now - at > LONGEST else min(2 * after, LONGEST)
        self._kept[subject] = now + after, after, 0
        return left_out + 1

    def _drop_calm(self) -> None:
        now = self._clock()
        self._kept = {subject: each for subject, each in self._kept.items() if now - each[0] <= LONGEST}


def times(count: int) -> str:
    """Suffix of a line about something that happened `count` times since the last line."""
    return f" ({count} times since this was last logged)" if count > 1 else ""
