"""Ranges of numbers as masked matches."""

from __future__ import annotations

from collections.abc import Iterator


def covering(first: int, last: int, bits: int = 16) -> Iterator[tuple[int, int]]:
    """Values and masks that together match every number from `first` to `last`, each once, and no other.

    They are the fewest that do: at most 2 * `bits` - 2.  Each is the largest aligned block that fits where it begins.
    """
    every = (1 << bits) - 1
    while first <= last:
        size = first & -first or 1 << bits
        while first + size - 1 > last:
            size >>= 1
        yield first, every & ~(size - 1)
        first += size
