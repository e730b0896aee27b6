"""Spans of numbers that do not overlap, found in logarithmic time: ports that are forwarded, prefixes that count."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable

Span = tuple[int, int]  # first and last number


class Spans:
    """A set of spans that do not overlap."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._spans = sorted(spans)

    def overlapping(self, span: Span) -> Span | None:
        """A span of the set that overlaps this one, or None."""
        place = bisect_right(self._spans, (span[1], 1 << 128))
        before = self._spans[place - 1] if place else None
        return before if before is not None and before[1] >= span[0] else None

    def add(self, span: Span) -> None:
        insort(self._spans, span)
