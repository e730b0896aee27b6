"""Publication of this member's own rows under a lease.

A lease that may have lapsed is never used again.  The next one can only be taken when no row of this member exists:
of two processes with one name, the second waits until the first one's lease ends.
"""

from __future__ import annotations

import logging
import time
import uuid

import msgspec

from controller.cluster.held_lease import HeldLease
from controller.cluster.levels import ClusterProgress
from controller.cluster.mastery import Shared
from controller.model.model import Dependency
from controller.model.rows import Level, Member, Presence, Reach, Row
from controller.runtime import hub
from controller.runtime.errors import Changed, Unavailable
from controller.store.codec import decode, encode
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import Transaction, transact

log = logging.getLogger("tenet.cluster")

RHYTHM = 0.05  # seconds between two publications, at least; the first after a pause is immediate
SLOWEST = 0.3  # seconds between two publications, at most, while the store is slow
SHARE = 10  # at most 1/SHARE of the time is spent publishing
RETRY = 0.3
LISTED = 64 * 1024  # characters of refused objects and reasons in a row: etcd refuses rows of 1.5 MB
REASON = 200  # characters of one reason


class Membership:
    """This member's presence in the cluster.  One green thread publishes its rows, one watches the lease's time."""

    def __init__(
        self,
        store: Store,
        replica: Replica,
        me: Member,
        ttl: float,
        mastery: Shared,
        levels: ClusterProgress,
        held: HeldLease,
    ) -> None:
        self.me = me
        self._held = held
        self._store = store
        self._replica = replica
        self._ttl = ttl
        self._mastery = mastery
        self._levels = levels
        self._published: dict[str, Row] = {}
        self._instances: set[str] = set()  # every instance id that this process has been present under
        self._dirty = hub.Signal()
        self._threads: list[hub.GreenThread] = []
        mastery.listen_published(self._dirty.set)
        levels.progress.listen(self._dirty.set)
        replica.listen(self._heard)

    def start(self) -> None:
        self._dirty.set()
        self._threads = [hub.keep(self._publish), hub.keep(self._watch)]

    def leave(self) -> None:
        """Revoke the lease, so that others take over at once."""
        for thread in self._threads:
            hub.kill(thread)
        lease = self._held.take_away()
        self._mastery.instance = ""
        if lease is not None:
            lease.revoke()

    # --- the lease ---

    def _watch(self) -> None:
        """Stop this process's writes as soon as the lease may have lapsed: another member may be master by then."""
        while True:
            hub.sleep(max(self._held.until() - time.monotonic(), self._ttl / 20))
            if self._mastery.instance and time.monotonic() >= self._held.until():
                self._drop("the lease may have lapsed")

    def _heard(self, touched: set[Dependency]) -> None:
        if (Member, self.me.id) in touched:
            self._dirty.set()
        if (Presence, self.me.id) in touched and self._mastery.instance and not self._mastery.present:
            self._drop("this member's rows disappeared")

    def _drop(self, why: str) -> None:
        log.warning("member %s: %s: no switch is programmed", self.me.id, why)
        self._held.lapses += 1
        self._mastery.instance = ""
        lease = self._held.take_away()
        if lease is not None:
            hub.spawn(lease.revoke)  # while its rows exist, no other member takes over
        self._published.clear()
        self._mastery.tell()
        self._dirty.set()

    def _join(self) -> None:
        """Take a lease and write our presence under it.  Raises Unavailable, Changed."""
        transact(self._store, self._replica, self._enrol)
        lease = self._store.lease(self._ttl)
        instance = uuid.uuid4().hex
        presence = Presence(id=self.me.id, instance=instance, since=time.time(), lease=lease.ttl)
        reach = self._reach()
        self._instances.add(instance)
        try:
            revision = self._store.commit(
                {presence.key: self._left_over(presence.key)},
                {row.key: encode(row) for row in (presence, reach)},
                lease,
            )
        except Exception:
            lease.revoke()
            raise
        self._held.lease = lease
        self._published = {presence.key: presence, reach.key: reach}
        self._replica.wait(revision, self._ttl)
        self._mastery.instance = instance
        log.info("member %s: present, lease %g s", self.me.id, lease.ttl)
        self._mastery.tell()

    def _left_over(self, key: str) -> int:
        """The revision of a presence row left by an earlier lease of this process; 0 when there should be none."""
        row = self._store.get(key)
        if row is None:
            return 0
        left = decode(key, row.value)
        return row.revision if isinstance(left, Presence) and left.instance in self._instances else 0

    def _enrol(self, transaction: Transaction) -> None:
        """Write our addresses.  A restarted member no longer drains."""
        held = transaction.get(Member, self.me.id)
        draining = held is not None and held.draining and bool(self._instances)
        wanted = msgspec.structs.replace(self.me, draining=draining)
        if held != wanted:
            transaction.put(wanted)

    # --- rows ---

    def _publish(self) -> None:
        waiting = ""  # the reason, logged once
        while True:
            self._dirty.wait()
            self._dirty.clear()
            try:
                if not self._mastery.instance:
                    self._join()
                if self._replica.model.get(Member, self.me.id) is None:  # a restore removed our row
                    transact(self._store, self._replica, self._enrol)
                began = time.monotonic()
                self._write()
                waiting = ""
                hub.sleep(min(max(RHYTHM, SHARE * (time.monotonic() - began)), SLOWEST))
            except Changed as error:
                waiting = self._say(
                    waiting, "another process with this name holds a lease, or held one until just now; waiting", error
                )
                self._again()
            except Unavailable as error:
                waiting = self._say(waiting, "the store refuses this member's rows", error)
                self._again()

    def _say(self, before: str, now: str, error: object = "") -> str:
        if now != before:
            log.warning("member %s: %s%s%s", self.me.id, now, ": " if error else "", error)
        return now

    def _again(self) -> None:
        hub.sleep(RETRY)
        self._dirty.set()

    def _write(self) -> None:
        rows: list[Row] = [self._reach()]
        if self._mastery.held or f"level/{self.me.id}" in self._published:
            rows.append(self._level())
        fresh = {row.key: row for row in rows if self._published.get(row.key) != row}
        lease = self._held.lease
        if fresh and lease is not None:
            self._store.commit({}, {key: encode(row) for key, row in fresh.items()}, lease)
            if self._held.lease is lease:
                self._published.update(fresh)

    def _reach(self) -> Reach:
        mastery = self._mastery
        return Reach(
            id=self.me.id,
            switches=tuple(sorted(mastery.connected)),
            databases=tuple(sorted(mastery.databases)),
            held=tuple(sorted(mastery.held)),
        )

    def _level(self) -> Level:
        held = self._mastery.held
        progress = self._levels.progress
        behind = {switch_id: at for switch_id, at in sorted(progress.behind().items()) if switch_id in held}
        listed, unlisted = bounded(progress.refused())
        doubtful = sorted(progress.refusing_switches()) if unlisted else []
        return Level(id=self.me.id, compiled=progress.compiled, behind=behind, refused=listed,
                     unlisted=unlisted, doubtful=tuple(doubtful))  # fmt: skip


def bounded(refused: dict[str, str]) -> tuple[dict[str, str], int]:
    """Refusals cut to LISTED characters: the entries (key of an object -> reason), and how many were left out."""
    listed: dict[str, str] = {}
    left = LISTED
    for key, why in refused.items():
        why = why[:REASON]
        left -= len(key) + len(why)
        if left < 0:
            break
        listed[key] = why
    return listed, len(refused) - len(listed)
