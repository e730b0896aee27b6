"""Networks."""

from __future__ import annotations

import pytest

from controller.intent import networks
from controller.runtime.errors import Conflict, NotFound
from controller.store.transaction import Transaction

from .world import World


def test_a_network_has_a_segment_of_its_own_and_room_for_the_tunnel_headers() -> None:
    world = World(underlay_mtu=9000)
    found = [world.network(name=f"n{place}") for place in range(200)]
    assert len({network.segment for network in found}) == 200
    assert all(1 <= network.segment < 2**20 for network in found)
    assert {(network.mtu, network.network_type) for network in found} == {(8950, "vxlan")}


def test_a_segment_that_was_asked_for_is_had_by_one_network(world: World) -> None:
    network = world.network(segment=77, network_type="geneve")
    assert (network.segment, network.network_type) == (77, "geneve")
    with pytest.raises(Conflict) as refused:
        world.network(segment=77)
    assert refused.value.kind == "TunnelIdInUse"
    world.delete(network)
    assert world.network(segment=77).segment == 77


def test_an_update_changes_what_was_said_and_nothing_else(world: World) -> None:
    network = world.network(name="before")
    after = world.run(lambda tx: networks.update(tx, network.id, {"admin_state_up": False}, world.means))
    assert (after.name, after.admin_state_up, after.segment) == ("before", False, network.segment)


def test_a_network_with_ports_stays_and_one_without_goes_with_its_subnets(world: World) -> None:
    world.default_group()
    before = set(world.model.revisions)
    network = world.network()
    world.subnet(network, "10.0.0.0/24")
    port = world.port(network)
    with pytest.raises(Conflict) as refused:
        world.delete(network)
    assert refused.value.kind == "NetworkInUse"
    world.delete(port)
    world.delete(network)
    assert set(world.model.revisions) == before


def test_deleting_relies_on_no_member_having_come(world: World) -> None:
    network = world.network()
    transaction = Transaction(world.model)
    networks.delete(transaction, network.id, world.means)
    assert transaction.read[f"taken/member/{network.id}/"] == world.model.revision


def test_what_is_not_there_cannot_be_deleted(world: World) -> None:
    with pytest.raises(NotFound) as refused:
        world.run(lambda tx: networks.delete(tx, "no", world.means))
    assert refused.value.kind == "NetworkNotFound"
