"""Commits of which it cannot be told whether they were made: the client hears 503; none is made later, or twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from controller.runtime import hub
from controller.runtime.errors import Changed, Unavailable
from controller.store import open_store
from controller.store.store import Store
from tests.store.etcd_process import Cluster
from tests.store.wire import Wire


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    with hub.Timeout(60):
        yield


@pytest.fixture
def wire(etcd: Cluster) -> Iterator[Wire]:
    wire = Wire(etcd.members[0].port)
    yield wire
    wire.close()


class Two(list[Store]):
    """A store over the wire, and another beside it."""

    def lost(self, wire: Wire, read: dict[str, int], write: dict[str, bytes | None]) -> Callable[[], int]:
        """Commit so that the answer is lost, and then the wire is cut; to be called for what becomes of it."""
        wire.answers_to_lose = 1
        thread = hub.spawn(self[0].commit, read, write)
        while wire.answers_to_lose:
            hub.sleep(0.005)
        wire.cut_now()
        return thread.wait  # type: ignore[no-any-return]


@pytest.fixture
def two(etcd: Cluster, wire: Wire) -> Iterator[Two]:
    prefix = f"test/{uuid4()}"
    made = Two([open_store(f"etcd://127.0.0.1:{wire.port}/{prefix}"), open_store(etcd.url(prefix))])
    yield made
    wire.mend()
    for store in made:
        store.close()


def rows(store: Store) -> dict[str, bytes]:
    return {row.key: row.value for row in store.everything()[1]}


def test_what_the_answer_would_be_read_from_has_been_compacted(two: Two, wire: Wire, etcd: Cluster) -> None:
    store, other = two
    old = store.commit({}, {"n/1": b"0"})
    outcome = two.lost(wire, {"n/1": old}, {"n/1": b"1"})
    last = other.commit({}, {"n/2": b""})
    etcd.members[0].post("kv/compaction", {"revision": last})
    wire.mend()
    with pytest.raises(Unavailable, match="not known what became"):
        outcome()
    assert rows(other) == {"n/1": b"1", "n/2": b""}
    with pytest.raises(Changed):  # the client tries again, and is told that it is done
        store.commit({"n/1": old}, {"n/1": b"1"})
    store.commit({}, {"n/3": b""})
    assert rows(other) == {"n/1": b"1", "n/2": b"", "n/3": b""}


@pytest.mark.parametrize("made", [True, False])
def test_no_answer_until_the_session_is_over(
    two: Two, wire: Wire, monkeypatch: pytest.MonkeyPatch, etcd: Cluster, made: bool
) -> None:
    monkeypatch.setattr("controller.store.etcd_session.TTL", 2.0)
    store, other = two
    old = store.commit({}, {"n/1": b"0"})
    if made:
        outcome = two.lost(wire, {"n/1": old}, {"n/1": b"1"})
    else:
        wire.cut_now()
        outcome = hub.spawn(store.commit, {"n/1": old}, {"n/1": b"1"}).wait
    hub.sleep(4.5)
    wire.mend()
    with pytest.raises(Unavailable, match="not known whether"):
        outcome()
    hub.sleep(1)
    assert rows(other) == {"n/1": b"1" if made else b"0"}
    revision = store.commit({}, {"n/2": b""})
    assert store.everything()[0] == revision and rows(other) == rows(store)


def test_one_that_was_made_although_it_was_given_up_is_told_of(
    two: Two, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    """The client has 503; the next commit finds the name of the lost one in the session's row."""
    store, other = two
    old = store.commit({}, {"n/1": b"0"})
    outcome = two.lost(wire, {"n/1": old}, {"n/1": b"1"})
    with pytest.raises(Unavailable):
        outcome()
    wire.mend()
    with pytest.raises(Changed) as refused:
        store.commit({"n/1": old}, {"n/1": b"1"})
    assert refused.value.keys == ["n/1"] and rows(other) == {"n/1": b"1"}
    assert "a commit that was reported as unavailable was made at" in caplog.text
