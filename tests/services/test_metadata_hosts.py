"""Which hosts serve metadata: over a store, turn by turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.model.rows import Interface, MetadataHost, MetadataService, Row, WatchPort
from controller.model.rows.metadata import SERVICE, VIF
from controller.runtime.errors import NotFound
from controller.services.metadata_hosts import SILENT, MetadataHosts
from controller.store import open_store
from controller.store.replica import Replica
from controller.store.transaction import transact
from tests.apps.clouds import switch


def server(at: int) -> Interface:
    return Interface(switch_id=f"h{at}", name="md", vif=VIF, ofport=50)


class Desk:
    def __init__(self, directory: Path) -> None:
        self.store = open_store(f"sqlite:///{directory}/tenet.db")
        self.replica = Replica(self.store)
        self.replica.start()
        self.cut_off: set[str] = set()
        self.others: set[str] = set()  # switches that another member speaks for
        self.now = 100.0
        self.hosts = MetadataHosts(
            self.store, self.replica, lambda each: each not in self.cut_off, lambda each: each not in self.others,
            lambda: self.now,
        )  # fmt: skip

    def put(self, *rows: Row) -> None:
        transact(self.store, self.replica, lambda tx: [tx.put(row) for row in rows])
        self.hosts.turn()

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self.hosts.turn()

    @property
    def service(self) -> MetadataService | None:
        return self.replica.model.get(MetadataService, SERVICE)

    @property
    def serving(self) -> tuple[str, ...]:
        return self.service.hosts if self.service else ()

    def why(self, switch_id: str) -> str:
        (one,) = [each for each in self.hosts.hosts() if each["switch"] == switch_id]
        assert one["serves"] == (not one["why"])
        return str(one["why"])


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    made.put(switch(1), switch(2), server(1), server(2))
    yield made
    made.store.close()


def test_only_hosts_that_were_named_serve(desk: Desk) -> None:
    assert desk.service is None and desk.hosts.hosts() == []
    assert desk.hosts.name("h1")["why"] == ""
    desk.passes(1.0)
    assert desk.serving == ("h1",)
    with pytest.raises(NotFound):
        desk.hosts.name("h9")
    with pytest.raises(NotFound):
        desk.hosts.dismiss("h2")


def test_the_segment_is_drawn_once_and_given_back(desk: Desk) -> None:
    desk.hosts.name("h1")
    desk.passes(1.0)
    first = desk.service
    assert first is not None
    assert desk.replica.model.taken[f"taken/segment/{first.segment}"] == first.key
    desk.hosts.name("h2")
    desk.passes(1.0)
    assert desk.service == MetadataService(segment=first.segment, hosts=("h1", "h2"))
    desk.hosts.dismiss("h1")
    desk.hosts.dismiss("h2")
    desk.passes(1.0)
    assert desk.service is None and f"taken/segment/{first.segment}" not in desk.replica.model.taken


def test_a_host_without_its_interface_does_not_serve(desk: Desk) -> None:
    desk.put(MetadataHost(id="h1"), MetadataHost(id="h2"))
    transact(desk.store, desk.replica, lambda tx: tx.delete(server(1)))
    desk.passes(1.0)
    assert desk.serving == ("h2",) and "does not run" in desk.why("h1")


def test_a_host_that_is_cut_off_serves_no_more_after_a_while(desk: Desk) -> None:
    desk.put(MetadataHost(id="h1"), MetadataHost(id="h2"))
    desk.cut_off.add("h1")
    desk.passes(SILENT)
    assert desk.serving == ("h1", "h2")
    desk.passes(0.1)
    assert desk.serving == ("h2",) and "not connected" in desk.why("h1")
    desk.cut_off.clear()
    desk.passes(1.0)
    assert desk.serving == ("h1", "h2")


def test_a_host_that_is_not_heard_serves_no_more_at_once(desk: Desk) -> None:
    desk.put(MetadataHost(id="h1"), MetadataHost(id="h2"))
    desk.put(WatchPort(switch_id="h2", far_switch_id="h1", ofport=70, up=False))
    assert desk.serving == ("h2",) and "BFD" in desk.why("h1")


def test_one_member_writes(desk: Desk) -> None:
    desk.others.add("h1")
    desk.put(MetadataHost(id="h1"), MetadataHost(id="h2"))
    assert desk.service is None
    desk.others.clear()
    desk.passes(1.0)
    assert desk.serving == ("h1", "h2")
