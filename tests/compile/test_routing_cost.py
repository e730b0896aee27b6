"""Cost of routers: flows of a port where it is routed to, and units that a change of a router computes."""

from __future__ import annotations

import time

import pytest
from msgspec.structs import replace

from controller.model.rows import FixedIp, Interface, Port, Router, RouterInterface, Row
from tests.apps.routing.rows import all_of, attached, network, router, switch
from tests.world import World, change

OF_ROUTERS = {"itself", "route", "paths", "fit", "resolve"}


def member(number: int, of: int = 1, at: int = 1) -> list[Row]:
    """A port with an address of each family, in blocks of 64."""
    fixed = (
        FixedIp(f"n{of}v4", f"10.{of}.{number >> 8}.{number & 255}"),
        FixedIp(f"n{of}v6", f"fd00:{of:x}::{number:x}"),
    )
    name = f"p{of}-{number}"
    port = Port(id=name, project_id="t", network_id=f"n{of}", fixed_ips=fixed, interface_id=name,
                mac_address=f"fa:16:3e:{of:02x}:{number >> 8:02x}:{number & 255:02x}")  # fmt: skip
    return [port, Interface(switch_id=f"h{at}", name=f"tap-{name}", vif=name, ofport=number)]


def crowd(size: int, *more: Row) -> World:
    """So many ports of a network on one switch, and one of another on a second; on a third is neither."""
    ports = all_of(*(member(number) for number in range(1, size + 1)), member(1, 2, 2), member(1, 3, 3))
    return World(*all_of(*(switch(number) for number in (1, 2, 3)), *(network(number) for number in (1, 2, 3))),
                 *ports, *more)  # fmt: skip


def work(world: World, *rows: Row | str) -> tuple[int, int]:
    """Units computed, and flows that changed on any switch, because of a change."""
    before = world.compiler.computed
    world.compiler.mark(change(world.model, *rows))
    changes = world.compiler.run().changes
    return world.compiler.computed - before, sum(map(len, changes.values()))


def flows(world: World, switch_id: str, tables: set[str] | None = None) -> int:
    return sum(tables is None or flow.table.name in tables for flow in world.compiler.wanted(switch_id)
               if flow.priority)  # fmt: skip


JOINED = all_of(router("r", 7), attached("r", 1), attached("r", 2))


def test_a_port_costs_a_flow_an_address_where_a_router_leads_to_it() -> None:
    without, world = crowd(10), crowd(10, *JOINED)
    assert all(flows(without, f"h{number}", OF_ROUTERS) == 0 for number in (1, 2, 3))
    before = {number: flows(world, f"h{number}") for number in (1, 2, 3)}
    plain = {number: flows(without, f"h{number}") for number in (1, 2, 3)}
    for each in (without, world):
        each.put(*member(11))
    for number, costs in ((1, 2), (2, 2 + 2), (3, 0)):  # at h2: its address at another switch, and its ARP, too
        assert flows(world, f"h{number}") - before[number] - (flows(without, f"h{number}") - plain[number]) == costs


@pytest.mark.parametrize("size", [100, 400])
def test_a_further_router_computes_no_port_again(size: int) -> None:
    world = crowd(size, *JOINED)
    units, changed = work(world, *all_of(router("s", 8), attached("s", 1, 253), attached("s", 3, 253)))
    assert units < 60 + 2 * 3, "of the third network one port, and nobody of the first"
    assert changed < 200 + 2 * (size * 4 + 100) + 100  # h3 takes what it now reaches, as a whole


def test_ports_are_computed_once_when_the_first_router_comes_and_once_when_the_last_goes() -> None:
    """The unit in the network's set, for its MAC as a next hop, and that of its switch, for a floating IP of it."""
    for size in (100, 400):
        world = crowd(size)
        units, _ = work(world, *JOINED)
        assert 2 * size <= units < 2 * size + 60
        units, _ = work(world, *(row.key for row in JOINED if isinstance(row, RouterInterface | Router)))
        assert 2 * size <= units < 2 * size + 60


@pytest.mark.parametrize("size", [100, 400])
def test_a_port_more_computes_as_much_however_many_there_are(size: int) -> None:
    world = crowd(size, *JOINED)
    units, changed = work(world, *member(size + 1))
    assert units <= 10 and changed <= 40


@pytest.mark.parametrize("interfaces", [4, 40])
def test_a_further_interface_computes_as_much_however_many_there_are(interfaces: int) -> None:
    networks = all_of(*(network(number) for number in range(1, interfaces + 2)))
    joined = all_of(router("r", 7), *(attached("r", number) for number in range(1, interfaces + 1)))
    world = World(*networks, *joined, switch(1), *member(1))
    units, changed = work(world, *attached("r", interfaces + 1))
    assert units <= 12 and changed < 60
    row = world.model.get(Router, "r")
    assert row is not None
    assert work(world, replace(row, name="renamed")) == (0, 0)
    units, _ = work(world, replace(row, admin_state_up=False))
    assert units < 3 * (interfaces + 1) + 5


def test_a_router_of_four_times_as_many_ports_takes_four_times_as_long() -> None:
    def seconds(size: int) -> float:
        world = crowd(size)
        start = time.process_time()
        work(world, *JOINED)
        return time.process_time() - start

    small, large = (min(seconds(size) for _ in range(3)) for size in (300, 1200))
    assert large < 4 * small * 2
