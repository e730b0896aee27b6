"""Members of etcd that die, stop, lose the lead or their data, while stores write."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controller.runtime import hub
from controller.runtime.errors import Changed, Compacted, Unavailable
from controller.store import open_store
from tests.store.etcd_process import Cluster

hub.patch()  # before anything opens a socket: etcd is spoken to over HTTP


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    with hub.Timeout(90):
        yield


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path / "etcd", 3)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path / "etcd")
    cluster.start()
    yield cluster
    cluster.stop()


class Writers:
    """Green threads that write on and on, each its own keys, and what they were told; and a follower's replica."""

    def __init__(self, url: str, number: int = 4) -> None:
        self.store = open_store(url)
        self.acknowledged: dict[str, int] = {}
        self.unavailable = 0
        self.longest = 0.0
        self.replica: dict[str, int] = {}
        self.doubled: list[str] = []
        self._stop = False
        start = self.store.everything()[0]
        self._follower = hub.spawn(self._follow, start)
        self._writers = [hub.spawn(self._write, number) for number in range(number)]

    def _write(self, writer: int) -> None:
        number = 0
        while not self._stop:
            key = f"w{writer}/{number}"
            began = time.monotonic()
            try:
                self.acknowledged[key] = self.store.commit({key: 0}, {key: b""})
                number += 1
            except Unavailable:
                self.unavailable += 1
            except Changed:  # what was reported as unavailable is there after all
                number += 1
            self.longest = max(self.longest, time.monotonic() - began)
            hub.sleep(0.01)

    def _follow(self, after: int) -> None:
        for changes in self.store.changes(after):
            for change in changes:
                if change.key in self.replica:
                    self.doubled.append(change.key)
                self.replica[change.key] = change.revision

    def until(self, more: int, seconds: float = 30.0) -> None:
        """Wait until so many more are acknowledged."""
        target = len(self.acknowledged) + more
        deadline = time.monotonic() + seconds
        while len(self.acknowledged) < target:
            assert time.monotonic() < deadline, "writing does not go on"
            hub.sleep(0.05)

    def check(self) -> None:
        """All that was acknowledged is there, at its revision, once, and the follower has seen all there is."""
        self._stop = True
        for writer in self._writers:
            writer.wait()
        there = {row.key: row.revision for row in self.store.everything()[1]}
        deadline = time.monotonic() + 15
        while self.replica != there and time.monotonic() < deadline:
            hub.sleep(0.05)
        self.store.close()
        assert self.replica == there and not self.doubled
        assert self.acknowledged.items() <= there.items()


def test_the_lead_moves(three: Cluster) -> None:
    writers = Writers(three.url("tenet"))
    writers.until(50)
    for _ in range(3):
        leader, other = three.leader(), three.follower()
        leader.post("maintenance/transfer-leadership", {"targetID": other.status()["header"]["member_id"]})
        writers.until(30)
    assert writers.unavailable == 0
    writers.check()


def test_the_leader_dies_and_comes_back(three: Cluster) -> None:
    writers = Writers(three.url("tenet"))
    writers.until(50)
    leader = three.leader()
    leader.kill()
    writers.until(50)
    leader.start()
    writers.until(50)
    assert writers.unavailable == 0
    writers.check()


@pytest.mark.parametrize("which", [Cluster.leader, Cluster.follower])
def test_a_member_stops_for_a_while(three: Cluster, which: Callable[[Cluster], object]) -> None:
    writers = Writers(three.url("tenet"))
    writers.until(50)
    member = which(three)
    member.pause()  # type: ignore[attr-defined]
    writers.until(50)
    hub.sleep(3)
    member.go_on()  # type: ignore[attr-defined]
    writers.until(50)
    assert writers.unavailable == 0
    writers.check()


def test_each_member_dies_in_turn(three: Cluster) -> None:
    """The watched one is among them."""
    writers = Writers(three.url("tenet"))
    for member in three.members:
        writers.until(30)
        member.kill()
        writers.until(30)
        member.start()
        hub.sleep(2)
    assert writers.unavailable == 0
    writers.check()


def test_all_of_etcd_is_away_and_comes_back(three: Cluster) -> None:
    writers = Writers(three.url("tenet"))
    writers.until(50)
    for member in three.members:
        member.kill()
    hub.sleep(20)
    assert writers.unavailable > 0 and writers.longest < 12
    for member in three.members:
        member.start()
    writers.until(50)
    writers.check()


def test_an_etcd_that_lost_everything_is_noticed(one: Cluster, tmp_path: Path) -> None:
    store = open_store(one.url("tenet"))
    for number in range(20):
        start = store.commit({}, {f"a/{number}": b""})
    changes = store.changes(start)
    one.members[0].kill()
    shutil.rmtree(tmp_path / "etcd" / "m0")
    one.members[0].start()
    with pytest.raises(Compacted):
        next(changes)
    revision, found = store.everything()
    assert found == [] and revision < start
    made = store.commit({}, {"b/1": b""})
    assert made < start and [row.key for row in store.everything()[1]] == ["b/1"]
    store.close()
