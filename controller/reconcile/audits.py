"""Audit schedule of a switch: its flows are counted often, and their contents compared seldom."""

from __future__ import annotations

import random
import time
from typing import NamedTuple


class AuditIntervals(NamedTuple):
    """Seconds.  `counts`: between counts of a switch's flows; `dumps`: between dumps of all of them."""

    counts: float = 60.0
    dumps: float = 600.0


class AuditSchedule:
    """When one switch is audited next; monotonic times.

    The first times are random, so that switches that connected together are not audited together.
    """

    def __init__(self, intervals: AuditIntervals) -> None:
        self._intervals = intervals
        now = time.monotonic()
        self._count = now + intervals.counts * random.uniform(0.5, 1.0)
        self._content = now + intervals.dumps * random.uniform(0.1, 1.0)

    @property
    def left(self) -> float:
        """Seconds until the next audit of either kind; 0 or less when it is due."""
        return min(self._count, self._content) - time.monotonic()

    @property
    def content_due(self) -> bool:
        return self._content <= time.monotonic()

    def counted(self) -> None:
        """The flows were counted, and are as many as they should be."""
        self._count = time.monotonic() + self._intervals.counts

    def dumped(self) -> None:
        """All was compared, so the count is known as well."""
        now = time.monotonic()
        self._count, self._content = now + self._intervals.counts, now + self._intervals.dumps
