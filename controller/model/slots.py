"""Which numbers are held: slots of quotas (`quota/<project>/<resource>/<number>`) and numbers of switches
(`switch/<number>`), as sets of numbers.

A set is an integer of which bit n is number n: to count 100,000 slots, or to find the free ones, takes microseconds.
"""

from __future__ import annotations

PREFIXES = ("taken/quota/", "taken/switch/")


class Slots:
    def __init__(self) -> None:
        self._held: dict[str, int] = {}  # quota -> numbers of its held slots
        self._of: dict[str, str] = {}  # key of a row -> the slot that it holds, without "taken/"

    def held(self, quota: str) -> int:
        return self._held.get(quota, 0)

    def of(self, holder: str) -> str | None:
        """Slot held by a row, without "taken/"; None if it holds none."""
        return self._of.get(holder)

    def put(self, key: str, old: str | None, new: str | None) -> None:
        """Pass a reservation below PREFIXES from one row (its key; None: nobody) to another."""
        if old is not None:
            self._of.pop(old, None)
        if new is not None:
            self._of[new] = key.removeprefix("taken/")
        quota, _, number = key.removeprefix("taken/").rpartition("/")
        bit = 1 << int(number)
        now = self._held.get(quota, 0)
        now = now | bit if new is not None else now & ~bit
        if now:
            self._held[quota] = now
        else:
            self._held.pop(quota, None)
