"""Keeping the rankings of routers right: over a store, turn by turn."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import permutations
from pathlib import Path

import pytest
from msgspec.structs import replace

from controller.gateways.links import STEADY
from controller.gateways.moves import LEAVING, QUIET, SETTLING
from controller.gateways.rankings import LOOK, Rankings
from controller.model.rows import (
    Gateway,
    GatewayHost,
    GatewayRanking,
    Network,
    Physical,
    Router,
    RouterInterface,
    Row,
    Switch,
    WatchPort,
)
from controller.store import open_store
from controller.store.replica import Replica
from controller.store.transaction import Transaction, transact
from tests.apps.clouds import plugged, port, switch

OUTSIDE = Network(
    id="out", project_id="t", mtu=1500, network_type="flat", segment=7, physical_network="p1", external=True
)
LAB = Network(id="lab", project_id="t", mtu=1450, network_type="vxlan", segment=8, external=True)


def router(name: str, *networks: str, number: int = 1) -> Router:
    gateways = tuple(Gateway(each, f"gw-{name}-{each}") for each in networks)
    return Router(id=name, project_id="t", number=number, segment=900 + number, gateways=gateways)


def mapped(number: int) -> Switch:
    return replace(switch(number), physical=(Physical("p1", 903),))


class World:
    def __init__(self, directory: Path) -> None:
        self.store = open_store(f"sqlite:///{directory}/tenet.db")
        self.replica = Replica(self.store)
        self.replica.start()
        self.away: set[str] = set()
        self.others: set[str] = set()  # switches that another member speaks for
        self.late: set[str] = set()  # switches that have not confirmed their flows
        self.now = 100.0
        self.rankings = self.member()

    def member(self) -> Rankings:
        return Rankings(
            self.store, self.replica, lambda each: each in self.away, lambda each: each not in self.others,
            self, lambda: self.now,
        )  # fmt: skip

    @property
    def compiled(self) -> int:
        return self.replica.model.revision

    def lagging(self, revision: int, concerned: Collection[str]) -> str:
        return min(self.late.intersection(concerned), default="")

    def put(self, *rows: Row | str) -> None:
        """Rows appear or change, or the row with this key goes; then a second passes."""

        def rules(tx: Transaction) -> None:
            for row in rows:
                if isinstance(row, str):
                    kind, _, row_id = row.partition("/")
                    found = tx.get({"router": Router, "switch": Switch}[kind], row_id)
                    assert found is not None
                    tx.delete(found)
                else:
                    tx.put(row)

        transact(self.store, self.replica, rules)
        self.passes(LOOK)

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self.rankings.turn()

    def of(self, router_id: str) -> tuple[str, ...]:
        ranking = self.held(router_id)
        return ranking.switches if ranking else ()

    def held(self, router_id: str) -> GatewayRanking | None:
        return self.replica.model.get(GatewayRanking, router_id)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


def test_a_router_gets_a_gateway_that_has_its_external_network(world: World) -> None:
    world.put(OUTSIDE, mapped(1), mapped(2), switch(3), router("r", "out"), router("s"))
    assert set(world.of("r")) == {"h1", "h2"} and world.held("s") is None
    world.put(router("r"))
    assert world.held("r") is None, "without a gateway there is no ranking"
    world.put(router("r", "out"))
    world.put("router/r")
    assert world.held("r") is None


def test_a_tunnelled_external_network_needs_a_designated_host(world: World) -> None:
    world.put(LAB, switch(1), switch(2), router("r", "lab"))
    assert world.of("r") == ()
    world.put(GatewayHost(id="h2", designated=True))
    assert world.of("r") == ("h2",)


def test_designated_hosts_are_the_only_gateways_of_their_physical_network(world: World) -> None:
    world.put(OUTSIDE, *(mapped(number) for number in (1, 2, 3)), router("r", "out"))
    world.put(GatewayHost(id="h2", designated=True), router("s", "out", number=2))
    assert world.of("s") == ("h2",) and world.of("r") == ("h2",)


def test_of_two_external_networks_both_count(world: World) -> None:
    world.put(OUTSIDE, LAB, mapped(1), mapped(2), switch(3), GatewayHost(id="h2", designated=True),
              GatewayHost(id="h3", designated=True), router("r", "out", "lab"))  # fmt: skip
    assert world.of("r") == ("h2",)


def test_the_next_one_takes_over_and_the_former_comes_back_as_a_standby(world: World) -> None:
    world.put(OUTSIDE, *(mapped(number) for number in (1, 2, 3)), router("r", "out"))
    first, second, third = world.of("r")
    watching = [WatchPort(switch_id=one, far_switch_id=first, ofport=70, up=False) for one in (second, third)]
    world.put(*watching)
    assert world.held("r") == GatewayRanking(id="r", switches=(second, third, first)), "a dead one does not leave"
    world.put(*(replace(port, up=True) for port in watching))
    assert world.of("r") == (second, third, first)
    world.away.add(second)
    world.passes(LOOK)
    assert world.of("r") == (third, first, second)


def test_one_that_alone_hears_nothing_is_no_majority(world: World) -> None:
    world.put(OUTSIDE, *(mapped(number) for number in (1, 2, 3)), router("r", "out"))
    first, second, third = world.of("r")
    world.put(
        WatchPort(switch_id=second, far_switch_id=first, ofport=70, up=False),
        WatchPort(switch_id=third, far_switch_id=first, ofport=70),
    )
    assert world.of("r") == (first, third), "nor is it a standby, which would act as a second gateway"


def test_a_former_gateway_that_hears_none_of_the_others_is_no_standby(world: World) -> None:
    """It is alive, for a controller hears it, and would go on as the gateway of those outside."""
    world.put(OUTSIDE, *(mapped(number) for number in (1, 2, 3)), router("r", "out"))
    first, second, third = world.of("r")
    pairs = [(second, first), (third, first), (first, second), (first, third)]
    cut = [WatchPort(switch_id=one, far_switch_id=other, ofport=70, up=False) for one, other in pairs]
    heard = [WatchPort(switch_id=one, far_switch_id=other, ofport=70) for one, other in permutations((second, third))]
    world.put(*cut, *heard)
    assert world.held("r") == GatewayRanking(id="r", switches=(second, third))
    world.put(*(replace(port, up=True) for port in cut))
    assert world.of("r") == (second, third, first)


def test_a_drained_gateway_leaves_after_the_other_has_taken_over(world: World) -> None:
    world.put(OUTSIDE, mapped(1), mapped(2), router("r", "out"))
    first, second = world.of("r")
    network = Network(id="n", project_id="t", mtu=1450, network_type="vxlan", segment=9)
    world.put(network, port("a", "n", 3), plugged("a", 3, 1), port("i", "n", 4), switch(3),
              RouterInterface(id="i", router_id="r", network_id="n"))  # fmt: skip
    world.late.update({second, "h3"})
    moving = GatewayRanking(id="r", switches=(second,), leaving=first, used=False, announced=False)
    world.put(GatewayHost(id=first, draining=True))
    assert world.held("r") == moving
    world.late.remove(second)
    world.passes(QUIET / 2)
    assert world.held("r") == moving, "the former has announced the addresses a moment ago"
    world.late.add(second)
    world.passes(QUIET)
    assert world.held("r") == moving, "nobody sends to it before it is ready"
    world.late.remove(second)
    world.passes(0.2)
    assert world.held("r") == replace(moving, used=True)
    world.passes(0.2)
    assert world.held("r") == replace(moving, used=True), "a user has not confirmed that it sends to the next one"
    world.late.clear()
    world.passes(0.2)
    moving = GatewayRanking(id="r", switches=(second,), leaving=first)
    assert world.held("r") == moving
    world.passes(LEAVING / 2)
    assert world.held("r") == moving
    world.passes(LEAVING)
    assert world.held("r") == GatewayRanking(id="r", switches=(second,))
    world.put(GatewayHost(id=first))
    assert world.of("r") == (second, first)


def test_a_move_does_not_wait_for_ever_for_one_that_uses_the_gateway(world: World) -> None:
    world.put(OUTSIDE, mapped(1), mapped(2), router("r", "out"))
    first, _ = world.of("r")
    world.put(GatewayHost(id=first, draining=True))
    world.passes(0.2)
    world.passes(QUIET)
    world.late.add(first)
    world.passes(SETTLING / 2)
    held = world.held("r")
    assert held is not None and held.used and not held.announced
    world.passes(SETTLING)
    held = world.held("r")
    assert held is not None and held.announced and held.leaving == first


def test_the_next_one_dies_while_the_former_is_still_used(world: World) -> None:
    world.put(OUTSIDE, *(mapped(number) for number in (1, 2, 3)), router("r", "out"))
    first, second, third = world.of("r")
    world.late.update({second, third})
    world.put(GatewayHost(id=first, draining=True))
    world.away.add(second)
    world.passes(LOOK)
    moving = GatewayRanking(id="r", switches=(third, second), leaving=first, used=False, announced=False)
    assert world.held("r") == moving
    world.away.add(first)
    world.passes(LOOK)
    assert world.held("r") == GatewayRanking(id="r", switches=(third, second)), "nothing is left of what is dead"


def test_a_gateway_that_loses_its_link_hands_over_at_once_and_one_that_flaps_does_not_count(world: World) -> None:
    world.put(OUTSIDE, mapped(1), mapped(2), router("r", "out"))
    first, second = world.of("r")
    hosts = {"h1": mapped(1), "h2": mapped(2)}
    world.put(replace(hosts[first], cut_off=("other",)))
    assert world.of("r") == (first, second)
    world.put(replace(hosts[first], cut_off=("p1",)))
    assert world.held("r") == GatewayRanking(id="r", switches=(second, first)), "nothing goes by it any more"
    world.put(hosts[first], replace(hosts[second], cut_off=("p1",)))
    assert world.of("r") == (second, first), "it has been back for a moment only"
    world.passes(STEADY)
    assert world.of("r") == (first, second)
    world.put(replace(hosts[first], cut_off=("p1",)))
    assert world.of("r") == (first, second), "both are cut off: nobody is better"


def test_hosts_of_the_zones_that_a_router_asks_for_come_before_all_others(world: World) -> None:
    near = [replace(mapped(number), zone="east") for number in (1, 2)]
    asking = replace(router("r", "out"), zone_hints=("east",))
    world.put(OUTSIDE, *near, *(mapped(number) for number in range(3, 20)), asking)
    assert set(world.of("r")) == {"h1", "h2"}, "though eight others are the pool"
    world.put(replace(asking, zone_hints=("nova",)))
    assert world.of("r") and not {"h1", "h2"} & set(world.of("r"))
    world.put(asking)
    world.away.update({"h1", "h2"})
    world.passes(LOOK)
    assert world.of("r") and not {"h1", "h2"} & set(world.of("r")), "another zone is better than none"
    world.away.clear()
    world.passes(LOOK)
    assert set(world.of("r")) == {"h1", "h2"}


def test_only_who_speaks_for_the_active_switch_writes(world: World) -> None:
    world.others.update({"h1", "h2"})
    world.put(OUTSIDE, mapped(1), mapped(2), router("r", "out"))
    assert world.of("r") == ()
    world.others.clear()
    world.rankings = world.member()
    world.put(router("r", "out", number=3))
    assert len(world.of("r")) == 2


def test_a_move_looks_at_the_routers_it_concerns_and_writes_in_bounded_commits(world: World) -> None:
    world.put(OUTSIDE, mapped(1), mapped(2), *(router(f"r{n}", "out", number=n + 1) for n in range(200)))
    before = world.replica.model.revision
    world.away.add("h1")
    world.passes(LOOK)
    moved = [each for each in world.replica.model.rows(GatewayRanking).values() if each.switches[0] == "h2"]
    assert len(moved) == 200
    assert world.replica.model.revision - before <= 4
    revision = world.replica.model.revision
    world.passes(LOOK)
    assert world.replica.model.revision == revision, "nothing is written again"
