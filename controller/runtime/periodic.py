"""Deadlines by key, soonest first: what one thread needs to do the periodic work of many."""

from __future__ import annotations

import heapq
import math
import zlib
from collections.abc import Hashable
from itertools import count
from typing import Generic, TypeVar

SPARE = 64  # replaced deadlines before the heap is rebuilt

K = TypeVar("K", bound=Hashable)


def phase(*key: str) -> float:
    """Phase of a key in its period, 0 <= phase < 1: a hash, the same in every process."""
    return zlib.crc32("\0".join(key).encode()) / 2**32


def next_slot(now: float, every: float, at: float) -> float:
    """Next time after `now` of work done once in `every` seconds, at phase `at` of each period.

    Periods begin at multiples of `every`, so whoever has the same clock has the same slots, whenever it began.
    """
    slot = (math.floor(now / every - at) + 1 + at) * every
    return slot if slot > now else slot + every  # rounded


class Schedule(Generic[K]):
    """One deadline a key."""

    def __init__(self) -> None:
        self._at: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []  # including replaced deadlines
        self._numbers = count()

    def put(self, key: K, at: float) -> None:
        """Set the key's deadline."""
        self._at[key] = at
        heapq.heappush(self._heap, (at, next(self._numbers), key))
        if len(self._heap) > 2 * len(self._at) + SPARE:
            self._heap = [(when, next(self._numbers), each) for each, when in self._at.items()]
            heapq.heapify(self._heap)

    def drop(self, key: K) -> None:
        self._at.pop(key, None)

    def due(self, now: float, most: int) -> list[tuple[K, float]]:
        """Take the keys whose deadline has passed, the earliest `most` of them."""
        found: list[tuple[K, float]] = []
        while len(found) < most and (at := self.next()) is not None and at <= now:
            key = heapq.heappop(self._heap)[2]
            found.append((key, self._at.pop(key)))
        return found

    def next(self) -> float | None:
        """Earliest deadline, or None."""
        while self._heap and self._at.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def __contains__(self, key: object) -> bool:
        return key in self._at

    def __len__(self) -> int:
        return len(self._at)
