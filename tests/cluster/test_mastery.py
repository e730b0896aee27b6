"""Who is master, from rows alone; what others are told; and when nothing may be written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from controller.cluster.guard import MANY, SOME, Guard
from controller.cluster.held_lease import HeldLease
from controller.cluster.levels import ClusterProgress
from controller.cluster.mastery import Shared
from controller.cluster.membership import Membership
from controller.cluster.shares import share
from controller.model.model import Applied
from controller.model.rows import Level, Member, Network, Presence, Reach, Row
from controller.reconcile.progress import GRACE, Progress
from controller.runtime import hub
from controller.runtime.errors import Withheld
from controller.store.replica import Replica
from controller.store.sqlite import SqliteStore
from controller.store.sqlite_file import open_file
from controller.store.store import RESTORING
from tests.cluster.simulated.node import Replica as Fed


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A member's own view, fed row by row."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.replica = Fed()
        self.shared = Shared("one", self.replica, lambda: 103.0, self.clock)  # type: ignore[arg-type]
        self.shared.instance = "i-one"
        self.progress = Progress(self.clock)
        self.levels = ClusterProgress(self.replica, self.progress, self.shared, self.clock)  # type: ignore[arg-type]
        self._revision = 0

    def put(self, *rows: Row) -> int:
        self._revision += 1
        self.replica.take([Applied(self._revision, row.key, row) for row in rows])
        return self._revision

    def delete(self, *keys: str) -> None:
        self._revision += 1
        self.replica.take([Applied(self._revision, key, None) for key in keys])

    def member(self, name: str, switches: tuple[str, ...], held: tuple[str, ...] = (), draining: bool = False) -> None:
        self.put(
            Member(id=name, openflow="192.0.2.1:1", ovsdb="192.0.2.1:2", rest="", draining=draining),
            Presence(id=name, instance=f"i-{name}", since=0.0, lease=3.0),
            Reach(id=name, switches=switches, databases=switches, held=held),
        )


ALL = tuple(f"s{number}" for number in range(40))


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.member("one", ALL)
    return made


def network(number: int) -> Network:
    return Network(id=f"n{number}", project_id="p", mtu=1500, network_type="vxlan", segment=number + 1)


def test_a_member_holds_its_share_of_what_it_reaches(bench: Bench) -> None:
    assert all(bench.shared.holds(switch) and bench.shared.owns(switch) for switch in ALL)
    bench.member("two", ALL)
    expected = {switch for switch in ALL if share(switch, ["one", "two"]) == "one"}
    assert 5 < len(expected) < 35
    assert {switch for switch in ALL if bench.shared.holds(switch)} == expected
    bench.member("two", ALL[:10])
    assert {switch for switch in ALL[10:] if bench.shared.holds(switch)} == set(ALL[10:])
    bench.delete("presence/two", "reach/two")
    assert all(bench.shared.holds(switch) for switch in ALL)


def test_one_that_drains_keeps_only_what_no_other_reaches(bench: Bench) -> None:
    bench.member("two", ALL[1:])
    bench.member("one", ALL, draining=True)
    assert [switch for switch in ALL if bench.shared.holds(switch)] == [ALL[0]]


def test_nothing_is_held_when_the_lease_may_be_over(bench: Bench) -> None:
    bench.clock.now = 102.9
    assert bench.shared.holds("s0")
    bench.clock.now = 103.0
    assert not bench.shared.holds("s0") and not bench.shared.owns("s0")


def test_nothing_is_held_under_another_lease_than_the_one_that_is_known(bench: Bench) -> None:
    bench.shared.instance = "i-new"
    assert not bench.shared.holds("s0")
    bench.put(Presence(id="one", instance="i-new", since=0.0, lease=3.0))
    assert bench.shared.holds("s0")


def test_whoever_listens_hears_of_every_move(bench: Bench) -> None:
    heard: list[int] = []
    bench.shared.listen(lambda: heard.append(1))
    bench.member("two", ALL)
    assert heard == [1]
    bench.put(network(1))
    assert heard == [1]


def test_the_levels_of_others_come_from_their_rows(bench: Bench) -> None:
    bench.member("two", ("s1", "s2"), held=("s1", "s2"))
    bench.put(Level(id="two", compiled=50, behind={"s2": 40}, refused={"port/p": "no"}))
    assert (bench.levels.at("s1"), bench.levels.at("s2"), bench.levels.at("s3")) == (50, 40, 0)
    assert bench.levels.refusal("port/p") == "no"


def test_what_a_switch_had_it_keeps_while_another_takes_over(bench: Bench) -> None:
    bench.member("two", ("s1",), held=("s1",))
    bench.put(Level(id="two", compiled=50))
    bench.delete("presence/two", "reach/two", "level/two")
    assert bench.levels.at("s1") == 50
    assert not bench.levels.is_away("s1")
    bench.clock.now += GRACE + 1
    assert bench.levels.is_away("s1")
    bench.member("three", ("s1",), held=("s1",))
    bench.put(Level(id="three", compiled=60, behind={"s1": 0}))
    assert bench.levels.at("s1") == 50 and not bench.levels.is_away("s1")


def test_a_switch_that_two_claimed_is_the_ones_that_stays(bench: Bench) -> None:
    bench.member("two", ("s1",), held=("s1",))
    bench.put(Level(id="two", compiled=50))
    bench.member("three", ("s1",), held=("s1",))
    bench.put(Level(id="three", compiled=40, behind={"s1": 0}))
    bench.member("three", ("s1",), held=())
    bench.put(Level(id="two", compiled=60))
    assert bench.levels.at("s1") == 60


def test_a_revision_is_reached_when_every_master_says_so(bench: Bench) -> None:
    bench.member("two", ("s1",), held=("s1",))
    revision = bench.put(network(1))
    bench.progress.round(revision, [])
    assert not bench.levels.reached(revision)
    bench.put(Level(id="two", compiled=revision, behind={"s1": revision - 1}))
    assert not bench.levels.reached(revision)
    last = bench.put(Level(id="two", compiled=revision))
    assert bench.levels.reached(revision)
    assert bench.levels.reached(last)  # no flow follows from what members tell each other


def test_an_emptied_store_freezes_and_a_restored_one_frees(bench: Bench) -> None:
    guard = Guard(bench.replica, bench.shared, accept=False)  # type: ignore[arg-type]
    bench.put(*(network(number) for number in range(4)))
    bench.delete("network/n0")
    assert bench.shared.holds("s0")
    bench.delete(*(f"network/n{number}" for number in range(1, 4)), "member/one")
    assert "emptied" in bench.shared.frozen and not bench.shared.holds("s0") and guard.trips == 1
    bench.put(*(network(number) for number in range(4)))
    assert not bench.shared.frozen and bench.shared.holds("s0")


def test_a_restore_under_way_freezes_until_its_end(bench: Bench) -> None:
    guard = Guard(bench.replica, bench.shared, accept=True)  # type: ignore[arg-type]
    bench.put(*(network(number) for number in range(2 * MANY)))
    bench.replica.take([Applied(1000, RESTORING, "")])
    assert bench.shared.frozen and not bench.shared.holds("s0")
    guard.accept()
    bench.replica.take([Applied(1001, f"network/n{number}", None) for number in range(2 * MANY)])
    assert bench.shared.frozen and not bench.shared.holds("s0")
    bench.replica.take([Applied(1002, RESTORING, None)])
    assert bench.shared.holds("s0") and guard.trips == 0


@pytest.mark.parametrize(("gone", "freezes"), [(MANY - 1, False), (MANY, False), (MANY + 10, True)])
def test_half_gone_at_once_freezes_until_it_is_accepted(bench: Bench, gone: int, freezes: bool) -> None:
    guard = Guard(bench.replica, bench.shared, accept=False)  # type: ignore[arg-type]
    bench.put(*(network(number) for number in range(2 * MANY)))
    bench.delete(*(f"network/n{number}" for number in range(gone)))
    assert bool(bench.shared.frozen) is freezes
    guard.accept()
    assert bench.shared.holds("s0")


def test_a_switch_that_holds_far_more_is_left_as_it_is(bench: Bench) -> None:
    guard = Guard(bench.replica, bench.shared, accept=False)  # type: ignore[arg-type]
    guard.check("s0", SOME, 0)
    guard.check("s0", 92 + SOME, 92)
    for held, wanted in ((SOME + 1, 0), (184, 92)):  # 92: what every switch holds, of no tenant
        with pytest.raises(Withheld):
            guard.check("s0", held, wanted)
    bench.put(network(1))
    guard.check("s0", 1000, 500)
    guard.check("s0", MANY - 1, 1)
    with pytest.raises(Withheld):
        guard.check("s0", MANY, MANY // 2 - 1)
    assert list(guard.withheld) == ["s0"]
    guard.accept()
    guard.check("s0", MANY, 0)
    assert not guard.withheld


@pytest.fixture
def stored(tmp_path) -> Iterator[tuple[SqliteStore, Replica]]:  # type: ignore[no-untyped-def]
    store = SqliteStore(open_file(tmp_path / "tenet.db"))
    replica = Replica(store)
    replica.start()
    yield store, replica
    replica.stop()
    store.close()


def joined(
    store: SqliteStore, replica: Replica, ttl: float = 2.0, progress: Progress | None = None
) -> tuple[Membership, Shared]:
    held = HeldLease()
    shared = Shared("one", replica, held.until)
    levels = ClusterProgress(replica, progress or Progress(Clock()), shared, Clock())
    me = Member(id="one", openflow="192.0.2.1:1", ovsdb="192.0.2.1:2", rest="")
    membership = Membership(store, replica, me, ttl, shared, levels, held)
    membership.start()
    return membership, shared


def until(check, within: float = 5.0) -> bool:  # type: ignore[no-untyped-def]
    with hub.Timeout(within, False):
        while not check():
            hub.sleep(0.01)
        return True
    return False


def test_rows_are_there_under_the_lease_and_go_with_it(stored: tuple[SqliteStore, Replica]) -> None:
    store, replica = stored
    membership, shared = joined(store, replica)
    shared.reached("s1", object())
    assert until(lambda: shared.holds("s1"))
    shared.take("s1")
    assert until(lambda: store.get("level/one") is not None)
    membership.leave()
    assert not shared.holds("s1")
    assert until(lambda: replica.model.get(Presence, "one") is None)
    assert store.get("reach/one") is None and store.get("level/one") is None
    assert replica.model.get(Member, "one") is not None


def test_a_second_process_of_one_name_waits_for_the_first(stored: tuple[SqliteStore, Replica]) -> None:
    store, replica = stored
    first, shared = joined(store, replica)
    assert until(lambda: shared.alive)
    second, other = joined(store, replica)
    hub.sleep(0.5)
    assert shared.alive and not other.alive
    first.leave()
    assert until(lambda: other.alive)
    second.leave()


def test_a_member_whose_rows_were_deleted_comes_back(stored: tuple[SqliteStore, Replica]) -> None:
    store, replica = stored
    membership, shared = joined(store, replica)
    shared.reached("s1", object())
    assert until(lambda: shared.holds("s1"))
    instance = shared.instance
    store.commit({}, {"presence/one": None, "reach/one": None, "member/one": None})
    assert until(lambda: shared.holds("s1") and shared.instance != instance)
    assert until(lambda: replica.model.get(Member, "one") is not None)
    assert membership._held.lapses == 1
    membership.leave()


def test_a_row_of_many_refused_objects_is_bounded_and_others_know_that_it_is(
    stored: tuple[SqliteStore, Replica],
) -> None:
    store, replica = stored
    progress = Progress(Clock())
    membership, shared = joined(store, replica, progress=progress)
    shared.reached("s1", object())
    assert until(lambda: shared.holds("s1"))
    shared.take("s1")
    progress.refusing("s1", {f"port/{number:036}": {1: "OFPFMFC_TABLE_FULL " * 20} for number in range(20_000)})
    assert until(lambda: (row := replica.model.get(Level, "one")) is not None and row.unlisted > 0)
    row = replica.model.get(Level, "one")
    stored_row = store.get("level/one")
    assert row is not None and stored_row is not None
    assert len(stored_row.value) < 128 * 1024
    assert len(row.refused) + row.unlisted == 20_000 and len(row.refused) > 100
    seen = ClusterProgress(replica, Progress(Clock()), Shared("two", replica, lambda: 0.0), Clock())
    seen._heard({(Reach, "one"), (Level, "one")})
    assert "member one" in seen.doubt("s1") and not seen.doubt("s2")
    assert seen.refuses
    progress.refusing("s1", {})
    assert until(lambda: (row := replica.model.get(Level, "one")) is not None and row.unlisted == 0)
    membership.leave()
