"""Periodic work in a cluster: members that die and are cut off, as they conclude from their own feeds and leases."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import cast

from controller.cluster.mastery import Shared
from controller.model.model import Applied
from controller.model.rows import Member, Presence, Reach, Row
from controller.openflow.session import Session
from controller.runtime.periodic import phase
from controller.switches.periodic import Job, Periodic, Work
from tests.cluster.simulated.node import Replica as Fed

EVERY, LEASE, LAG, TICK = 10.0, 3.0, 0.5, 0.05
SWITCHES = tuple(f"s{number}" for number in range(20))
WORK = Work("toy", lambda see: [Job("it", EVERY)], lambda subject, see: [])


class Watched(Shared):
    """Says what it does: the work asks it just before."""

    def __init__(self, me: str, replica: Fed, clock: Callable[[], float], doing: Callable[[str, str], None]) -> None:
        super().__init__(me, replica, lambda: self.until, clock)  # type: ignore[arg-type]
        self.until = 1e9  # its lease
        self.instance = f"i-{me}"
        self._doing = doing

    def holds(self, switch_id: str) -> bool:
        held = super().holds(switch_id)
        if held:
            self._doing(self.me, switch_id)
        return held


class Cluster:
    """Two members that reach all switches, each with its own feed, which comes late."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = self.random.uniform(1000.0, 2000.0)
        self.done: list[tuple[float, str, str]] = []  # when, by whom, on which switch
        self._revision = 0
        self._coming: list[tuple[float, str, list[Applied]]] = []
        self.feeds = {name: Fed() for name in ("one", "two")}
        self.masteries = {
            name: Watched(name, feed, lambda: self.now, lambda who, where: self.done.append((self.now, who, where)))
            for name, feed in self.feeds.items()
        }
        self.works = {
            name: Periodic(feed.model, [WORK], self.masteries[name], lambda: self.now)
            for name, feed in self.feeds.items()
        }
        for name, work in self.works.items():
            self.put(
                Member(id=name, openflow="192.0.2.1:1", ovsdb="192.0.2.1:2", rest=""),
                Presence(id=name, instance=f"i-{name}", since=0.0, lease=LEASE),
                Reach(id=name, switches=SWITCHES),
            )
            for switch_id in SWITCHES:
                work.attend(switch_id, cast(Session, object()))
        self.live(2 * LAG)
        self.done.clear()

    def put(self, *changes: Row | str) -> None:
        self._revision += 1
        rows = [
            Applied(self._revision, each, None) if isinstance(each, str) else Applied(self._revision, each.key, each)
            for each in changes
        ]
        for name in self.feeds:
            self._coming.append((self.now + self.random.uniform(0, LAG), name, rows))

    def live(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += TICK
            for name, feed in self.feeds.items():
                mine = [each for each in self._coming if each[1] == name]
                while mine and mine[0][0] <= self.now:  # in order
                    self._coming.remove(mine[0])
                    feed.take(mine.pop(0)[2])
            for work in self.works.values():
                while not work.turn():
                    pass

    def die(self, name: str) -> None:
        """Ends; the others hear of it once its lease is over."""
        self.works.pop(name)
        self.live(LEASE)
        self.put(f"presence/{name}")

    def cut_off(self, name: str) -> None:
        """Goes on and hears nothing: it may act until its lease is over."""
        self.masteries[name].until = self.now + LEASE
        self.feeds.pop(name)
        self.live(LEASE)
        self.put(f"presence/{name}")

    def twice(self) -> list[tuple[str, int]]:
        """What was done more than once in one period."""
        counts = Counter(
            (where, round(when / EVERY - phase("toy", where, "it"), 1) // 1) for when, _, where in self.done
        )
        return [each for each, number in counts.items() if number > 1]

    def longest_gap(self) -> float:
        gaps = [0.0]
        for switch_id in SWITCHES:
            times = [when for when, _, where in self.done if where == switch_id]
            gaps += [later - earlier for earlier, later in zip(times, [*times[1:], self.now], strict=True)]
        return max(gaps)


def test_two_members_share_the_work_and_nothing_is_done_twice() -> None:
    for seed in range(10):
        cluster = Cluster(seed)
        cluster.live(5 * EVERY)
        assert {who for _, who, _ in cluster.done} == {"one", "two"}
        assert cluster.twice() == [] and len(cluster.done) in range(5 * len(SWITCHES) - 2, 5 * len(SWITCHES) + 3)


def test_the_work_of_one_that_dies_goes_on_where_it_stopped() -> None:
    for seed in range(30):
        cluster = Cluster(seed)
        cluster.live(cluster.random.uniform(EVERY, 3 * EVERY))
        cluster.die("one")
        cluster.live(4 * EVERY)
        assert cluster.twice() == [], f"seed {seed}"
        # one slot may fall into the time in which nobody knows
        assert cluster.longest_gap() < 2 * EVERY + 2 * TICK, f"seed {seed}"
        last = [each for each in cluster.done if each[0] > cluster.now - EVERY]
        assert {who for _, who, _ in last} == {"two"} and len(last) >= len(SWITCHES) - 1
        seconds = Counter(int(when) for when, _, _ in cluster.done)
        assert max(seconds.values()) < 10, "a take-over makes no burst"


def test_one_that_is_cut_off_stops_before_another_begins() -> None:
    for seed in range(30):
        cluster = Cluster(seed)
        cluster.live(cluster.random.uniform(EVERY, 2 * EVERY))
        cluster.cut_off("two")
        cluster.live(3 * EVERY)
        assert cluster.twice() == [], f"seed {seed}"
        assert {who for when, who, _ in cluster.done if when > cluster.now - EVERY} == {"one"}
