"""Leases of etcd, kept alive by a green thread each."""

from __future__ import annotations

import logging
import math
import time

from controller.runtime import hub
from controller.runtime.errors import Unavailable
from controller.store.etcd_client import TIMEOUT, Etcd, Refusal

log = logging.getLogger("tenet.store")


class EtcdLease:
    """See controller.store.store.Lease.  `id` is etcd's."""

    def __init__(self, etcd: Etcd, ttl: float, keep: bool = True) -> None:
        """Grant a lease of `ttl` seconds, rounded up; etcd may make it longer.  Raises Unavailable, Refusal."""
        self._etcd = etcd
        asked = time.monotonic()
        answer = etcd.call("lease/grant", {"TTL": math.ceil(ttl)})
        self.id = int(answer["ID"])
        self.ttl = float(answer["TTL"])
        self.alive_until = asked + self.ttl  # from the time of the request: etcd starts counting later
        self.lost = hub.Signal()
        self._thread = hub.keep(self._keep) if keep else None

    @property
    def alive(self) -> bool:
        return time.monotonic() < self.alive_until and not self.lost.is_set()

    def revoke(self) -> None:
        """Revoke the lease: its rows vanish now, or when it lapses if etcd cannot be reached."""
        if self.lost.is_set():
            return
        self._end()
        try:
            self._etcd.call("lease/revoke", {"ID": self.id})
        except (Unavailable, Refusal) as error:
            log.info("lease %x: not revoked: %s", self.id, error)

    def abandon(self) -> None:
        """Stop refreshing the lease, so that it lapses."""
        self._end()

    def _end(self) -> None:
        self.alive_until = -math.inf
        self.lost.set()
        if self._thread is not None:
            hub.kill(self._thread)
            self._thread = None

    def _keep(self) -> None:
        """Refresh often enough that two members of etcd may fail to answer within one TTL."""
        period = self.ttl / 6
        while not self.lost.is_set():
            hub.sleep(period)
            asked = time.monotonic()
            try:
                answer = self._etcd.call("lease/keepalive", {"ID": self.id}, timeout=min(TIMEOUT, self.ttl / 3))
            except (Unavailable, Refusal) as error:
                log.debug("lease %x: not refreshed: %s", self.id, error)
                continue
            left = int(answer.get("result", {}).get("TTL", 0))
            if left <= 0:
                log.warning("lease %x has lapsed", self.id)
                self._thread = None
                self._end()
                return
            self.alive_until = asked + left
