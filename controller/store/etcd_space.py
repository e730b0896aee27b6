"""How full etcd is: looked at now and again, told once when it refuses writes, and once when it takes them again.

Compacting its history is etcd's own business (`--auto-compaction-retention`): it is one for all who use that etcd.
"""

from __future__ import annotations

import logging

from controller.runtime import hub
from controller.runtime.errors import Unavailable
from controller.store.etcd_client import Etcd, Refusal

log = logging.getLogger("tenet.store")

EVERY = 10.0  # seconds
MIB = 1024 * 1024


class Space:
    """`size`: bytes of etcd's database file; `in_use`: of them, those not free for new rows; 0 where not known."""

    def __init__(self, etcd: Etcd) -> None:
        self.size = 0
        self.in_use = 0
        self.full = False
        self._etcd = etcd
        self._thread = hub.keep(self._watch)

    def close(self) -> None:
        hub.kill(self._thread)

    def look(self) -> None:
        """Ask one member of etcd.  Raises Unavailable, Refusal."""
        status = self._etcd.call("maintenance/status", {})
        self.size = int(status.get("dbSize", 0))
        self.in_use = int(status.get("dbSizeInUse", 0))
        full = any("NOSPACE" in alarm for alarm in status.get("errors", ()))  # etcd 3.4: v3rpc/maintenance.go, Status
        if full != self.full:
            self.full = full
            self._tell()

    def _tell(self) -> None:
        if self.full:
            log.error("etcd is at its space quota (%d MiB, %d in use) and takes no writes: compact, defragment, "
                      "then `etcdctl alarm disarm`", self.size // MIB, self.in_use // MIB)  # fmt: skip
        else:
            log.warning("etcd takes writes again (%d MiB, %d in use)", self.size // MIB, self.in_use // MIB)

    def _watch(self) -> None:
        while True:
            try:
                self.look()
            except (Unavailable, Refusal) as error:
                log.debug("etcd does not say how full it is: %s", error)
            hub.sleep(EVERY)
