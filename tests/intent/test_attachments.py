"""Interfaces and ports: one to one."""

from __future__ import annotations

import pytest

from controller.intent import attachments
from controller.model.model import Applied
from controller.model.rows import Interface, Port, Switch
from controller.runtime.errors import Conflict, Invalid

from .world import World


def plug(world: World, port: Port, interface: str) -> Port:
    return world.run(lambda tx: attachments.plug(tx, port, interface))


def unplug(world: World, port: Port) -> Port:
    return world.run(lambda tx: attachments.unplug(tx, port))


def appears(world: World, vif: str) -> None:
    """An interface of this name is there, on some switch."""
    rows = (Switch(id="s", number=1, dpid=1), Interface(switch_id="s", name="tap", vif=vif, ofport=1))
    world.model.apply([Applied(world.model.revision + 1, row.key, row) for row in rows])


def test_an_interface_goes_into_one_port_and_a_port_takes_one(world: World) -> None:
    network = world.network()
    one, two = world.learning(network), world.learning(network)
    one = plug(world, one, "eth0")
    with pytest.raises(Conflict) as taken:
        plug(world, two, "eth0")
    assert taken.value.kind == "AlreadyAttached"
    with pytest.raises(Conflict) as full:
        plug(world, one, "eth1")
    assert full.value.kind == "PortInUse"
    assert unplug(world, one).interface_id == ""
    assert plug(world, two, "eth0").vif == "eth0"


def test_a_ports_own_id_is_nobody_elses_interface(world: World) -> None:
    network = world.network()
    own, other = world.port(network), world.port(network)
    with pytest.raises(Conflict) as refused:
        world.update_port(other, interface_id=own.id)
    assert refused.value.kind == "AlreadyAttached"
    own = world.update_port(own, interface_id="eth0")
    other = world.update_port(other, interface_id=own.id)  # nobody looks for it now
    with pytest.raises(Conflict):
        world.update_port(own, interface_id="")
    world.update_port(other, interface_id="")
    assert world.update_port(own, interface_id="").vif == own.id


def test_an_interface_that_carries_the_ports_id_is_plugged_when_it_is_there(world: World) -> None:
    port = world.port(world.network())
    assert attachments.attached(world.model, port) == ""
    appears(world, port.id)
    assert attachments.attached(world.model, port) == port.id
    with pytest.raises(Conflict) as refused:
        unplug(world, port)
    assert refused.value.kind == "PortInUse"


def test_a_name_that_would_be_a_prefix_of_keys_is_refused(world: World) -> None:
    with pytest.raises(Invalid):
        plug(world, world.learning(world.network()), "a/")


def test_moving_an_interface_and_deleting_leave_nothing_reserved(world: World) -> None:
    network = world.network()
    before = set(world.model.revisions)
    port = world.port(network, interface_id="a")
    for interface in ("b", "", "c", ""):
        port = world.update_port(port, interface_id=interface)
    world.delete(port)
    assert set(world.model.revisions) == before
