"""What operators see and say of gateways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.gateways.moves import QUIET
from controller.gateways.operators import GatewayOperations
from controller.gateways.rebalancing import TOGETHER
from controller.model.rows import GatewayHost, WatchPort
from controller.runtime.errors import NotFound
from tests.apps.clouds import switch
from tests.gateways.test_rankings import LAB, OUTSIDE, World, mapped, router


class Desk(World):
    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.operations = GatewayOperations(self.store, self.replica, lambda each: each in self.away)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.close()


def test_gateways_and_routers_without_one(desk: Desk) -> None:
    desk.put(OUTSIDE, LAB, mapped(1), mapped(2), switch(3), router("r", "out"), router("s", "lab"), router("t"))
    desk.put(WatchPort(switch_id="h2", far_switch_id="h1", ofport=70, up=False))
    desk.away.add("h1")
    said = desk.operations.gateways()
    assert [one["switch"] for one in said["gateways"]] == ["h1", "h2"]
    assert [one["alive"] for one in said["gateways"]] == [False, True]
    assert said["gateways"][0]["not_heard_by"] == ["h2"] and said["gateways"][0]["physical_networks"] == ["p1"]
    assert sum(one["routers_active"] for one in said["gateways"]) == 1
    assert sum(one["routers_standby"] for one in said["gateways"]) == 1
    (without,) = said["routers_without"]
    assert without["router"] == "s" and "no host is designated" in without["why"]


def test_a_drain_moves_routers_and_can_be_ended(desk: Desk) -> None:
    desk.put(OUTSIDE, mapped(1), mapped(2), router("r", "out"))
    first, second = desk.of("r")
    assert desk.operations.drain(first, True)["draining"]
    desk.passes(1.0)
    assert desk.of("r") == (second,)
    assert not desk.operations.drain(first, False)["draining"]
    desk.passes(1.0)
    assert desk.of("r") == (second, first)


def test_a_designation_is_kept_beside_a_drain(desk: Desk) -> None:
    desk.put(switch(1))
    desk.operations.designate("h1", True)
    desk.operations.drain("h1", True)
    assert desk.replica.model.get(GatewayHost, "h1") == GatewayHost(id="h1", designated=True, draining=True)
    revision = desk.replica.model.revision
    desk.operations.drain("h1", True)
    assert desk.replica.model.revision == revision
    with pytest.raises(NotFound):
        desk.operations.drain("h9", True)


def test_a_rebalancing_moves_a_few_routers_to_a_host_that_is_new(desk: Desk) -> None:
    many = [router(f"r{number}", "out", number=number + 1) for number in range(120)]
    desk.put(OUTSIDE, mapped(1), mapped(2), *many)
    desk.put(mapped(3))
    assert Counter(desk.of(each.id)[0] for each in many)["h3"] == 0, "what has a gateway keeps it"
    moved: set[str] = set()
    for _ in range(10):
        said = desk.operations.rebalance()
        assert len(said["moved"]) <= TOGETHER
        for move in said["moved"]:
            held = desk.held(move["router_id"])
            assert held is not None and (held.switches[0], held.leaving, held.used) == ("h3", move["former"], False)
            assert move["router_id"] not in moved
            moved.add(move["router_id"])
        assert desk.operations.rebalance()["moved"] == [], "while these move"
        for _ in range(4):
            desk.passes(QUIET)
        if not said["left"]:
            break
    shares = Counter(desk.of(each.id)[0] for each in many)
    assert shares["h3"] == len(moved) and all(20 < share < 60 for share in shares.values())
    assert desk.operations.rebalance() == {"moved": [], "left": 0}
