"""Lease of the embedded store: it lapses when the process is paused for longer than its TTL."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable

from controller.runtime import hub

log = logging.getLogger("tenet.store")


class LocalLease:
    """See controller.store.store.Lease.  `lapse` is called once, after its end."""

    def __init__(self, ttl: float, lapse: Callable[[LocalLease], None]) -> None:
        self.ttl = ttl
        self.alive_until = time.monotonic() + ttl
        self.lost = hub.Signal()
        self._lapse = lapse
        self._thread = hub.keep(self._keep)

    @property
    def alive(self) -> bool:
        return time.monotonic() < self.alive_until and not self.lost.is_set()

    def revoke(self) -> None:
        if not self.lost.is_set():
            hub.kill(self._thread)
            self._end()

    def _end(self) -> None:
        self.alive_until = -math.inf
        self.lost.set()
        self._lapse(self)

    def _keep(self) -> None:
        while True:
            hub.sleep(self.ttl / 6)
            if not self.alive:
                log.warning("a lease has lapsed: the process was paused for more than %g s", self.ttl)
                return self._end()
            self.alive_until = time.monotonic() + self.ttl
