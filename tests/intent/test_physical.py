"""Places on physical networks: given, drawn, refused."""

from __future__ import annotations

import pytest

from controller.config.physical_networks import PhysicalNetworks, configured
from controller.intent import networks
from controller.model.rows import Network
from controller.runtime.errors import Conflict, Exhausted, Invalid
from tests.intent.world import World

KNOWN = configured(["flat1"], ["p1:100:101", "p2", "p1:200:200"], 1500)


def make(world: World, **request: object) -> Network:
    means = world.means._replace(physical=KNOWN)
    return world.run(lambda tx: networks.create(tx, "t", request, means))  # type: ignore[arg-type, no-any-return]


@pytest.mark.parametrize(
    ("flat", "ranges"),
    [
        (["a/b"], []), ([""], []), ([], ["p:1"]), ([], ["p:0:5"]), ([], ["p:1:4095"]), ([], ["p:5:4"]), ([], ["p:x:y"]),
        ([], [":1:2"]), ([], ["p:1:2:3"]), ([], ["p:\u0661:2"]),
    ],
)  # fmt: skip
def test_what_cannot_be_configured(flat: list[str], ranges: list[str]) -> None:
    with pytest.raises(ValueError, match="network"):
        configured(flat, ranges, 1500)


def test_what_is_configured() -> None:
    assert PhysicalNetworks(("flat1",), (("p1", ((100, 101), (200, 200))), ("p2", ())), 1500) == KNOWN


def test_a_network_on_a_vlan_has_the_whole_mtu_and_a_segment_for_the_switches(world: World) -> None:
    made = make(world, network_type="vlan", physical_network="p1", segment=100)
    assert (made.physical_network, made.vlan, made.mtu) == ("p1", 100, 1500)
    assert 1 <= made.segment < 2**20
    assert make(world, network_type="flat", physical_network="flat1").vlan == 0


def test_vlans_are_drawn_until_there_are_none(world: World) -> None:
    drawn = [make(world, network_type="vlan") for _ in range(3)]
    assert {(one.physical_network, one.vlan) for one in drawn} == {("p1", 100), ("p1", 101), ("p1", 200)}
    with pytest.raises(Exhausted):
        make(world, network_type="vlan")
    with pytest.raises(Exhausted):
        make(world, network_type="vlan", physical_network="p2")


def test_a_place_is_had_by_one_network_until_that_goes(world: World) -> None:
    for request, kind in (
        ({"network_type": "vlan", "physical_network": "p2", "segment": 7}, "VlanIdInUse"),
        ({"network_type": "flat", "physical_network": "flat1"}, "FlatNetworkInUse"),
    ):
        first = make(world, **request)
        with pytest.raises(Conflict) as refused:
            make(world, **request)
        assert refused.value.kind == kind
        world.run(lambda tx, first=first: networks.delete(tx, first.id, world.means))  # type: ignore[misc]
        make(world, **request)


@pytest.mark.parametrize(
    "asked",
    [
        {"network_type": "flat"},
        {"network_type": "flat", "physical_network": "p1"},
        {"network_type": "flat", "physical_network": "flat1", "segment": 5},
        {"network_type": "vlan", "segment": 100},
        {"network_type": "vlan", "physical_network": "p1", "segment": 102},
        {"network_type": "vlan", "physical_network": "p2", "segment": 4095},
        {"network_type": "vlan", "physical_network": "flat1", "segment": 5},
        {"network_type": "vxlan", "physical_network": "p1"},
    ],
)
def test_what_contradicts_the_configuration_is_refused(world: World, asked: dict[str, object]) -> None:
    before = dict(world.model.taken)
    with pytest.raises(Invalid):
        make(world, **asked)
    assert world.model.taken == before


def test_any_name_may_be_flat(world: World) -> None:
    means = world.means._replace(physical=configured(["*"], [], 1500))
    request: networks.NetworkRequest = {"network_type": "flat", "physical_network": "whatever"}
    assert world.run(lambda tx: networks.create(tx, "t", request, means)).physical_network == "whatever"
    with pytest.raises(Invalid):
        world.run(lambda tx: networks.create(tx, "t", {**request, "physical_network": "a/b"}, means))
