"""What is particular to the etcd engine: other processes, lost answers, compaction, large commits, no space."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from controller.runtime import hub
from controller.runtime.errors import Changed, Compacted, Invalid, Misconfigured, Unavailable
from controller.store import etcd_commits, open_store
from controller.store.store import Change, Store
from tests.store.etcd_process import Cluster
from tests.store.wire import Wire

Open = Callable[..., Store]


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    with hub.Timeout(60):
        yield


@pytest.fixture
def url(etcd: Cluster) -> str:
    return etcd.url(f"test/{uuid4()}")


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens a store at a URL; any number of them at a time."""
    stores: list[Store] = []

    def open_one(at: str) -> Store:
        stores.append(open_store(at))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.fixture
def wire(etcd: Cluster) -> Iterator[Wire]:
    wire = Wire(etcd.members[0].port)
    yield wire
    wire.close()


def rows(store: Store) -> dict[str, bytes]:
    return {row.key: row.value for row in store.everything()[1]}


def follow(store: Store, after: int) -> list[Change]:
    """A list that grows as the changes come."""
    seen: list[Change] = []
    hub.spawn(lambda: [seen.extend(changes) for changes in store.changes(after)])
    return seen


def wait(condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it has not come to pass"
        hub.sleep(0.02)


# --- several processes' stores ----------------------------------------------------------------------------------------


def test_two_stores_see_each_other(url: str, opened: Open) -> None:
    one, two = opened(url), opened(url)
    start = one.everything()[0]
    seen = follow(one, start)
    first = two.commit({}, {"a/1": b"1"})
    second = one.commit({"a/1": first}, {"a/1": b"2"})
    with pytest.raises(Changed) as refused:
        two.commit({"a/1": first, "a/2": 0}, {"a/1": b"3"})
    assert (refused.value.keys, refused.value.revision) == (["a/1"], second)
    wait(lambda: len(seen) == 2)
    assert seen == [Change(first, "a/1", b"1"), Change(second, "a/1", b"2")]


def test_increments_of_two_stores_lose_nothing(url: str, opened: Open) -> None:
    def increment(store: Store) -> None:
        for _ in range(10):
            while True:
                now = store.get("n/1")
                value = b"%d" % (int(now.value if now else 0) + 1)
                try:
                    store.commit({"n/1": now.revision if now else 0}, {"n/1": value})
                    break
                except Changed:
                    hub.sleep(0)

    stores = [opened(url), opened(url)]
    for thread in [hub.spawn(increment, store) for store in stores for _ in range(3)]:
        thread.wait()
    assert rows(stores[0]) == {"n/1": b"60"}


def test_a_delete_by_another_is_seen_below_a_prefix(url: str, opened: Open) -> None:
    one, two = opened(url), opened(url)
    read = one.commit({}, {"taken/ip/s/1": b"", "taken/ip/t/1": b""})
    gone = two.commit({}, {"taken/ip/s/1": None})
    assert one.commit({"taken/ip/t/": read}, {"a/1": b""}) > gone
    with pytest.raises(Changed) as refused:
        one.commit({"taken/ip/s/": read}, {"a/2": b""})
    assert refused.value.keys == ["taken/ip/s/"] and refused.value.revision >= gone
    with pytest.raises(Changed):
        one.commit({"taken/": read}, {"a/2": b""})


def test_a_refused_commit_takes_none_with_it(url: str, opened: Open) -> None:
    store = opened(url)
    store.commit({}, {"a/old": b""})
    outcomes: list[int | None] = []

    def commit(number: int) -> None:
        try:
            outcomes.append(store.commit({"a/old": 0} if number % 3 == 0 else {}, {f"b/{number}": b""}))
        except Changed as changed:
            assert changed.keys == ["a/old"]
            outcomes.append(None)

    for thread in [hub.spawn(commit, number) for number in range(30)]:
        thread.wait()
    assert outcomes.count(None) == 10
    assert sorted(rows(store)) == sorted(["a/old", *(f"b/{number}" for number in range(30) if number % 3)])
    assert len(set(outcomes)) < 15, "they were to share transactions"


def test_commits_that_start_together_and_clash_are_judged_in_order(url: str, opened: Open) -> None:
    store = opened(url)
    start = store.commit({}, {"n/1": b""})
    first = hub.spawn(store.commit, {"n/1": start}, {"n/1": b"x"})
    second = hub.spawn(store.commit, {"n/": start}, {"m/1": b""})
    first.wait()
    with pytest.raises(Changed):
        second.wait()


# --- large ------------------------------------------------------------------------------------------------------------


def test_writers_that_take_turns_come_to_share_transactions(
    url: str, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(etcd_commits, "GATHER", 0.5)  # longer than this machine may take
    store = opened(url)
    made: list[int] = []

    def writer(name: str) -> None:
        for number in range(20):
            hub.sleep(0.005 * int(name[1:]))  # what comes between
            made.append(store.commit({}, {f"{name}/{number}": b""}))

    writers = [hub.spawn(writer, f"w{number}") for number in range(8)]
    for each in writers:
        each.wait()
    assert len(made) == 160 and len(set(made)) <= 60  # one revision a transaction


def test_a_commit_that_relies_on_thousands_of_rows(url: str, opened: Open) -> None:
    one, two = opened(url), opened(url)
    many = {f"port/{number}": b"%d" % number for number in range(5_000)}
    written = one.commit({}, many)
    read = dict.fromkeys(many, written) | {f"new/{number}": 0 for number in range(500)} | {"new/": written}
    made = one.commit(read, {f"new/{number}": b"" for number in range(500)})
    assert made > written and len(rows(two)) == 5_500
    changed = two.commit({}, {"port/4321": b"other"})
    with pytest.raises(Changed) as refused:
        one.commit(dict.fromkeys(many, written), {"x/1": b""})
    assert (refused.value.keys, refused.value.revision) == (["port/4321"], changed)
    assert two.get("x/1") is None


def test_small_commits_wait_for_a_large_one_and_go_on(url: str, opened: Open) -> None:
    one, two = opened(url), opened(url)
    many = {f"port/{number}": b"" for number in range(5_000)}
    written = one.commit({}, many)
    large = hub.spawn(one.commit, dict.fromkeys(many, written), dict.fromkeys(many, b"x"))
    revisions = [two.commit({}, {f"a/{number}": b""}) for number in range(100)]
    made = large.wait()
    assert revisions[0] < revisions[-1] and len(rows(one)) == 5_100
    assert {row.revision for row in two.everything()[1] if row.key in many} == {made}


@pytest.mark.parametrize("number", [1_700, 3_000])
def test_a_commit_larger_than_etcd_takes_is_the_clients_fault(url: str, opened: Open, number: int) -> None:
    store = opened(url)
    with pytest.raises(Invalid, match="larger than the store takes"):
        store.commit({}, {f"a/{each}": bytes(1000) for each in range(number)})
    assert rows(store) == {}
    store.commit({}, {"a/1": b""})


def test_everything_is_of_one_revision_however_many_pages(
    url: str, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.store.etcd.PAGE", 7)
    store = opened(url)
    for number in range(100):
        store.commit({}, {f"a/{number:03}": b"0"})

    def write() -> None:
        for number in range(1, 40):
            store.commit({}, {f"a/{key:03}": b"%d" % number for key in range(100)})

    writer = hub.spawn(write)
    while not writer.dead:
        revision, found = store.everything()
        assert len(found) == 100 and len({row.value for row in found}) == 1
        assert revision >= max(row.revision for row in found)


# --- answers that are lost --------------------------------------------------------------------------------------------


def through(wire: Wire, url: str) -> str:
    return f"etcd://127.0.0.1:{wire.port}/{url.split('/', 3)[3]}"


def test_a_commit_whose_answer_is_lost_is_recognised(url: str, opened: Open, wire: Wire) -> None:
    store, other = opened(through(wire, url)), opened(url)
    old = store.commit({}, {"n/1": b"0"})
    seen = follow(other, old)
    wire.answers_to_lose = 1
    revision = store.commit({"n/1": old, "n/2": 0}, {"n/1": b"1", "n/2": b""})
    assert wire.answers_to_lose == 0
    got = other.get("n/1")
    assert got is not None and (got.revision, got.value) == (revision, b"1")
    wait(lambda: seen)
    hub.sleep(0.3)
    assert [change.revision for change in seen] == [revision, revision], "it was made once"


def test_of_a_batch_whose_answer_is_lost_each_learns_its_own(url: str, opened: Open, wire: Wire) -> None:
    store = opened(through(wire, url))
    old = store.commit({}, {"a/old": b""})
    store.commit({}, {"a/gone": None, "a/x": b""})
    wire.answers_to_lose = 1
    answers: dict[int, object] = {}

    def commit(number: int, read: dict[str, int], write: dict[str, bytes | None]) -> None:
        try:
            answers[number] = store.commit(read, write)
        except Changed as changed:
            answers[number] = changed.keys

    cases: list[tuple[dict[str, int], dict[str, bytes | None]]] = [
        ({"a/old": old}, {"b/0": b""}),
        ({"a/old": 0}, {"b/1": b""}),
        ({"a/": old}, {"b/2": b""}),
        ({"c/": old}, {"b/3": None}),
    ]
    for thread in [hub.spawn(commit, number, *case) for number, case in enumerate(cases)]:
        thread.wait()
    assert wire.answers_to_lose == 0
    assert answers[0] == answers[3] and isinstance(answers[0], int)
    assert (answers[1], answers[2]) == (["a/old"], ["a/"])
    assert sorted(rows(store)) == ["a/old", "a/x", "b/0"]


def test_under_lost_answers_every_increment_counts_once(url: str, opened: Open, wire: Wire) -> None:
    store = opened(through(wire, url))
    revision = store.commit({}, {"n/1": b"0"})
    for number in range(1, 20):
        wire.answers_to_lose = number % 3
        revision = store.commit({"n/1": revision}, {"n/1": b"%d" % number})
    assert rows(store) == {"n/1": b"19"}


def test_one_that_was_given_up_is_not_made_later(url: str, opened: Open, wire: Wire) -> None:
    store = opened(through(wire, url))
    store.commit({}, {"n/1": b"0"})
    wire.cut_now()
    began = time.monotonic()
    with pytest.raises(Unavailable):
        store.commit({}, {"n/1": b"lost"})
    assert time.monotonic() - began < 50
    with pytest.raises(Unavailable):
        store.get("n/1")
    wire.mend()
    store.commit({}, {"n/2": b""})
    assert rows(store) == {"n/1": b"0", "n/2": b""}


# --- the watch --------------------------------------------------------------------------------------------------------


def test_a_lost_watch_goes_on_where_it_was(url: str, opened: Open, wire: Wire) -> None:
    store, other = opened(through(wire, url)), opened(url)
    start = other.commit({}, {"a/0": b""})
    wait(lambda: rows(store))
    seen = follow(store, start)
    wire.cut_now()
    revisions = [other.commit({}, {f"a/{number}": b""}) for number in range(1, 6)]
    wire.mend()
    wait(lambda: len(seen) == 5)
    assert [change.revision for change in seen] == revisions


def test_compaction_while_away_is_told_and_followed_by_a_fresh_start(
    url: str, opened: Open, wire: Wire, etcd: Cluster
) -> None:
    store, other = opened(through(wire, url)), opened(url)
    start = other.commit({}, {"a/0": b"", "a/gone": b""})
    changes = store.changes(start)
    wire.cut_now()
    other.commit({}, {"a/gone": None})
    last = other.commit({}, {"a/1": b"", "a/2": b""})
    etcd.members[0].post("kv/compaction", {"revision": last})
    wire.mend()
    with pytest.raises(Compacted):
        next(changes)
    revision, found = store.everything()
    assert revision >= last and sorted(row.key for row in found) == ["a/0", "a/1", "a/2"]
    seen = follow(store, revision)
    made = store.commit({}, {"a/3": b""})
    assert seen == [Change(made, "a/3", b"")]


# --- opening ----------------------------------------------------------------------------------------------------------


def test_an_etcd_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.store.etcd.START_WITHIN", 0.0)
    with pytest.raises(Misconfigured, match="cannot be reached"):
        open_store("etcd://127.0.0.1:1/tenet")


def test_an_etcd_at_its_quota_says_so_and_recovers(tmp_path: Path, opened: Open) -> None:
    cluster = Cluster(tmp_path / "full", options=["--quota-backend-bytes", "1000000"])
    cluster.start()
    try:
        store = opened(cluster.url("tenet"))
        member = cluster.members[0]
        with pytest.raises(Unavailable, match="space quota: compact"):
            for _ in range(100):
                store.commit({}, {"a/1": bytes(100_000)})
        assert store.get("a/1") is not None
        began = time.monotonic()
        with pytest.raises(Unavailable, match="space quota"):
            store.commit({}, {"a/2": b""})
        assert time.monotonic() - began < 1
        member.post("kv/compaction", {"revision": member.status()["header"]["revision"], "physical": True})
        member.post("maintenance/defragment")
        alarm = member.post("maintenance/alarm")["alarms"][0]
        member.post("maintenance/alarm", {"action": "DEACTIVATE", "memberID": alarm["memberID"], "alarm": "NOSPACE"})
        revision = store.commit({}, {"a/2": b""})
        assert store.everything()[0] == revision
    finally:
        cluster.stop()
