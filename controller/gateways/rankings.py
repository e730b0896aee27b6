"""Keeping the rankings of all routers right: a loop that follows routers, switches and what operators say of them.

Every member of a cluster computes the same; the one that speaks for a router's active switch writes.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from controller.gateways.candidates import GatewayHosts, candidates, gateway_hosts, usable
from controller.gateways.links import OutsideLinks
from controller.gateways.moves import Confirming, GatewayMoves
from controller.gateways.ranking import rank
from controller.model.model import Dependency
from controller.model.rows import GatewayHost, GatewayRanking, Router, Switch, WatchPort
from controller.runtime import hub
from controller.runtime.errors import Refused, Unavailable
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import Transaction, transact

log = logging.getLogger("tenet.gateways")

LOOK = 1.0  # seconds between looks at which switches are alive
REST = 0.2  # seconds between such looks when rows change again and again
TOGETHER = 64  # rankings in one commit
TURN = 0.005  # seconds of work before other green threads get a turn
AGAIN = 1.0  # seconds until rankings that the store did not take are tried again


class Rankings:
    """`is_away`: a switch has been away for long.  `speaks`: whether this process acts for a switch.

    `confirmed`: what switches have confirmed.
    """

    def __init__(
        self,
        store: Store,
        replica: Replica,
        is_away: Callable[[str], bool],
        speaks: Callable[[str], bool],
        confirmed: Confirming,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._replica = replica
        self._is_away = is_away
        self._speaks = speaks
        self._clock = clock
        self._links = OutsideLinks(replica.model, clock)
        self._hosts: GatewayHosts | None = None  # as of the last look
        self._looked = 0.0  # when that was, by `clock`
        self._stale = False  # whether it may be otherwise since
        self._due: dict[str, None] = {}  # routers to look at
        self._moves = GatewayMoves(replica.model, confirmed, clock)
        self._moved: Counter[str] = Counter()  # why -> routers whose active gateway became another
        self._news = hub.Signal()
        replica.listen(self._changed)

    def start(self) -> None:
        hub.keep(self._watch)

    def metrics(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        moves = CounterMetricFamily("tenet_gateway_moves", "Routers whose active gateway changed.", labels=["reason"])
        for reason in ("new", "moved"):
            moves.add_metric([reason], self._moved[reason])
        yield moves
        yield GaugeMetricFamily("tenet_gateways_due", "Routers whose ranking is to be looked at.", len(self._due))

    def _changed(self, touched: set[Dependency]) -> None:
        for dependency in touched:
            kind = dependency[0]
            if kind is Router or kind is GatewayRanking:
                if len(dependency) == 2:
                    self._due[str(dependency[1])] = None
            elif kind is Switch or kind is GatewayHost or kind is WatchPort:
                self._stale = True
        if self._due or self._stale:
            self._news.set()

    def _watch(self) -> None:
        self._due.update(dict.fromkeys([*self._replica.model.rows(Router), *self._replica.model.rows(GatewayRanking)]))
        while True:
            self._news.wait(REST if self._stale or self._moves.going else LOOK)
            self._news.clear()
            self.turn()

    def turn(self) -> None:
        """Look at which switches are alive, and rank for the routers that this may concern."""
        now = self._look()
        ready = [each for each in hub.taking_turns(self._moves.going, TURN) if self._moves.is_ready(each)]
        self._due.update(dict.fromkeys(ready))
        due, self._due = list(self._due), {}
        wrong = [each for each in hub.taking_turns(due, TURN) if self._differs(each, now)]
        for some in _batches(wrong):
            try:
                self._rank(some, now)
            except (Refused, Unavailable) as error:
                log.warning("rankings of %d gateways could not be stored: %s", len(some), error)
                self._due.update(dict.fromkeys(some))
                hub.sleep(AGAIN)
            hub.sleep(0)

    def _look(self) -> GatewayHosts:
        """Which switches may be gateways now.  The answer may be REST seconds old."""
        model, pause = self._replica.model, self._clock() - self._looked
        if self._hosts is None or pause >= (REST if self._stale else LOOK):
            self._stale, self._looked = False, self._clock()
            now = gateway_hosts(model, self._is_away, self._links.down())
            if now != self._hosts:
                self._hosts = now
                self._due.update(dict.fromkeys(model.rows(Router)))
        return self._hosts

    def _differs(self, router_id: str, now: GatewayHosts) -> bool:
        model = self._replica.model
        held = model.get(GatewayRanking, router_id)
        self._moves.note(router_id, held)
        wanted = self._wanted(router_id, model.get(Router, router_id), held, now)
        return wanted != held and self._writes(held, wanted)

    def _writes(self, held: GatewayRanking | None, wanted: GatewayRanking | None) -> bool:
        ranking = wanted or held
        return ranking is not None and self._speaks(next(iter(ranking.switches), ""))

    def _wanted(
        self, router_id: str, router: Router | None, held: GatewayRanking | None, now: GatewayHosts
    ) -> GatewayRanking | None:
        """The ranking that a router should have; None: without an external network or a candidate."""
        current = held.switches if held else ()
        among = candidates(self._replica.model, router, now, current) if router is not None else frozenset()
        if router is None or not among:
            return None
        severed, alive = now.severed, usable(self._replica.model, router, now)
        switches = rank(router_id, current, among, alive, now.draining, lambda one, other: (one, other) in severed)
        return self._moves.step(held, GatewayRanking(id=router_id, switches=switches), alive)

    def _rank(self, router_ids: list[str], now: GatewayHosts) -> None:
        moved: list[tuple[str, str, str]] = []

        def rules(tx: Transaction) -> None:  # may run several times (retries)
            moved.clear()
            for router_id in router_ids:
                held = tx.get(GatewayRanking, router_id)
                wanted = self._wanted(router_id, tx.get(Router, router_id), held, now)
                if wanted is None and held is not None:
                    tx.delete(held)
                elif wanted is not None and wanted != held:
                    tx.put(wanted)
                before, after = (each.switches[0] if each else "" for each in (held, wanted))
                if before != after:
                    moved.append((router_id, before, after))

        transact(self._store, self._replica, rules)
        for router_id, before, after in moved:
            self._moved["moved" if before else "new"] += 1
            log.info(
                "router %s: its gateway is %s%s", router_id, after or "none", f", before {before}" if before else ""
            )


def _batches(router_ids: list[str]) -> Iterator[list[str]]:
    rest = iter(router_ids)
    while some := list(islice(rest, TOGETHER)):
        yield some
