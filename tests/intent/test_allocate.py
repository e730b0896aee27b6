"""Drawing what is free: cheap while there is much, exact when there is little."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Iterator

from controller.intent import allocate
from controller.model.model import Applied
from controller.model.rows import Network, Pool
from controller.store.transaction import Transaction

from .world import World


def test_a_huge_subnet_costs_no_memory(world: World) -> None:
    network = world.network()
    for cidr in ("10.0.0.0/8", "2001:db8::/32"):
        world.subnet(network, cidr)
    world.port(network)
    tracemalloc.start()
    for _ in range(50):
        world.port(network)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def test_the_last_address_of_a_large_pool_is_found(world: World) -> None:
    subnet = world.subnet(
        world.network(), "10.0.0.0/22", gateway_ip="", allocation_pools=(Pool("10.0.0.1", "10.0.3.254"),)
    )
    keys = [f"taken/ip/{subnet.id}/10.0.{n >> 8}.{n & 255}" for n in range(1, 1023) if n != 700]
    world.model.apply([Applied(9, key, "port/x") for key in keys])
    assert allocate.free_address(Transaction(world.model), subnet, world.means) == "10.0.2.188"


def test_a_segment_is_found_where_draws_meet_taken_ones(world: World) -> None:
    world.model.apply([Applied(1, f"taken/segment/{n}", "network/x") for n in range(1, 4)])
    always_first = world.means._replace(below=lambda n: 0)
    assert allocate.free_segment(Transaction(world.model), always_first) == 4


def test_a_mac_is_not_drawn_twice(world: World) -> None:
    network = world.network()
    draws = iter([7] * 3 + [8])
    means = world.means._replace(below=lambda n: next(draws))
    world.model.apply([Applied(5, f"taken/mac/{network.id}/fa:16:3e:00:00:07", "port/x")])
    found = allocate.free_mac(Transaction(world.model), network.id, means)
    assert found == "fa:16:3e:00:00:08"
    assert isinstance(network, Network)


def test_a_full_subnet_is_searched_in_turns_with_other_requests(world: World) -> None:
    searched: list[int] = []

    def turns(steps: Iterable[int]) -> Iterator[int]:
        for step in steps:
            searched.append(step)
            yield step

    subnet = world.subnet(
        world.network(), "10.0.0.0/26", gateway_ip="", allocation_pools=(Pool("10.0.0.1", "10.0.0.60"),)
    )
    world.model.apply([Applied(9, f"taken/ip/{subnet.id}/10.0.0.{n}", "port/x") for n in range(1, 61)])
    assert allocate.free_address(Transaction(world.model), subnet, world.means._replace(turns=turns)) is None
    assert len(searched) == 60
