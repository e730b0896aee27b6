"""Space quota of etcd, polled: logged when etcd refuses writes, and when it takes them again.

Compaction is left to etcd (`--auto-compaction-retention`): its history is shared by all clients.
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
    """Size of etcd's database in bytes.  `size`: of the file; `in_use`: the part that is not free; 0: unknown."""

    def __init__(self, etcd: Etcd) -> None:
        self.size = 0
        self.in_use = 0
        self.full = False
        self._etcd = etcd
        self._thread = hub.keep(self._watch)

    def close(self) -> None:
        hub.kill(self._thread)

    def look(self) -> None:
        """Poll one member of etcd.  Raises Unavailable, Refusal."""
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
                log.debug("etcd's size is unknown: %s", error)
            hub.sleep(EVERY)
