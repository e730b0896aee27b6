"""Subnet pools made to be costly: many prefixes in one address scope, and many holes."""

from __future__ import annotations

import ipaddress
import random

import pytest

from controller.intent import pools, scopes, subnets
from controller.model.rows import SubnetPool
from controller.runtime.errors import Conflict, Invalid
from controller.store.transaction import Transaction
from tests.intent.world import World

from .cost import Call, assert_linear


@pytest.fixture
def world() -> World:
    return World()


EACH = 64  # prefixes of a pool


def prefixes(first: int, count: int) -> tuple[str, ...]:
    """Every second /28, so that none is merged with the next."""
    return tuple(f"{ipaddress.ip_address(0x0A000000 + 32 * number)}/28" for number in range(first, first + count))


def fill(world: World, tx: Transaction, scope_id: str, count: int) -> list[SubnetPool]:
    return [
        pools.create(tx, "red", {"prefixes": prefixes(EACH * number, EACH), "address_scope_id": scope_id}, world.means)
        for number in range(count)
    ]


def test_pools_of_one_scope_in_one_request_take_linear_time() -> None:
    def sized(size: int) -> Call:
        world = World()
        scope = world.run(lambda tx: scopes.create(tx, "red", {"ip_version": 4}, world.means))
        return lambda: fill(world, Transaction(world.model), scope.id, size)

    assert_linear(sized, 100)


def test_one_pool_more_costs_as_much_however_many_the_scope_has() -> None:
    def sized(size: int) -> Call:
        world = World()
        scope = world.run(lambda tx: scopes.create(tx, "red", {"ip_version": 4}, world.means))
        world.run(lambda tx: fill(world, tx, scope.id, size))
        return lambda: pools.create(
            Transaction(world.model),
            "red",
            {"prefixes": prefixes(EACH * size, 256), "address_scope_id": scope.id},
            world.means,
        )

    assert_linear(sized, 100)


def test_taking_prefixes_away_takes_linear_time() -> None:
    def sized(size: int) -> Call:
        world = World()
        pool = world.run(lambda tx: pools.create(tx, "red", {"prefixes": ("2000::/3",)}, world.means))
        chance = random.Random(1)
        holes = [f"{ipaddress.ip_address((1 << 125) + (chance.getrandbits(60) << 65))}/64" for _ in range(size)]

        def call() -> None:
            with pytest.raises(Invalid, match="more than 256 prefixes"):
                pools.change_prefixes(Transaction(world.model), pool.id, (), holes, world.means)

        return call

    assert_linear(sized, 5_000)


def test_many_subnets_out_of_one_pool_take_linear_time() -> None:
    def sized(size: int) -> Call:
        world = World()
        pool = world.run(lambda tx: pools.create(tx, "red", {"prefixes": ("10.0.0.0/8",)}, world.means))

        def call() -> None:
            tx = Transaction(world.model)
            for _ in range(size):
                request = {"network_id": network.id, "subnetpool_id": pool.id, "prefixlen": 28}
                subnets.create(tx, "red", request, world.means)  # type: ignore[arg-type]

        network = world.network()
        return call

    assert_linear(sized, 300)


def test_a_pool_holds_no_more_than_256_prefixes_in_the_end(world: World) -> None:
    pool = world.run(lambda tx: pools.create(tx, "red", {"prefixes": prefixes(0, 256)}, world.means))
    with pytest.raises(Invalid, match="more than 256 prefixes"):
        world.run(lambda tx: pools.change_prefixes(tx, pool.id, prefixes(256, 1), (), world.means))
    more = world.run(lambda tx: pools.change_prefixes(tx, pool.id, prefixes(256, 1), prefixes(0, 1), world.means))
    assert more.prefixes == prefixes(1, 256)


@pytest.mark.parametrize("seed", range(20))
def test_prefixes_come_and_go_as_sets_of_addresses_do(seed: int) -> None:
    """Against the standard library's own arithmetic, within 10.0.0.0/24."""
    chance = random.Random(seed)
    world = World()

    def some() -> tuple[str, ...]:
        found = (ipaddress.ip_network((0x0A000000 + chance.randrange(256), chance.randrange(26, 33)), strict=False)
                 for _ in range(chance.randrange(1, 6)))  # fmt: skip
        return tuple(map(str, found))

    first, more, less = some(), some(), some()
    pool_id = world.run(lambda tx: pools.create(tx, "red", {"prefixes": first}, world.means)).id

    def changed(add: tuple[str, ...], drop: tuple[str, ...]) -> tuple[str, ...]:
        return world.run(lambda tx: pools.change_prefixes(tx, pool_id, add, drop, world.means)).prefixes

    left = addresses(first)
    for add, drop in ((more, ()), ((), less)):
        left = (left | addresses(add)) - addresses(drop)
        if not left:
            with pytest.raises(Invalid):
                changed(add, drop)
            return
        whole = ipaddress.collapse_addresses(ipaddress.ip_network(address) for address in left)
        assert changed(add, drop) == tuple(map(str, whole))


def addresses(some: tuple[str, ...]) -> set[ipaddress.IPv4Address]:
    return {address for prefix in some for address in ipaddress.IPv4Network(prefix)}


@pytest.mark.parametrize("seed", range(20))
def test_pools_of_a_scope_never_share_an_address(seed: int) -> None:
    chance = random.Random(seed)
    world = World()
    scope = world.run(lambda tx: scopes.create(tx, "red", {"ip_version": 4}, world.means))
    held: dict[str, set[ipaddress.IPv4Address]] = {}
    for _ in range(30):
        wanted = str(
            ipaddress.ip_network((0x0A000000 + chance.randrange(1024), chance.randrange(24, 33)), strict=False)
        )
        taken = any(addresses((wanted,)) & other for other in held.values())
        try:
            pool = world.run(
                lambda tx, wanted=wanted: pools.create(  # type: ignore[misc]
                    tx, "red", {"prefixes": (wanted,), "address_scope_id": scope.id}, world.means
                )
            )
        except Conflict:
            assert taken
        else:
            assert not taken
            held[pool.id] = addresses((wanted,))
        if held and chance.random() < 0.3:
            gone = chance.choice(list(held))
            world.run(lambda tx, gone=gone: pools.delete(tx, gone, world.means))  # type: ignore[misc]
            del held[gone]
