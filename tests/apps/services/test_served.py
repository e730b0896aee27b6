"""Shares of what services are asked: of each port, and of each project on a switch."""

from __future__ import annotations

from msgspec.structs import replace

from apps.pipeline import SERVED
from apps.services.served import AT_ONCE
from controller.flow import Flow, Rates
from controller.model.rows import Port
from tests.apps.clouds import network, plugged, port, switch
from tests.world import World

RATES = Rates(1000)


def served(world: World, switch_id: str, key: int) -> Flow:
    start = f"table={SERVED.number},priority=100,reg6={key:#x}/"
    (found,) = (flow for flow in world.compiler.wanted(switch_id) if str(flow).startswith(start))
    return found


def test_a_packet_passes_its_ports_meter_and_then_its_projects() -> None:
    ports: list[Port] = [port(name, "red", number) for number, name in enumerate(("one", "two", "three", "four"), 1)]
    ports[1] = replace(ports[1], project_id="other")
    plugs = [plugged("one", 1, 5), plugged("two", 1, 6), plugged("three", 1, 7), plugged("four", 2, 5)]
    world = World(switch(1), switch(2), network("red"), *ports, *plugs)
    found = [served(world, "h1", key) for key in (5, 6, 7)] + [served(world, "h2", 5)]
    one, two, three, four = found
    for flow in found:
        own, shared = flow.meters
        assert flow.meter == own and own.rate == RATES.services
        assert (shared.rate, shared.burst) == (RATES.project_services, AT_ONCE * RATES.project_services)
    assert len({flow.meter for flow in (one, two, three)}) == 3
    assert one.meters[1] == three.meters[1] != two.meters[1]
    assert one == four, "the same value on every switch"
