"""The replica follows the store, catches up after it fell behind, and says so when it cannot go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from controller.model.rows import Network
from controller.runtime import hub
from controller.store import open_store
from controller.store import replica as module
from controller.store.codec import encode
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import transact

RED = Network(id="red", project_id="t", mtu=1450, network_type="vxlan", segment=7)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path}/tenet.db")
    yield store
    store.close()


def test_what_is_committed_is_in_the_model_when_transact_returns(store: Store) -> None:
    replica = Replica(store)
    replica.start()
    outcome = transact(store, replica, lambda tx: tx.put(RED))
    assert replica.model.get(Network, "red") == msgspec.structs.replace(RED, revision=1)
    assert replica.model.revision == outcome.revision


def test_a_replica_that_fell_behind_reads_everything_and_wakes_who_waits(store: Store) -> None:
    store.commit({}, {"network/gone": encode(RED), "taken/segment/7": b"network/gone"})
    replica = Replica(store)
    replica.start()
    replica.stop()
    store.commit({}, {"network/gone": None, "taken/segment/7": None})
    last = store.commit({}, {RED.key: encode(RED)})
    told: list[int] = []
    hub.spawn(lambda: told.append(replica.wait(last)))
    hub.sleep(0)
    replica._load()  # as it does when the changes that it asks for are no longer kept
    hub.sleep(0)
    assert told == [True]
    assert replica.model.revision == last
    assert list(replica.model.rows(Network)) == ["red"]
    assert replica.model.taken == {}


def test_a_row_that_cannot_be_read_ends_the_process_rather_than_the_following_alone(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    failed: list[str] = []
    replica = Replica(store, lambda: failed.append("failed"))
    replica.start()
    hub.sleep(0)
    store.commit({}, {"network/red": b"{"})
    hub.sleep(0)
    assert failed == ["failed"]
    assert "cannot follow the store" in caplog.text


def test_others_have_turns_between_large_commits_and_see_each_as_a_whole(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLICE", 0.0)  # a turn wherever there may be one
    replica = Replica(store)
    for number in range(4):
        ids = [f"{number}-{each}" for each in range(module.PART)]
        store.commit({}, {f"network/{one}": encode(msgspec.structs.replace(RED, id=one)) for one in ids})
    seen: list[int] = []
    told: list[int] = []
    replica.listen(lambda _: told.append(len(replica.model.rows(Network))))
    following = hub.spawn(replica._follow)
    while len(replica.model.rows(Network)) < 4 * module.PART:
        hub.sleep(0)
        seen.append(len(replica.model.rows(Network)))
    hub.kill(following)
    assert set(seen) == {number * module.PART for number in range(5)}
    assert told == [number * module.PART for number in range(1, 5)]  # nobody reads a commit before listeners do


def test_small_commits_are_told_together(store: Store) -> None:
    replica = Replica(store)
    for number in range(10):
        store.commit({}, {f"network/{number}": encode(msgspec.structs.replace(RED, id=str(number)))})
    told: list[int] = []
    replica.listen(lambda _: told.append(len(replica.model.rows(Network))))
    following = hub.spawn(replica._follow)
    hub.sleep(0)
    hub.kill(following)
    assert told == [10]
