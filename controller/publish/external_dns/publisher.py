"""Publisher of names in external DNS: one member of the cluster sends what differs, until the server has it.

Each name is in one update at a time, so that its changes arrive in order.  A server that does not answer, a zone whose
updates it refuses, and a name that others have are tried again, ever more seldom, each for itself.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from controller.config.external_dns import ExternalDnsSettings
from controller.config.physical_networks import PhysicalNetworks
from controller.model.model import Dependency
from controller.model.rows import UnpublishedZone
from controller.publish.external_dns import rows
from controller.publish.external_dns.updates import Answer, Result, Update, Updater
from controller.publish.external_dns.wanted import NameChange, WantedNames
from controller.publish.external_dns.zones import Zones
from controller.runtime import hub
from controller.runtime.errors import Unavailable
from controller.runtime.logpace import LogPace, times
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import Transaction, transact

log = logging.getLogger("tenet.dns")

OWNER = "external-dns"  # whoever speaks for this, publishes
SERVER = "."  # subject of the back-off of the server, as of a zone
TOGETHER = 64  # updates in one connection: BIND takes 100 at a time (update-quota)
FIRST, SLOWEST, SELDOM = 1.0, 60.0, 600.0  # seconds between attempts: the first, of a zone at most, of a name at most
LOOK = 1.0  # seconds between looks at the clock and at who is to publish


class Backoff:
    """Times before which something that fails is not tried again, by subject."""

    def __init__(self, slowest: float, clock: Callable[[], float]) -> None:
        self._slowest = slowest
        self._clock = clock
        self._kept: dict[str, tuple[float, float]] = {}  # when again, after how long

    def failed(self, subject: str) -> float:
        """Seconds until it is tried again."""
        _, delay = self._kept.get(subject, (0.0, FIRST / 2))
        delay = min(2 * delay, self._slowest)
        self._kept[subject] = self._clock() + delay, delay
        return delay

    def succeeded(self, subject: str) -> None:
        self._kept.pop(subject, None)

    def forget(self) -> list[str]:
        """All subjects, which are tried again at once."""
        found = list(self._kept)
        self._kept.clear()
        return found

    def waits(self, subject: str) -> bool:
        return self._clock() < self._kept.get(subject, (0.0, 0.0))[0]

    def due(self) -> list[str]:
        now = self._clock()
        return [subject for subject, (at, _) in self._kept.items() if at <= now]


class ExternalDns:
    """`mine`: whether this process acts for a subject, as `Mastery.speaks`."""

    def __init__(
        self,
        store: Store,
        replica: Replica,
        settings: ExternalDnsSettings,
        physical: PhysicalNetworks,
        send: Updater,
        mine: Callable[[str], bool] = lambda _: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._replica = replica
        self._send = send
        self._mine = mine
        self._wanted = WantedNames(replica.model, Zones(settings), physical)
        self._zones = Backoff(SLOWEST, clock)
        self._names = Backoff(SELDOM, clock)
        self._outcomes: Counter[str] = Counter()
        self._pace = LogPace()
        self._news = hub.Signal()
        replica.listen(self._changed)

    def start(self) -> None:
        """Start the green thread; the replica must be loaded."""
        hub.keep(self._follow)

    @property
    def wanted(self) -> WantedNames:
        return self._wanted

    def metrics(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        updates = CounterMetricFamily(
            "tenet_external_dns_updates", "Updates of names on the DNS server, by outcome.", labels=["outcome"]
        )
        for outcome, number in sorted(self._outcomes.items()):
            updates.add_metric([outcome], number)
        yield updates
        pending = sum(self._wanted.pending.values())
        yield GaugeMetricFamily("tenet_external_dns_pending", "Names to be sent to the DNS server.", value=pending)

    def _changed(self, touched: set[Dependency]) -> None:
        if self._wanted.changed(touched):
            self._news.set()

    def _follow(self) -> None:
        self._wanted.open_all()
        while True:
            self._news.wait(0.0 if self._news.is_set() else LOOK)
            self._news.clear()
            try:
                self.turn()
            except Unavailable as error:
                log.warning("external DNS waits for the store: %s", error)
                hub.sleep(LOOK)

    def turn(self) -> None:
        """Look at what has changed, and send what differs, except what is to wait.  Raises Unavailable."""
        self._wanted.look()
        if not self._mine(OWNER):
            for name in self._names.forget():
                self._wanted.again(name)
            return
        self._look_at_due()
        while not self._zones.waits(SERVER):
            ready = [zone for zone in self._wanted.pending if not self._zones.waits(zone)]
            if not [zone for zone in ready if self._send_some(zone)] or not self._mine(OWNER):
                return

    def _look_at_due(self) -> None:
        """Queue names whose time has come; those that need no update by now are forgotten."""
        due = [name for name in self._names.due() if not self._wanted.differs(name)]
        for name in due:
            self._wanted.again(name)
        self._wanted.look()
        for name in due:
            if not self._wanted.differs(name):
                self._names.succeeded(name)

    def _send_some(self, zone: str) -> bool:
        """Send some of a zone's changes; whether there was anything to send."""
        changes = self._wanted.first(zone, TOGETHER)
        waiting = [each for each in changes if self._names.waits(each.name)]
        for change in waiting:
            self._wanted.defer(change.name)
            changes.remove(change)
        if not changes or self._zones.waits(SERVER):
            return bool(waiting)
        identity, changes = transact(self._store, self._replica, partial(_announce, changes)).value
        if not changes:
            self._wanted.look()
            return True
        updates = [
            Update(each.name, zone, each.now.records, known=each.before is not None and not each.now.reason)
            for each in changes
        ]  # fmt: skip
        try:
            answers = self._send(updates, identity)
        except OSError as error:
            self._unreached(error)
            return True
        self._heard(zone, changes, answers)
        self._wanted.look()
        return True

    def _unreached(self, error: OSError) -> None:
        self._outcomes["unreached"] += 1
        self._note(SERVER, f"the server does not answer: {' '.join(str(error).split()) or type(error).__name__}")

    def _note(self, zone: str, reason: str) -> None:
        """A zone's updates fail, or those of every zone."""
        delay = self._zones.failed(zone)
        if count := self._pace.due(f"{zone} {reason}"):
            log.warning("external DNS, zone %s: %s; again in %.0f s%s", zone, reason, delay, times(count))
        self._write_trouble(zone, reason)

    def _write_trouble(self, zone: str, reason: str) -> None:
        row = self._replica.model.get(UnpublishedZone, zone)
        if reason != (row.reason if row is not None else ""):
            since = time.time()
            transact(self._store, self._replica, lambda tx: rows.trouble(tx, zone, reason, since))

    def _heard(self, zone: str, changes: list[NameChange], answers: list[Answer]) -> None:
        self._zones.succeeded(SERVER)
        self._write_trouble(SERVER, "")
        refused = next((each.reason for each in answers if each.result is Result.ZONE), "")
        if all(each.result is Result.ZONE for each in answers):
            self._outcomes["refused"] += len(answers)
            for change in changes:  # behind the others, of which some may be taken
                self._wanted.defer(change.name)
                self._wanted.again(change.name)
            self._note(zone, refused)
            return
        self._zones.succeeded(zone)
        self._write_trouble(zone, "")
        judged = [each._replace(result=Result.NAME) if each.result is Result.ZONE else each for each in answers]
        transact(self._store, self._replica, partial(_settle, list(zip(changes, judged, strict=True))))
        for change, answer in zip(changes, judged, strict=True):
            if answer.result is Result.DONE:
                self._names.succeeded(change.name)
                self._outcomes["done"] += 1
                continue
            self._outcomes["refused"] += 1
            delay = self._names.failed(change.name)
            if count := self._pace.due(f"{zone} name {answer.reason}"):
                log.warning("external DNS, name %s: %s; again in %.0f s%s",
                            change.name, answer.reason, delay, times(count))  # fmt: skip


def _announce(changes: list[NameChange], tx: Transaction) -> tuple[bytes, list[NameChange]]:
    return rows.identity(tx), rows.announce(tx, changes)


def _settle(answered: list[tuple[NameChange, Answer]], tx: Transaction) -> None:
    for change, answer in answered:
        rows.settle(tx, change, answer)
