"""Token cache for keystonemiddleware, bounded in memory."""

from __future__ import annotations

import time as clocks
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

MOST = 32 * 2**20  # bytes of what is remembered: some 5,000 tokens with a catalogue of OpenStack's services


class RememberedToken(NamedTuple):
    until: float
    value: bytes


class Remembered:
    """Forgets the longest unused when there is too much.

    The middleware's own cache in the process has no bound, and goes through all of itself at every question.
    """

    def __init__(self, most: int = MOST, clock: Callable[[], float] = clocks.monotonic) -> None:
        self.size = 0  # bytes
        self._most = most
        self._clock = clock
        self._entries: OrderedDict[str, RememberedToken] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.until <= self._clock():
            self._forget(key)
            return None
        self._entries.move_to_end(key)
        return entry.value

    def set(self, key: str, value: bytes, time: int = 0) -> None:
        """`time`: seconds to remember it; 0 and less: not at all."""
        self._forget(key)
        if time <= 0 or len(value) > self._most:
            return
        self._entries[key] = RememberedToken(self._clock() + time, value)
        self.size += len(value)
        while self.size > self._most:
            self._forget(next(iter(self._entries)))

    def _forget(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.size -= len(entry.value)
