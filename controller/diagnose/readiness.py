"""Readiness: whether the store takes writes, and this process is a member of its cluster."""

from __future__ import annotations

import time
from collections.abc import Callable

from controller.runtime import hub
from controller.runtime.errors import Unavailable
from controller.store.store import Store

FRESH = 2.0  # seconds that one test write counts, so that frequent checks do not write more often
PATIENCE = 3.0  # seconds until a silent store counts as unavailable


class Readiness:
    """Readiness of this process for clients.  `hindrance`: reason to use another member, or ""."""

    def __init__(self, store: Store, hindrance: Callable[[], str] = lambda: "") -> None:
        self._store = store
        self._hindrance = hindrance
        self._said = ""  # reason of the last test write's failure, "" if it succeeded
        self._until = 0.0  # monotonic time until which that counts
        self._answered: hub.Signal | None = None  # while a test write is under way

    def why_not(self) -> str:
        """Reason why this process is not ready, or ""."""
        return self._hindrance() or self._store_says()

    def _store_says(self) -> str:
        if time.monotonic() < self._until:
            return self._said
        answered = self._answered
        if answered is None:
            answered = self._answered = hub.Signal()
            hub.spawn(self._ask, answered)
        return self._said if answered.wait(PATIENCE) else f"the store has not taken a write within {PATIENCE:g} s"

    def _ask(self, answered: hub.Signal) -> None:
        try:
            self._store.probe()
            self._said = ""
        except Unavailable as error:
            self._said = f"the store takes no writes: {error}"
        finally:
            self._until = time.monotonic() + FRESH
            self._answered = None
            answered.set()
