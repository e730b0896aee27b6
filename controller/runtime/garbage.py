"""Garbage collection: when the interpreter looks for cycles."""

from __future__ import annotations

import gc

_YOUNG = 50_000  # objects made, and not ended, between two looks at the young ones


def settle() -> None:
    """Call once the model is read: it is large, long-lived and free of cycles, so it is not to be looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 50)
