"""What switches had confirmed is believed by the next process, unless anything was written since."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from controller.model.rows import Confirmed, Row
from controller.reconcile import confirmations
from controller.reconcile.confirmations import Confirmations
from controller.reconcile.progress import GRACE, Progress
from controller.runtime import hub
from controller.store import open_store
from controller.store.codec import encode
from controller.store.replica import Replica
from controller.store.store import Store
from tests.apps.clouds import network, switch


class Process(NamedTuple):
    """What a process has of it, over the file that all share, at the time `clock` has."""

    store: Store
    replica: Replica
    progress: Progress
    confirmations: Confirmations
    clock: list[float]

    def put(self, *rows: Row, read: dict[str, int] | None = None) -> int:
        revision = self.store.commit(read or {}, {row.key: encode(row) for row in rows})
        self.replica.wait(revision)
        return revision

    def ends(self, cleanly: bool = True) -> None:
        if cleanly:
            self.confirmations.finish()
        elif self.confirmations._thread is not None:
            hub.kill(self.confirmations._thread)
        self.replica.stop()
        self.store.close()

    def confirm(self, *switches: str) -> None:
        self.progress.round(self.replica.model.revision, [])
        for each in switches:
            self.progress.confirmed(each, self.progress.compiled, current=True)


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[[], Process]]:
    begun: list[Process] = []

    def process() -> Process:
        store = open_store(f"sqlite:///{tmp_path}/tenet.db")
        replica, clock = Replica(store), [0.0]
        replica.start()
        progress = Progress(lambda: clock[0])
        made = Process(store, replica, progress, Confirmations(store, replica, progress), clock)
        made.confirmations.start()
        begun.append(made)
        return made

    yield process
    begun[-1].ends(cleanly=False)


@pytest.fixture
def first(begin: Callable[[], Process]) -> Process:
    made = begin()
    made.put(switch(1), switch(2), network("red"))
    made.confirm("h1", "h2")
    return made


def test_what_was_confirmed_at_the_end_still_is(first: Process, begin: Callable[[], Process]) -> None:
    content = first.replica.model.content
    first.ends()
    second = begin()
    assert [second.progress.at(each) for each in ("h1", "h2")] == [content, content]
    assert second.replica.model.content == content
    assert not second.progress.is_connected("h1")
    second.clock[0] += GRACE + 1
    assert second.progress.is_away("h1")
    second.progress.arrived("h1")
    assert second.progress.is_connected("h1") and second.progress.at("h1") == content
    second.ends()
    assert begin().progress.at("h1") == content  # nothing has come of it yet, and nothing was lost


def test_a_switch_that_is_behind_or_refuses_is_not_believed(first: Process, begin: Callable[[], Process]) -> None:
    first.put(network("blue"))
    first.confirm("h1")  # h2 follows without a change
    first.put(switch(3))
    first.progress.round(first.replica.model.revision, ["h2"])
    first.progress.refusing("h1", {"port/a": {1: "no"}})
    first.ends()
    second = begin()
    assert [second.progress.at(each) for each in ("h1", "h2", "h3")] == [0, 0, 0]


def test_it_is_written_after_a_moment(
    first: Process, begin: Callable[[], Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    with hub.Timeout(10):
        while first.replica.model.get(Confirmed, "all") is None:
            hub.sleep(0.05)
    hub.sleep(0.1)
    written = first.replica.model.revision
    hub.sleep(1.3 * confirmations.RHYTHM)
    assert first.replica.model.revision == written  # it is no reason to write it again
    first.ends(cleanly=False)
    assert begin().progress.at("h1") == first.replica.model.content


@pytest.mark.parametrize("deleted", [False, True])
def test_nothing_is_believed_when_something_was_written_after(
    first: Process, begin: Callable[[], Process], deleted: bool
) -> None:
    with hub.Timeout(10):
        while first.replica.model.get(Confirmed, "all") is None:
            hub.sleep(0.05)
    row = network("red" if deleted else "blue")
    first.store.commit({}, {row.key: None if deleted else encode(row)})
    first.ends(cleanly=False)
    assert begin().progress.at("h1") == 0
