"""Packets that switches hand over become rows, and rows go when their port is unplugged; with a real store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from controller.model.rows import Interface, Learned, Row, Switch
from controller.openflow.session import PacketIn, PortDesc, Session
from controller.runtime import hub
from controller.runtime.errors import Unavailable
from controller.store import open_store
from controller.store.replica import Replica
from controller.store.transaction import Transaction, transact
from controller.switches import observer as module
from controller.switches.observer import Observer
from tests.apps.clouds import network, plugged, port, switch
from tests.reconcile.memory import MemorySession, until

NEW = "02:00:00:00:00:aa"


class Bench:
    """Lea and Leo are learning ports of one switch."""

    def __init__(self, folder: Path) -> None:
        self.threads: list[hub.GreenThread] = []
        self.store = open_store(f"sqlite:///{folder}/tenet.db")
        self.replica = Replica(self.store)
        self.replica.start()
        self.observer = Observer(self.store, self.replica)
        self.session = MemorySession(1)
        self.put(
            switch(1), network("red"), port("lea", "red", 1, learning=True), plugged("lea", 1, 1),
            port("leo", "red", 2, learning=True), plugged("leo", 1, 2),
        )  # fmt: skip

    def start(self) -> None:
        spawn = hub.spawn
        try:
            hub.spawn = lambda *call: self.threads.append(spawn(*call))
            self.observer.start()
        finally:
            hub.spawn = spawn

    def put(self, *rows: Row) -> None:
        def rules(tx: Transaction) -> None:
            for row in rows:
                tx.put(row)

        transact(self.store, self.replica, rules)

    def remove(self, row: Row) -> None:
        transact(self.store, self.replica, lambda tx: tx.delete(row))

    def hear(self, mac: str = NEW, ofport: int = 1, dpid: int = 1) -> None:
        self.session.dpid = dpid
        data = bytes(6) + bytes.fromhex(mac.replace(":", "")) + bytes(50)
        self.observer.packet_in(cast(Session, self.session), PacketIn(0, ofport, 1, 48, data, {"reg6": ofport}))

    @property
    def learned(self) -> list[tuple[str, str]]:
        return sorted((row.mac, row.port_id) for row in self.replica.model.rows(Learned).values())

    def close(self) -> None:
        for thread in self.threads:
            hub.kill(thread)
        self.replica.stop()
        self.store.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    bench.start()
    yield bench
    bench.close()


def test_a_source_address_is_learned_once(bench: Bench) -> None:
    for _ in range(5):
        bench.hear()
    until(lambda: bench.learned == [(NEW, "lea")])
    until(lambda: bench.observer.learned == 1)


def test_what_moves_is_followed_and_two_that_claim_it_cost_little(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOVE", 0.05)
    bench.hear(ofport=1)
    until(lambda: bench.learned == [(NEW, "lea")])
    bench.hear(ofport=2)
    until(lambda: bench.learned == [(NEW, "leo")])
    revision = bench.replica.model.revision
    for _ in range(20):
        bench.hear(ofport=1)
        bench.hear(ofport=2)
        hub.sleep(0)
    assert bench.replica.model.revision - revision <= 2
    hub.sleep(0.06)
    bench.hear(ofport=1)
    until(lambda: bench.learned == [(NEW, "lea")])


def test_what_was_learned_is_forgotten_with_the_plug(bench: Bench) -> None:
    bench.hear()
    until(lambda: bench.learned)
    bench.remove(plugged("lea", 1, 1))
    until(lambda: not bench.learned)


def test_what_went_while_nobody_looked_is_forgotten_at_the_start(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.put(Learned(network_id="red", mac=NEW, port_id="lea", at="h9/tap-lea", ofport=1))
    bench.start()
    until(lambda: not bench.learned)
    bench.close()


def test_frames_of_strangers_are_passed_over(bench: Bench) -> None:
    bench.hear(dpid=99)
    bench.hear(mac="01:00:00:00:00:01")
    bench.hear(ofport=77)
    bench.hear(mac="02:00:00:00:00:bb", ofport=2)
    until(lambda: bench.learned == [("02:00:00:00:00:bb", "leo")])


def test_a_flood_of_addresses_is_dropped_and_counted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUEUE", 10)
    for number in range(15):
        bench.hear(mac=f"02:00:00:00:01:{number:02x}")
    assert bench.observer.dropped == 5
    until(lambda: len(bench.learned) == 10)


def test_a_store_that_cannot_take_it_is_asked_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOVE", 0.01)
    tries: list[int] = []

    def fails_once(*arguments: object) -> object:
        tries.append(1)
        if len(tries) == 1:
            raise Unavailable("the disk is full")
        return transact(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "transact", fails_once)
    bench.hear()
    until(lambda: tries)
    assert bench.observer.learned == 0
    hub.sleep(0.02)
    bench.hear()
    until(lambda: bench.learned == [(NEW, "lea")])
    until(lambda: bench.observer.learned == 1)


def test_a_bare_bridge_is_adopted_without_its_own_port(bench: Bench) -> None:
    ports = {1: PortDesc(1, "s1-eth1", "", 0), 0xFFFFFFFE: PortDesc(0xFFFFFFFE, "s1", "", 0)}
    bench.session.ports = ports  # type: ignore[attr-defined]
    bench.session.dpid = 31
    bench.observer.adopt(cast(Session, bench.session))
    assert bench.replica.model.rows(Switch)["000000000000001f"].dpid == 31
    found = [row.name for row in bench.replica.model.find(type(plugged("x", 1, 1)), "switch_id", "000000000000001f")]
    assert found == ["s1-eth1"]


@pytest.mark.parametrize("fault", [Unavailable("the disk is full"), ValueError("a fault of ours")])
def test_ports_of_a_bare_bridge_that_change_are_written_when_the_store_takes_them(
    bench: Bench, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "AGAIN", 0.01)
    tries: list[int] = []

    def fails_once(*arguments: object) -> object:
        tries.append(1)
        if len(tries) == 1:
            raise fault
        return transact(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "transact", fails_once)
    bench.session.dpid = 31
    bench.session.ports = {1: PortDesc(1, "s1-eth1", "", 0)}  # type: ignore[attr-defined]
    for _ in range(5):
        bench.observer.ports_changed(cast(Session, bench.session))
    until(lambda: bench.replica.model.find(Interface, "switch_id", "000000000000001f"))
    assert len(tries) == 2
    bench.session.ports[2] = PortDesc(2, "s1-eth2", "", 0)  # type: ignore[attr-defined]
    bench.observer.ports_changed(cast(Session, bench.session))
    until(lambda: len(bench.replica.model.find(Interface, "switch_id", "000000000000001f")) == 2)


def test_an_address_is_forgotten_although_the_store_could_not_take_it_at_first(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.hear()
    until(lambda: bench.learned == [(NEW, "lea")])
    failures: list[int] = []

    def fails_once(*arguments: object) -> object:
        if not failures:
            failures.append(1)
            raise Unavailable("the disk is full")
        return transact(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "transact", fails_once)
    bench.remove(plugged("lea", 1, 1))
    until(lambda: not bench.learned)
    assert failures


def test_what_goes_from_port_to_port_without_end_stays_where_it_is(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As behind a cable between two ports: the same address is heard at both, again and again."""
    monkeypatch.setattr(module, "MOVE", 0.001)
    caplog.set_level("WARNING", "tenet.observe")
    for turn in range(40):
        bench.hear(ofport=1 + turn % 2)
        hub.sleep(0.01)
    until(lambda: caplog.records)
    settled = bench.replica.model.revision
    for turn in range(40):
        bench.hear(ofport=1 + turn % 2)
        hub.sleep(0.005)
    assert bench.replica.model.revision == settled and bench.observer.learned <= 5
    assert [record.getMessage() for record in caplog.records] == [
        f"{NEW} goes from port to port of network red: it stays where it is until that ends (a loop?)"
    ]
    bench.hear(mac="02:00:00:00:00:bb", ofport=2)  # others are learned all the same
    until(lambda: ("02:00:00:00:00:bb", "leo") in bench.learned)
