"""Hold times of the hub: how long one green thread runs before it gives the turn back, while nothing else runs.

Every switch of green threads is seen (`greenlet.settrace`, half a microsecond each).  Where a hold takes too long, a
watchdog in an OS thread takes the stack of whoever holds the hub, while it does; a green thread logs it afterwards.
"""

from __future__ import annotations

import logging
import sys
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from types import FrameType
from typing import Any, NamedTuple

import greenlet  # type: ignore[import-untyped]

from controller.runtime import hub

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds, upper ends
LOGGED = 1.0  # seconds between two looks at which holds to log
MOST = 8  # holds that wait to be logged: more in a second say nothing new
DEEP = 12  # frames of a stack that are logged, the innermost

log = logging.getLogger("tenet.hub")
Clock = Callable[[], float]


class Hold(NamedTuple):
    """Hold over the limit: its seconds, and the stack of the green thread that held the hub."""

    seconds: float
    stack: str


class HubWatch:
    """Counts of holds by length: `counts[i]` of those up to BUCKETS[i], the last of those that are longer."""

    def __init__(self, limit: float, clock: Clock = time.perf_counter) -> None:
        """`limit`: seconds over which a hold is logged; 0: none is.  `clock`: seconds, of time or of processor time."""
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0
        self.longest = 0.0
        self.over: deque[Hold] = deque(maxlen=MOST)
        self._limit = limit
        self._short = min(BUCKETS[0], limit or BUCKETS[0])
        self._clock = clock
        self._hub = hub.loop()
        self._threading = hub.original("threading")  # of the OS: a green one does not run during a hold
        self._holds = 0
        self._since: float | None = None  # start of the present hold; None while the hub waits
        self._reporting: hub.GreenThread | None = None
        self._seen: tuple[int, str] = (-1, "")  # (number of the hold, stack), by the watchdog
        self._stop = self._threading.Event()

    def start(self) -> None:
        """Watch the green threads of this OS thread."""
        self._since = self._clock()
        greenlet.settrace(self._switched)
        if self._limit:
            watched = self._threading.get_ident()
            self._threading.Thread(target=self._watch, args=(watched,), name="held", daemon=True).start()
            self._reporting = hub.keep(self._report)

    def ready(self) -> None:
        """Forget the longest hold so far, the present one included: nobody waits while the store is read."""
        self.longest, self._since = 0.0, self._clock()

    def stop(self) -> None:
        greenlet.settrace(None)
        self._stop.set()
        if self._reporting is not None:
            hub.kill(self._reporting)

    def cumulative(self) -> list[tuple[str, float]]:
        """(upper end, holds up to it), as Prometheus wants a histogram."""
        found, count = [], 0
        for end, more in zip([*map(str, BUCKETS), "+Inf"], self.counts, strict=True):
            count += more
            found.append((end, float(count)))
        return found

    def _switched(self, event: str, switch: tuple[Any, Any]) -> None:
        """Trace function of greenlet switches; fast, and never raises (greenlet would stop tracing)."""
        now = self._clock()
        since = self._since
        if since is not None:
            held = now - since
            self.total += held
            if held > self.longest:
                self.longest = held
            if held <= self._short:  # as most: this is done at every switch
                self.counts[0] += 1
            else:
                self._count(held)
        self._holds += 1
        self._since = None if switch[1] is self._hub.greenlet else now

    def _count(self, held: float) -> None:
        self.counts[bisect_left(BUCKETS, held)] += 1
        if self._limit and held > self._limit:
            number, stack = self._seen
            self.over.append(Hold(held, stack if number == self._holds else ""))

    # --- who it was ---

    def _watch(self, watched: int) -> None:
        """Watchdog in an OS thread: takes one stack of each hold over half of the limit."""
        while not self._stop.wait(self._limit / 4):
            number, since = self._holds, self._since
            if since is not None and self._seen[0] != number and self._clock() - since > self._limit / 2:
                frame = sys._current_frames().get(watched)
                if frame is not None:
                    stack = _shown(frame)
                    if number == self._holds:
                        self._seen = (number, stack)

    def _report(self) -> None:
        while True:
            hub.sleep(LOGGED)
            while self.over:
                hold = self.over.popleft()
                log.warning("the hub was held for %.3f s by %s", hold.seconds, hold.stack or "an unknown green thread")


def _shown(frame: FrameType) -> str:
    """The innermost frames in one line, the outermost of them first: `file:line function`."""
    found: list[str] = []
    outer: FrameType | None = frame
    while outer is not None and len(found) < DEEP:
        code = outer.f_code
        found.append(f"{code.co_filename.rpartition('/')[2]}:{outer.f_lineno} {code.co_name}")
        outer = outer.f_back
    return " > ".join(reversed(found))
