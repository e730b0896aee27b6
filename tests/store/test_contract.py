"""What every engine does; see controller.store.store."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from controller.runtime import hub
from controller.runtime.errors import Changed, Compacted, Unavailable
from controller.store.store import Change, Store, Stored

Factory = Callable[[], Store]


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """A test that waits for what never comes fails."""
    with hub.Timeout(20):
        yield


def contents(store: Store) -> dict[str, tuple[int, bytes]]:
    return {row.key: (row.revision, row.value) for row in store.everything()[1]}


def follow_until(store: Store, after: int, until: int) -> list[Change]:
    """The changes after one revision up to another."""
    seen: list[Change] = []
    for changes in store.changes(after):
        seen += changes
        if seen[-1].revision >= until:
            break
    return seen


# --- get, everything, commit ------------------------------------------------------------------------------------------


def test_a_new_store_is_empty(store: Store) -> None:
    assert store.everything()[1] == []
    assert store.get("port/a") is None


def test_a_commit_writes_all_its_rows_at_one_revision(store: Store) -> None:
    before, _ = store.everything()
    revision = store.commit({}, {"port/a": b"1", "taken/mac/n/x": b"", "odd/\x00\n'\U0001f600": bytes(range(256))})
    assert revision > before
    assert store.get("port/a") == Stored("port/a", revision, b"1")
    assert store.everything()[0] == revision
    assert contents(store) == {
        "port/a": (revision, b"1"),
        "taken/mac/n/x": (revision, b""),
        "odd/\x00\n'\U0001f600": (revision, bytes(range(256))),
    }


def test_a_commit_replaces_and_deletes(store: Store) -> None:
    store.commit({}, {"a/1": b"1", "a/2": b"2", "a/3": b"3"})
    revision = store.commit({}, {"a/1": b"new", "a/2": None, "a/none": None})
    assert store.get("a/1") == Stored("a/1", revision, b"new")
    assert store.get("a/2") is None
    assert sorted(contents(store)) == ["a/1", "a/3"]


def test_a_probe_changes_nothing_that_anybody_sees(store: Store) -> None:
    revision = store.commit({}, {"a/1": b"1"})
    probes = [hub.spawn(store.probe) for _ in range(3)]
    threads = [hub.spawn(store.commit, {}, {f"b/{number}": b""}) for number in range(3)]
    store.probe()
    for each in (*probes, *threads):
        each.wait()
    after = store.commit({"a/1": revision}, {"a/1": b"2"})
    seen = follow_until(store, revision, after)
    assert sorted(change.key for change in seen) == ["a/1", "b/0", "b/1", "b/2"]
    assert sorted(contents(store)) == ["a/1", "b/0", "b/1", "b/2"]


def test_revisions_grow(store: Store) -> None:
    revisions = [store.commit({}, {"a/1": b"%d" % number}) for number in range(20)]
    assert revisions == sorted(set(revisions))


def test_a_commit_of_many_rows_is_whole(store: Store) -> None:
    many = {f"port/{number}": b"%d" % number for number in range(2_345)}
    revision = store.commit({}, many)
    assert contents(store) == {key: (revision, value) for key, value in many.items()}
    store.commit({}, {key: None for key in many if key != "port/7"})
    assert contents(store) == {"port/7": (revision, b"7")}


@pytest.mark.parametrize("key", ["", "a/", "\ud800"])
def test_what_cannot_be_a_key_is_an_error_and_writes_nothing(store: Store, key: str) -> None:
    with pytest.raises(ValueError):
        store.commit({}, {"a/1": b"1", key: b""})
    assert contents(store) == {}
    assert store.commit({"a/1": 0}, {"a/1": b"1"})


def test_a_value_is_bytes(store: Store) -> None:
    with pytest.raises(ValueError, match="a/2"):
        store.commit({}, {"a/1": b"1", "a/2": "text"})  # type: ignore[dict-item]
    assert contents(store) == {}


# --- what a commit relies on ------------------------------------------------------------------------------------------


def refused(store: Store, read: dict[str, int]) -> list[str]:
    """The keys that a commit which relies on `read` is refused for, having written nothing."""
    before = store.everything()
    try:
        store.commit(read, {"probe/x": b""})
    except Changed as changed:
        assert changed.revision == before[0] and store.everything() == before
        return changed.keys
    store.commit({}, {"probe/x": None})
    return []


def test_a_key_must_be_at_exactly_the_revision_read(store: Store) -> None:
    first = store.commit({}, {"a/1": b"1"})
    second = store.commit({}, {"a/1": b"2"})
    assert refused(store, {"a/1": second}) == []
    assert refused(store, {"a/1": first}) == ["a/1"]
    assert refused(store, {"a/1": second + 1}) == ["a/1"]


def test_zero_is_a_key_that_must_not_exist(store: Store) -> None:
    assert refused(store, {"a/1": 0}) == []
    written = store.commit({"a/1": 0}, {"a/1": b"1"})
    assert refused(store, {"a/1": 0}) == ["a/1"]
    store.commit({}, {"a/1": None})
    assert refused(store, {"a/1": 0}) == []
    assert refused(store, {"a/1": written}) == ["a/1"]


def test_a_prefix_must_not_have_been_written_below_since(store: Store) -> None:
    first = store.commit({}, {"taken/ip/s1/10.0.0.1": b""})
    other = store.commit({}, {"taken/ip/s2/10.0.0.1": b"", "taken/ip/s1x/a": b"", "taken/ip": b""})
    assert refused(store, {"taken/ip/s1/": first}) == []
    assert refused(store, {"taken/ip/": first}) == ["taken/ip/"]
    assert refused(store, {"taken/": other - 1}) == ["taken/"]
    assert refused(store, {"taken/": other, "taken/ip/": other, "taken/ip/s2/": other}) == []


def test_a_delete_below_a_prefix_counts(store: Store) -> None:
    first = store.commit({}, {"a/b/1": b"1"})
    gone = store.commit({}, {"a/b/1": None})
    assert refused(store, {"a/b/": first}) == ["a/b/"]
    assert refused(store, {"a/": first}) == ["a/"]
    assert refused(store, {"a/b/": gone, "a/": gone}) == []


def test_every_stale_key_is_named(store: Store) -> None:
    revision = store.commit({}, {"a/1": b"", "a/2": b""})
    assert sorted(refused(store, {"a/1": revision, "a/2": 0, "a/3": 1, "a/": 0})) == ["a/", "a/2", "a/3"]


def test_a_commit_without_writes_only_checks(store: Store) -> None:
    revision = store.commit({}, {"a/1": b""})
    assert store.commit({"a/1": revision}, {}) == revision
    with pytest.raises(Changed):
        store.commit({"a/1": 0}, {})
    assert store.everything()[0] == revision


def test_of_many_that_want_one_key_one_gets_it(store: Store) -> None:
    won: list[int] = []

    def take(number: int) -> None:
        try:
            store.commit({"taken/x": 0}, {"taken/x": b"%d" % number, f"port/{number}": b""})
            won.append(number)
        except Changed as changed:
            assert store.everything()[0] >= changed.revision  # it can be waited for

    for thread in [hub.spawn(take, number) for number in range(50)]:
        thread.wait()
    (winner,) = won
    assert {key: value for key, (_, value) in contents(store).items()} == {
        "taken/x": b"%d" % winner,
        f"port/{winner}": b"",
    }


def test_concurrent_increments_lose_nothing(store: Store) -> None:
    def increment() -> None:
        for _ in range(10):
            while True:
                now = store.get("n/1")
                try:
                    store.commit(
                        {"n/1": now.revision if now else 0}, {"n/1": b"%d" % (int(now.value if now else 0) + 1)}
                    )
                    break
                except Changed:
                    hub.sleep(0)

    for thread in [hub.spawn(increment) for _ in range(8)]:
        thread.wait()
    now = store.get("n/1")
    assert now is not None and now.value == b"80"


# --- changes ----------------------------------------------------------------------------------------------------------


def test_changes_are_whole_commits_in_order(store: Store) -> None:
    start = store.everything()[0]
    first = store.commit({}, {"a/1": b"1", "a/2": b"2"})
    second = store.commit({}, {"a/1": None, "a/3": b"3"})
    seen = follow_until(store, start, second)
    assert sorted(seen) == [
        Change(first, "a/1", b"1"),
        Change(first, "a/2", b"2"),
        Change(second, "a/1", None),
        Change(second, "a/3", b"3"),
    ]
    assert [change.revision for change in seen] == [first, first, second, second]
    assert follow_until(store, first, second) == seen[2:]


def test_a_list_never_ends_within_a_commit(store: Store) -> None:
    start = store.everything()[0]
    sizes: dict[int, int] = {}
    ends: list[tuple[int, int]] = []  # the last revision of each list, and its rows by then

    def follow() -> None:
        for changes in store.changes(start):
            for change in changes:
                sizes[change.revision] = sizes.get(change.revision, 0) + 1
            ends.append((changes[-1].revision, sizes[changes[-1].revision]))

    follower = hub.spawn(follow)
    write = [hub.spawn(store.commit, {}, {f"k/{n}/{i}": b"" for i in range(7)}) for n in range(100)]
    revisions = sorted(thread.wait() for thread in write)
    store.close()
    follower.wait()
    assert sizes == {revision: 7 * revisions.count(revision) for revision in revisions}  # some are made together
    assert all(size == sizes[revision] for revision, size in ends)


def test_a_waiting_follower_has_a_change_before_its_committer_goes_on(store: Store) -> None:
    seen: list[Change] = []

    def follow() -> None:
        for changes in store.changes(start):
            seen.extend(changes)

    start = store.everything()[0]
    followers = [hub.spawn(follow) for _ in range(2)]
    hub.sleep(0)
    for number in range(5):
        revision = store.commit({}, {"a/1": b"%d" % number})
        assert seen[-2:] == [Change(revision, "a/1", b"%d" % number)] * 2
    for follower in followers:
        hub.kill(follower)


def test_followers_replay_to_what_is_stored(store: Store) -> None:
    start = store.everything()[0]
    replica: dict[str, tuple[int, bytes]] = {}

    def follow() -> None:
        for changes in store.changes(start):
            for revision, key, value in changes:
                if value is None:
                    replica.pop(key, None)
                else:
                    replica[key] = (revision, value)
            hub.sleep(0.001)

    def write(seed: int) -> None:
        for number in range(40):
            key = f"k/{(seed * 7 + number * 3) % 11}"
            store.commit({}, {key: None if number % 5 == 4 else b"%d.%d" % (seed, number)})

    follower = hub.spawn(follow)
    for thread in [hub.spawn(write, seed) for seed in range(5)]:
        thread.wait()
    expected = contents(store)
    store.close()  # a follower sees everything before it ends
    follower.wait()
    assert replica == expected


def test_a_revision_that_is_no_longer_kept_is_compacted(store: Store) -> None:
    start = store.everything()[0]
    for number in range(60):
        newest = store.commit({}, {f"k/{i}": b"%d" % number for i in range(1_000)})
    with pytest.raises(Compacted):
        next(store.changes(start))
    assert follow_until(store, newest - 1, newest)[-1].revision == newest


# --- closing and opening again ----------------------------------------------------------------------------------------


def test_what_was_committed_is_there_after_opening_again(store_factory: Factory) -> None:
    store = store_factory()
    revisions = {f"k/{n}": store.commit({}, {f"k/{n}": b"%d" % n, "gone/1": b""}) for n in range(5)}
    last = store.commit({}, {"gone/1": None})
    store.close()
    store = store_factory()
    assert store.everything()[0] >= last
    assert contents(store) == {f"k/{n}": (revisions[f"k/{n}"], b"%d" % n) for n in range(5)}
    assert refused(store, {"k/3": revisions["k/3"], "gone/1": 0, "k/": store.everything()[0]}) == []
    assert refused(store, {"k/3": 0, "gone/": last - 1}) == ["k/3", "gone/"]
    assert store.commit({}, {"k/0": b""}) > last


def test_changes_go_on_after_opening_again(store_factory: Factory) -> None:
    store = store_factory()
    store.commit({}, {"k/0": b""})
    store.close()
    store = store_factory()
    start = store.everything()[0]
    revision = store.commit({}, {"k/1": b"x"})
    assert follow_until(store, start, revision) == [Change(revision, "k/1", b"x")]


def test_closing_waits_for_commits_under_way_and_ends_followers(store_factory: Factory) -> None:
    store = store_factory()
    start = store.everything()[0]
    follower = hub.spawn(lambda: [change for changes in store.changes(start) for change in changes])
    commits = [hub.spawn(store.commit, {}, {f"k/{n}": b""}) for n in range(10)]
    hub.sleep(0)
    store.close()
    store.close()
    revisions = [thread.wait() for thread in commits]
    assert [change.revision for change in follower.wait()] == revisions
    for use in (lambda: store.commit({}, {"k/x": b""}), lambda: store.get("k/0"), lambda: store.everything()):
        with pytest.raises(Unavailable):
            use()
    assert sorted(contents(store_factory())) == [f"k/{n}" for n in range(10)]
