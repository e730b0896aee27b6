"""Changes that others made to a switch's flows, and the time of the comparison that follows them.

A comparison costs as much as the switch holds flows, and changes may never end.  So the first one after a quiet time is
followed by a comparison soon; while more come, each comparison waits twice as long as the one before.
"""

from __future__ import annotations

from math import inf

SOON = 0.2  # seconds in which the changes of one command or script gather
PACE = 1.0  # seconds between the first two comparisons; doubled by each, up to the interval of audits


class ForeignChanges:
    """Foreign changes of one connection.  Times are monotonic, in seconds; `longest`: between two comparisons."""

    def __init__(self, longest: float) -> None:
        self.count = 0  # since the connection began
        self.due = inf  # when the switch is to be compared
        self._longest = longest
        self._told = 0  # of `count`: those that a comparison has covered
        self._pace = 0.0  # between the last comparison and the next
        self._compared = -inf  # when a comparison began last

    def seen(self, count: int, now: float) -> bool:
        """`count` more changes (0: an unknown number); whether that sets `due`."""
        self.count += count
        if self.due < inf:
            return False
        if now - self._compared > 2 * self._pace:
            self._pace = 0.0  # all was quiet
        self.due = max(now + SOON, self._compared + self._pace)
        return True

    def comparing(self, now: float) -> int:
        """A comparison begins: what changes from now on is for the next.  Returns how many changes it covers."""
        if self.due < inf:
            self._pace = min(max(2 * self._pace, PACE), self._longest)
            self._compared = now
        self.due = inf
        covered, self._told = self.count - self._told, self.count
        return covered
