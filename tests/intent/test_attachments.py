"""Interfaces and ports: one to one."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from controller.intent import attachments, ports
from controller.intent.ports import PortRequest
from controller.model.model import Applied
from controller.model.rows import Interface, Link, Port, Switch
from controller.runtime.errors import Conflict, Forbidden, Invalid

from .world import World


def plug(world: World, port: Port, interface: str) -> Port:
    return world.run(lambda tx: attachments.plug(tx, port, interface, world.means))


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
    world.default_group()
    before = set(world.model.revisions)
    port = world.port(network, interface_id="a")
    for interface in ("b", "", "c", ""):
        port = world.update_port(port, interface_id=interface)
    world.delete(port)
    assert set(world.model.revisions) == before


UUID = "0F8fad5b-d9cb-469f-a165-70867728950e"


def test_who_may_not_attach_by_name_attaches_uuids_and_what_is_offered(world: World) -> None:
    network = world.network()
    port = world.learning(network)
    means = world.means._replace(by_name=False, offered=("tap*", "vnet?"))
    for name in ("s1-eth1", "eth0", "vnet10", UUID[:-1], f"{UUID}0"):
        with pytest.raises(Forbidden, match="offered_interfaces"):
            world.run(lambda tx, name=name: attachments.plug(tx, port, name, means))
        with pytest.raises(Forbidden):
            world.run(lambda tx, name=name: ports.create(
                    tx, "red", PortRequest(network_id=network.id, interface_id=name), means))  # fmt: skip
    for name in (UUID, UUID.replace("-", ""), "tap0", "vnet1"):
        plugged = world.run(lambda tx, name=name: attachments.plug(tx, port, name, means))
        assert plugged.interface_id == name
        unplug(world, plugged)
    made = world.port(network)
    with pytest.raises(Forbidden):
        world.run(lambda tx: ports.update(tx, made.id, PortRequest(interface_id="eth0"), means))
    kept = world.update_port(made, interface_id="eth0")  # the operator's word
    assert (
        world.run(lambda tx: ports.update(tx, kept.id, PortRequest(interface_id="eth0", name="n"), means)).name == "n"
    )


@pytest.mark.parametrize("state", ["up", "damped"])
@pytest.mark.parametrize("end", ["near", "far"])
def test_nobody_attaches_the_end_of_a_wire_by_its_name(world: World, state: str, end: str) -> None:
    link = Link(switch_id="s1", ofport=1, far_switch_id="s2", far_ofport=7, state=state)
    at = ("s1", 1) if end == "near" else ("s2", 7)
    wired = Interface(switch_id=at[0], name="s-eth", vif="s-eth", ofport=at[1])
    other = Interface(switch_id=at[0], name="s-eth9", vif="s-eth9", ofport=9)
    world.run(lambda tx: [tx.put(row) for row in (link, wired, other)])
    port = world.learning(world.network())
    with pytest.raises(Conflict, match="end of a wire") as refused:
        plug(world, port, "s-eth")
    assert refused.value.kind == "AlreadyAttached"
    unplug(world, plug(world, port, "s-eth9"))
    world.run(lambda tx: tx.put(replace(wired, vif="meant")))  # an operator gave it an iface-id
    plug(world, port, "meant")
