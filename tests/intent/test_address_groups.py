"""Rules of address groups: numbers, bounds, and what is refused whole."""

from __future__ import annotations

import pytest

from controller.intent import address_groups as groups
from controller.intent import allocate, sizes
from controller.model.rows import AddressGroup, SecurityGroupRule
from controller.runtime.errors import Conflict, Exhausted, Invalid, NotFound
from controller.store.transaction import Transaction

from .world import World


def made(world: World, *addresses: str) -> AddressGroup:
    return world.run(lambda tx: groups.create(tx, "red", {"addresses": addresses}, world.means))


def add(world: World, group: AddressGroup, *addresses: str) -> AddressGroup:
    return world.run(lambda tx: groups.add(tx, group.id, addresses, world.means))


def many(first: int, count: int) -> list[str]:
    return [f"10.{number >> 8}.{number & 255}.0/24" for number in range(first, first + count)]


def test_a_number_is_a_groups_own_until_it_is_deleted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocate, "GROUPS", 3)
    three = [made(world) for _ in range(3)]
    assert {group.number for group in three} == {1, 2, 3}
    with pytest.raises(Exhausted):
        made(world)
    world.run(lambda tx: groups.delete(tx, three[1].id, world.means))
    assert made(world).number == three[1].number


def test_addresses_are_in_order_and_added_or_removed_all_or_none(world: World) -> None:
    group = made(world, "10.2.0.0/16", "10.1.0.0/16")
    assert group.addresses == ("10.1.0.0/16", "10.2.0.0/16")
    with pytest.raises(Invalid, match=r"Addresses 10\.1\.0\.0/16 already exist") as refused:
        add(world, group, "10.0.0.0/16", "10.1.0.0/16")
    assert refused.value.kind == "AddressesAlreadyExist"
    assert add(world, group, "10.0.0.0/16").addresses == ("10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16")
    with pytest.raises(NotFound, match=r"Addresses 10\.3\.0\.0/16 not found") as absent:
        world.run(lambda tx: groups.remove(tx, group.id, ["10.0.0.0/16", "10.3.0.0/16"], world.means))
    assert absent.value.kind == "AddressesNotFound"
    less = world.run(lambda tx: groups.remove(tx, group.id, ["10.0.0.0/16", "10.2.0.0/16"], world.means))
    assert less.addresses == ("10.1.0.0/16",)


def test_a_group_has_an_end_and_the_fullest_one_can_be_stored(world: World) -> None:
    longest = [f"2001:db8:{number:x}:ffff:ffff:ffff:ffff:fff0/128" for number in range(groups.MOST_ADDRESSES)]
    group = made(world, *longest)

    def described(tx: Transaction) -> None:
        groups.update(tx, group.id, {"description": "\U0001f600" * 255}, world.means)
        sizes.settle(tx)

    world.run(described)
    with pytest.raises(Invalid, match=f"{groups.MOST_ADDRESSES + 1} addresses are more"):
        add(world, group, "10.0.0.0/8")
    with pytest.raises(Invalid, match="are more"):
        made(world, *many(0, groups.MOST_ADDRESSES + 1))


def test_an_error_names_a_few_addresses_only(world: World) -> None:
    group = made(world, *many(0, 100))
    with pytest.raises(Invalid, match=r"10\.0\.0\.0/24, .*, \.\.\. already exist") as refused:
        add(world, group, *many(0, 100))
    assert refused.value.message.count("/24") == groups.SHOWN


def test_a_group_that_a_rule_names_stays(world: World) -> None:
    group = made(world)
    rule = SecurityGroupRule(id="r", project_id="blue", security_group_id="g", direction="ingress", ethertype="IPv4",
                             remote_address_group_id=group.id)  # fmt: skip

    def named(tx: Transaction) -> None:
        tx.reserve(f"remote/{group.id}/{rule.id}", rule)
        tx.put(rule)

    world.run(named)
    with pytest.raises(Conflict, match="in use on one or more security group rules") as refused:
        world.run(lambda tx: groups.delete(tx, group.id, world.means))
    assert refused.value.kind == "AddressGroupInUse"
    world.run(lambda tx: tx.delete(rule))
    world.run(lambda tx: groups.delete(tx, group.id, world.means))
    assert world.model.get(AddressGroup, group.id) is None


def test_a_rule_that_comes_to_name_a_group_refuses_its_deletion_meanwhile(world: World) -> None:
    group = made(world)
    deletion = Transaction(world.model)
    groups.delete(deletion, group.id, world.means)
    assert f"taken/remote/{group.id}/" in deletion.read
