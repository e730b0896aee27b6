"""Garbage collection: when the interpreter looks for cycles."""

from __future__ import annotations

import gc

_YOUNG = 20_000  # objects made, and not ended, between two looks at the young ones
_SECOND = 5  # such looks until those that were left are looked at again: 100,000 take 10 ms, which hold the hub
_ALL = 500  # such second looks until all are looked at


def settle() -> None:
    """Call once the model is read: it is large, long-lived and free of cycles, so it is not to be looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _SECOND, _ALL)
