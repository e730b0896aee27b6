"""Flap damping, after RFC 2439: what goes down again and again is held down until it has been quiet for a while.

Every fall costs a point; points halve every HALF seconds.  Above SUPPRESS points it is held; below REUSE it is let go.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

HALF = 5.0  # seconds
SUPPRESS, REUSE, MOST = 3.0, 1.0, 8.0  # points; MOST bounds how long the past counts: three halvings

K = TypeVar("K", bound=Hashable)


class Damping(Generic[K]):
    """Times are of one monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._points: dict[K, tuple[float, float]] = {}  # points, and when they were counted
        self._held: set[K] = set()

    def fell(self, key: K, now: float) -> bool:
        """Count a fall; True when the key is held from now on and was not before."""
        points = min(self._now(key, now) + 1.0, MOST)
        self._points[key] = (points, now)
        if points > SUPPRESS and key not in self._held:
            self._held.add(key)
            return True
        return False

    def holds(self, key: K, now: float) -> bool:
        """Whether the key is held down."""
        if key not in self._held:
            return False
        if self._now(key, now) >= REUSE:
            return True
        self._held.discard(key)
        self._points.pop(key, None)
        return False

    def counts(self, key: K) -> bool:
        """Whether a fall of the key is remembered."""
        return key in self._points

    def forget_old(self, now: float) -> None:
        """Let go of what has all but no points left."""
        for key in [key for key in self._points if key not in self._held and self._now(key, now) < 0.1]:
            del self._points[key]

    def _now(self, key: K, now: float) -> float:
        points, when = self._points.get(key, (0.0, now))
        return points * float(0.5 ** ((now - when) / HALF))
