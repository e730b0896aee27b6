"""Rules of v1: what a tenant sees and may delete."""

from __future__ import annotations

import pytest

from controller.intent import attachments, quantum
from controller.runtime.errors import Conflict, NotFound
from controller.store.transaction import Transaction

from .world import World


def test_another_tenants_network_does_not_exist(world: World) -> None:
    network = world.network("red")
    with pytest.raises(NotFound) as refused:
        world.run(lambda tx: quantum.delete_network(tx, "blue", network.id, world.means))
    assert refused.value.kind == "NetworkNotFound"


def test_a_port_exists_under_its_own_network_only(world: World) -> None:
    one, two = world.network("red"), world.network("red")
    port = world.learning(one)
    with pytest.raises(NotFound) as refused:
        world.run(lambda tx: quantum.delete_port(tx, "red", two.id, port.id, world.means))
    assert refused.value.kind == "PortNotFound"
    world.run(lambda tx: quantum.delete_port(tx, "red", one.id, port.id, world.means))


def test_a_network_goes_with_its_unplugged_ports_and_stays_with_plugged_ones(world: World) -> None:
    network = world.network("red")
    port = world.learning(network)
    world.learning(network)
    plugged = world.run(lambda tx: attachments.plug(tx, port, "eth0", world.means))
    with pytest.raises(Conflict) as refused:
        world.run(lambda tx: quantum.delete_network(tx, "red", network.id, world.means))
    assert refused.value.kind == "NetworkInUse"
    world.run(lambda tx: attachments.unplug(tx, plugged))
    world.run(lambda tx: quantum.delete_network(tx, "red", network.id, world.means))
    assert not world.model.revisions


def test_a_port_made_through_v2_keeps_its_network(world: World) -> None:
    network = world.network("red")
    world.port(network)
    with pytest.raises(Conflict):
        world.run(lambda tx: quantum.delete_network(tx, "red", network.id, world.means))


def test_deleting_relies_on_no_member_having_come(world: World) -> None:
    network = world.network("red")
    transaction = Transaction(world.model)
    quantum.delete_network(transaction, "red", network.id, world.means)
    assert transaction.read[f"taken/member/{network.id}/"] == world.model.revision
