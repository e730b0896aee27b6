"""Switches with very many interfaces: written a few at a time, so that no commit holds others up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.model.model import Model
from controller.model.rows import Interface, Link, Switch
from controller.openflow.session import PortDesc
from controller.ovsdb.seen import SeenHypervisor, SeenInterface
from controller.store import open_store
from controller.store.replica import Replica
from controller.switches import observer as module
from controller.switches.discovery.probed import MOST, probed
from controller.switches.observer import STEP, Observer
from controller.switches.reported import lowest_free
from tests.world import change

MANY = 10 * STEP


class World:
    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = open_store(f"sqlite:///{directory}/tenet.db")
        self.replica = Replica(self.store)
        self.replica.start()
        self.observer = Observer(self.store, self.replica)
        self.commits: list[int] = []
        commit = self.store.commit

        def counted(read: Any, write: Any) -> int:
            self.commits.append(len(write))
            return commit(read, write)

        monkeypatch.setattr(self.store, "commit", counted)

    @property
    def interfaces(self) -> dict[str, Interface]:
        return {row.name: row for row in self.replica.model.rows(Interface).values()}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(tmp_path, monkeypatch)
    yield made
    made.replica.stop()
    made.store.close()


def seen(count: int, first: int = 1) -> SeenHypervisor:
    numbers = range(first, first + count)
    interfaces = tuple(SeenInterface(name=f"tap{n}", vif=f"vif{n}", mac="", ofport=n) for n in numbers)
    return SeenHypervisor(system_id="h1", host="host1", dpid=1, interfaces=interfaces)


def test_many_interfaces_come_change_and_go_in_small_commits(world: World) -> None:
    world.observer.hypervisor(seen(MANY))
    assert len(world.interfaces) == MANY
    assert max(world.commits) <= STEP and len(world.commits) >= MANY // STEP
    kept = world.interfaces["tap2"]
    world.observer.hypervisor(seen(MANY, first=2))
    assert world.interfaces.keys() == {f"tap{n}" for n in range(2, MANY + 2)}
    assert world.interfaces["tap2"] == kept
    world.commits.clear()
    world.observer.hypervisor(seen(MANY, first=2))
    assert world.commits == [], "what is known is not written again"
    world.observer.hypervisor(seen(0))
    assert not world.interfaces
    assert max(world.commits) <= STEP


def test_a_switch_with_many_interfaces_is_forgotten_in_small_commits(world: World) -> None:
    world.observer.hypervisor(seen(MANY))
    world.commits.clear()
    world.observer.forget("h1")
    assert not world.interfaces
    assert max(world.commits) <= STEP


def test_few_are_written_at_once(world: World) -> None:
    world.observer.hypervisor(seen(STEP))
    assert len(world.commits) == 1
    assert len(world.interfaces) == STEP


def test_batches() -> None:
    assert list(module.batched(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(module.batched((), 2)) == []


@pytest.mark.parametrize(
    ("held", "first", "free"),
    [
        (set(), 1, 1),
        ({1, 2, 4}, 1, 3),
        ({1, 2, 4}, 4, 5),
        (set(range(1, 5000)), 1, 5000),
        ({7}, 1, 1),
        (set(), 900, 900),
    ],
)  # fmt: skip
def test_the_lowest_free_number(held: set[int], first: int, free: int) -> None:
    assert lowest_free(sum(1 << number for number in held), first) == free


def test_of_very_many_ports_discovery_goes_out_of_some_and_of_ends_of_wires_first() -> None:
    model = Model()
    ends = [Link(switch_id=one, ofport=5000, far_switch_id=other, far_ofport=5000) for one, other in ("ab", "ba")]
    change(model, *(Switch(id=name, number=number, dpid=number) for number, name in enumerate("ab", 1)), *ends)
    ports = [PortDesc(number, f"p{number}", "02:00:00:00:00:01", 0) for number in range(1, 6000)]
    found = [port.number for port in probed(model, model.rows(Switch)["a"], ports)]
    assert found == [5000, *range(1, MOST)]
