"""Leases: the contract on every engine, then holders that die and stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controller.runtime import hub
from controller.runtime.errors import Unavailable
from controller.store import open_store
from controller.store.store import Change, Store
from tests.store.etcd_process import Cluster

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    with hub.Timeout(40):
        yield


def wait(condition: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it has not come to pass"
        hub.sleep(0.02)


def follow(store: Store) -> list[Change]:
    seen: list[Change] = []
    start = store.everything()[0]
    hub.spawn(lambda: [seen.extend(changes) for changes in store.changes(start)])
    return seen


def test_rows_under_a_lease_vanish_when_it_is_revoked(store: Store) -> None:
    seen = follow(store)
    lease, other = store.lease(5), store.lease(5)
    store.commit({}, {"m/1": b"x", "m/2": b"y"}, lease)
    store.commit({}, {"m/3": b"z"}, other)
    store.commit({}, {"k/1": b""})
    assert lease.alive and lease.ttl >= 5 and time.monotonic() < lease.alive_until <= time.monotonic() + lease.ttl
    lease.revoke()
    assert not lease.alive and lease.lost.is_set() and other.alive
    wait(lambda: len(seen) == 6)
    assert sorted((change.key, change.value) for change in seen[4:]) == [("m/1", None), ("m/2", None)]
    assert [row.key for row in store.everything()[1]] == ["k/1", "m/3"]
    lease.revoke()
    with pytest.raises(Unavailable):
        store.commit({}, {"m/4": b""}, lease)
    assert store.get("m/4") is None
    assert store.commit({"m/1": 0}, {"m/1": b""})


def test_rows_of_one_that_was_killed_while_it_wrote_vanish_with_its_lease(store: Store) -> None:
    for number in range(5):
        lease = store.lease(5)
        writer = hub.spawn(store.commit, {}, {f"a/{number}": b""}, lease)
        hub.sleep(0)
        hub.kill(writer)
        lease.revoke()
    store.commit({}, {"b/1": b""})
    hub.sleep(0.3)
    assert [row.key for row in store.everything()[1]] == ["b/1"]


def test_a_lease_is_kept_alive(store: Store) -> None:
    lease = store.lease(2)
    store.commit({}, {"m/1": b""}, lease)
    for _ in range(8):
        hub.sleep(0.5)
        assert lease.alive and not lease.lost.is_set()
    assert store.get("m/1") is not None


def test_a_row_written_again_without_the_lease_stays(store: Store) -> None:
    lease = store.lease(5)
    store.commit({}, {"m/1": b"", "m/2": b""}, lease)
    store.commit({}, {"m/1": b"mine"})
    lease.revoke()
    wait(lambda: store.get("m/2") is None)
    assert store.get("m/1") is not None


def test_rows_of_a_lease_do_not_outlive_the_store(store_factory: Callable[[], Store]) -> None:
    store = store_factory()
    lease = store.lease(2)
    store.commit({}, {"m/1": b""}, lease)
    revision = store.commit({}, {"k/1": b""})
    store.close()
    store = store_factory()
    wait(lambda: store.get("m/1") is None)
    assert store.everything()[0] >= revision and [row.key for row in store.everything()[1]] == ["k/1"]


HOLDER = """
import sys
from controller.runtime import hub
hub.patch()
from controller.store import open_store
store = open_store(sys.argv[1])
lease = store.lease(2)
store.commit({}, {"m/1": b""}, lease)
print("held", flush=True)
while lease.alive:
    hub.sleep(0.05)
print("over", flush=True)
hub.sleep(1)
print("lost" if lease.lost.is_set() else "not lost", flush=True)
"""


@pytest.fixture
def holder(store_url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds a lease."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, store_url], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_rows_of_a_holder_that_is_killed_vanish(holder: subprocess.Popen[str], store_url: str) -> None:
    holder.kill()
    holder.wait()
    killed = time.monotonic()
    store = open_store(store_url)
    wait(lambda: store.get("m/1") is None)
    assert time.monotonic() - killed < 5
    store.close()


def test_a_holder_that_was_stopped_knows_that_it_is_over(holder: subprocess.Popen[str]) -> None:
    assert holder.stdout is not None
    os.kill(holder.pid, signal.SIGSTOP)
    hub.sleep(6)
    os.kill(holder.pid, signal.SIGCONT)
    resumed = time.monotonic()
    assert holder.stdout.readline() == "over\n"
    assert time.monotonic() - resumed < 0.5
    assert holder.stdout.readline() == "lost\n"


def test_a_lease_that_cannot_be_refreshed_is_over_before_etcd_ends_it(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "etcd")
    cluster.start()
    try:
        store = open_store(cluster.url("tenet"))
        lease = store.lease(2)
        store.commit({}, {"m/1": b""}, lease)
        cluster.members[0].pause()
        hub.sleep(2.1)
        assert not lease.alive
        cluster.members[0].go_on()
        wait(lambda: lease.alive or lease.lost.is_set())
        store.close()
    finally:
        cluster.stop()
