"""What meets a port's meter: all that goes to many, from that port only, once, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from apps.pipeline import LIMIT
from controller.flow import Meter
from controller.flow.interpret import Pipeline, Sent
from controller.flow.meter import of_port
from controller.model.rows import Physical, Switch
from tests.apps.clouds import clouds, four, here, mac, network, own, own_four, plugged, port, switch
from tests.world import Said, World, frame

EVERYBODY, GROUP, NOBODY = "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:fb", "02:00:00:00:09:09"


RATE = 1000  # of tests/world.py


def metered(world: World, switch_id: str, exhausted: Meter) -> Pipeline:
    return Pipeline(world.compiler.wanted(switch_id), exhausted=frozenset({exhausted.number}))


def one_network(physical: bool = False) -> World:
    """alice, bob and the learning lea on h1, leo, who learns, on h2."""
    switches: list[Switch] = [switch(1), switch(2)]
    red = network("red")
    if physical:
        switches = [replace(one, physical=(Physical("p1", 500),)) for one in switches]
        red = replace(red, network_type="flat", physical_network="p1")
    return World(
        *switches, red, port("alice", "red", 1), plugged("alice", 1, 1), port("bob", "red", 2), plugged("bob", 1, 2),
        port("lea", "red", 3, learning=True), plugged("lea", 1, 3),
        port("leo", "red", 4, learning=True), plugged("leo", 2, 1),
    )  # fmt: skip


def says(pipeline: Pipeline, to: str, in_port: int = 1) -> list[Sent]:
    said = frame(eth_src=mac(1), eth_dst=to, eth_type=0x0800, ipv4_src=four(1), ipv4_dst="10.0.0.77")
    return pipeline.send({**said, "in_port": in_port})


@pytest.mark.parametrize("physical", [False, True])
@pytest.mark.parametrize("to", [EVERYBODY, GROUP, NOBODY])
def test_a_port_that_has_said_too_much_to_many_is_heard_by_none_of_them(to: str, physical: bool) -> None:
    world = one_network(physical)
    ports = {sent.port for sent in says(world.pipeline("h1"), to)}
    assert len(ports) > 1
    left = {sent.port for sent in says(metered(world, "h1", of_port(1, RATE)), to)}
    # an address that nobody here has may be the physical network's: one copy, which is no flood
    assert left == ({500} if physical and to == NOBODY else set())
    assert {sent.port for sent in says(metered(world, "h1", of_port(2, RATE)), to)} == ports


@pytest.mark.parametrize("to", [mac(2), EVERYBODY, GROUP, NOBODY])
def test_known_unicast_meets_no_meter_and_what_goes_to_many_one(to: str) -> None:
    steps, _ = (
        one_network()
        .pipeline("h1")
        .trace({**frame(eth_src=mac(1), eth_dst=to, eth_type=0x0800, ipv4_src=four(1)), "in_port": 1})
    )
    assert [step.flow.meter for step in steps if step.flow and step.flow.meter] == (
        [] if to == mac(2) else [of_port(1, RATE)]
    )


@settings(max_examples=60, deadline=None)
@given(clouds())
def test_a_frame_from_the_fabric_meets_no_meter(world: World) -> None:
    """Each port has a key of its own here, so the sender's meter is no other's, on no switch."""
    meters = {flow.meter for one in world.model.rows(Switch) for flow in world.compiler.wanted(one) if flow.meter}
    for one in here(world):
        others = meters - {of_port(world.model.placement.bindings[one.id].port_key, RATE)}
        said: Said = {"eth_src": own(one), "eth_dst": EVERYBODY, "eth_type": 0x0800, "ipv4_src": own_four(one)}
        world._pipelines.clear()
        free = world.send(one.id, **said)
        for switch_id in world.model.rows(Switch):
            spent = frozenset(meter.number for meter in others)
            world._pipelines[switch_id] = Pipeline(world.compiler.wanted(switch_id), exhausted=spent)
        assert world.send(one.id, **said).ports == free.ports


@settings(max_examples=60, deadline=None)
@given(clouds())
def test_each_bound_port_has_a_meter_of_its_own(world: World) -> None:
    for switch_id in world.model.rows(Switch):
        bound = [at.port_key for at in world.model.placement.bindings.values() if at.switch_id == switch_id]
        taking_part = {
            at.port_key for port_id, at in world.model.placement.bindings.items()
            if at.switch_id == switch_id and world.model.placement.location(port_id)
        }  # fmt: skip
        limits = [flow for flow in world.compiler.wanted(switch_id) if flow.table == LIMIT]
        meters = [flow.meter for flow in limits if flow.meter]
        assert set(taking_part) <= set(bound)
        assert sorted(meters) == sorted(of_port(key, RATE) for key in taking_part)
        assert len({meter.number for meter in meters}) == len(meters)


def test_a_broadcast_gets_to_thousands_of_ports_of_one_switch() -> None:
    """Open vSwitch gives a frame up after 4,096 lookups, and so does the interpreter (`MOST_LOOKUPS`)."""
    names = [f"p{number}" for number in range(1, 3901)]
    ports = [
        replace(port(name, "red", 1, learning=True), mac_address=f"fa:16:3e:01:{number >> 8:02x}:{number & 255:02x}")
        for number, name in enumerate(names)
    ]
    world = World(
        switch(1), network("red"), *ports, *(plugged(name, 1, number) for number, name in enumerate(names, 1))
    )
    sent = says(world.pipeline("h1"), EVERYBODY)
    assert len({one.port for one in sent}) == len(names)  # the controller among them, the sender not
