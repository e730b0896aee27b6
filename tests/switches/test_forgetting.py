"""Adopted switches that are gone for long."""

from __future__ import annotations

from controller.model.model import Model
from controller.model.rows import Bridge, Interface, Switch
from controller.switches.forgetting import Forgetting
from controller.switches.reported import adopted_id
from tests.apps.clouds import network, port
from tests.world import change

ONE, TWO = adopted_id(1), adopted_id(2)


class World:
    def __init__(self) -> None:
        self.now = 0.0
        self.connected: set[str] = set()
        self.others: set[str] = set()
        self.forgotten: list[str] = []
        self.model = Model()
        change(self.model, *(Switch(id=adopted_id(n), number=n, dpid=n) for n in (1, 2)))
        change(self.model, Switch(id="hv1", number=9, dpid=9))
        self.forgetting = Forgetting(
            self.model, 100.0, self.forgotten.append, lambda each: each in self.connected,
            lambda each: each not in self.others, lambda: self.now,
        )  # fmt: skip

    def look(self, now: float) -> list[str]:
        self.now = now
        self.forgotten.clear()
        self.forgetting.look()
        return sorted(self.forgotten)


def test_who_is_gone_for_long_is_forgotten_and_hypervisors_never() -> None:
    world = World()
    assert [world.look(now) for now in (0.0, 99.0, 100.0)] == [[], [], [ONE, TWO]]


def test_who_comes_back_begins_anew() -> None:
    world = World()
    world.look(0.0)
    world.connected = {ONE}
    world.look(50.0)
    world.connected = set()
    assert world.look(100.0) == [TWO]
    assert world.look(199.0) == [TWO]
    assert world.look(200.0) == [ONE, TWO]


def test_who_has_a_port_or_a_database_or_is_another_members_to_forget_stays() -> None:
    world = World()
    change(world.model, network("red"), port("vm", "red", 1), Interface(switch_id=ONE, name="e", vif="vm", ofport=1))
    change(world.model, Bridge(id=TWO, system_id="mn", name="s2"))
    assert [world.look(now) for now in (0.0, 200.0)] == [[], []]
    change(world.model, "port/vm", f"bridge/{TWO}")
    world.others = {TWO}
    assert world.look(201.0) == [ONE]
