"""Contested VIFs: handed over when their switch has been away for long, and shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from controller.model.rows import Port, Row, Switch
from controller.ovsdb.seen import SeenHypervisor, SeenInterface
from controller.runtime import hub
from controller.store import open_store
from controller.store.replica import Replica
from controller.store.transaction import Transaction, transact
from controller.switches import vifs
from controller.switches.observer import Observer
from controller.switches.vifs import Vifs
from tests.apps.clouds import network, port

A = SeenInterface(name="tap1", vif="vm-a", mac="", ofport=1)


class World:
    """A store, an observer and what watches VIFs."""

    def __init__(self, directory: Path) -> None:
        self.store = open_store(f"sqlite:///{directory}/tenet.db")
        self.replica = Replica(self.store)
        self.replica.start()
        self.observer = Observer(self.store, self.replica)
        self.away: set[str] = set()
        self.others: set[str] = set()  # switches that another member speaks for
        self.vifs = Vifs(self.store, self.replica, lambda each: each in self.away, lambda each: each not in self.others)
        self.observer.start()
        self.vifs.start()

    def put(self, *rows: Row) -> None:
        def rules(tx: Transaction) -> None:
            for row in rows:
                tx.put(row)

        transact(self.store, self.replica, rules)

    def report(self, number: int, *interfaces: SeenInterface, **more: Any) -> None:
        usual = SeenHypervisor(
            system_id=f"h{number}", host=f"host{number}", dpid=number, encap_ip=f"192.0.2.{number}",
            encap_types=("vxlan",), interfaces=interfaces,
        )  # fmt: skip
        self.observer.hypervisor(msgspec.structs.replace(usual, **more))

    @property
    def holder(self) -> str:
        at = self.replica.model.placement.bindings.get("vm-a")
        return at.switch_id if at else ""

    def until(self, so: Callable[[], object]) -> None:
        deadline = time.monotonic() + 30
        while not so():
            assert time.monotonic() < deadline
            hub.sleep(0.01)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(vifs, "LOOK", 0.02)
    made = World(tmp_path)
    made.put(network("red"), port("vm-a", "red", 1))
    yield made
    made.store.close()


def test_a_vif_of_a_switch_that_is_away_for_long_goes_to_one_that_is_there(world: World) -> None:
    world.report(1, A)
    world.report(2, A)
    world.report(3, A)
    shown = [{"port": "vm-a", "vif": "vm-a", "switch": "h1", "claimed_by": ["h2", "h3"]}]
    world.until(lambda: world.vifs.contested() == shown)
    hub.sleep(0.2)
    assert (world.holder, world.vifs.moves) == ("h1", 0), "it is there"
    world.others = {"h3"}
    world.away = {"h1", "h2"}
    hub.sleep(0.2)
    assert world.holder == "h1", "h3 is another member's to speak for"
    world.others = set()
    world.until(lambda: world.holder == "h3")
    world.until(lambda: world.vifs.moves == 1)
    world.away = set()
    world.report(1, A, underlay_mtu=1500)
    hub.sleep(0.2)
    assert world.holder == "h3", "who comes back waits"


def test_a_claim_ends_with_the_interface_and_with_the_port(world: World) -> None:
    for ends in (lambda: world.report(2), lambda: _delete_port(world)):
        world.report(1, A)
        world.report(2, A)
        world.until(lambda: world.vifs.count == 1)
        ends()
        world.until(lambda: world.vifs.count == 0)
        assert world.vifs.moves == 0


def _delete_port(world: World) -> None:
    def rules(tx: Transaction) -> None:
        row = tx.get(Port, "vm-a")
        assert row is not None
        tx.delete(row)

    transact(world.store, world.replica, rules)


def test_a_binding_moves_it_and_that_is_counted(world: World) -> None:
    world.report(1, A)
    world.report(2, A)
    world.until(lambda: world.vifs.count == 1)
    world.put(msgspec.structs.replace(port("vm-a", "red", 1), host="host2"))
    assert world.holder == "h2"
    world.until(lambda: world.vifs.moves == 1)


def test_who_waits_for_a_host_name_gets_it_when_the_other_lets_go(world: World) -> None:
    world.report(1)
    world.report(2, host="host1")
    assert _host(world, "h2") == ("h2", ("host name host1: h1 has it",))
    world.report(1, host="other")
    world.until(lambda: _host(world, "h2") == ("host1", ()))


def _host(world: World, switch_id: str) -> tuple[str, tuple[str, ...]]:
    switch = world.replica.model.get(Switch, switch_id)
    assert switch is not None
    return switch.host, switch.refused
