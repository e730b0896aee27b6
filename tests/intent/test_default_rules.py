"""Templates of the rules that new groups begin with: what a store begins with, what they say, what a group gets."""

from __future__ import annotations

from typing import Any

import pytest

from controller.intent import address_groups, default_rules
from controller.model.rows import DefaultSecurityGroupRule, SecurityGroup, Seeded
from controller.runtime.errors import Conflict, Invalid, NotFound
from controller.store.transaction import Transaction

from .world import World

NOBODY = "00000000-0000-4000-8000-000000000000"


def group(*, default: bool) -> SecurityGroup:
    return SecurityGroup(id="g", project_id="red", number=1, default=default)


def rules(world: World, *, default: bool) -> list[tuple[object, ...]]:
    """(direction, ethertype, protocol, remote) of the rules that a new group gets."""
    found = world.run(lambda tx: default_rules.rules_for(tx, group(default=default), world.means))
    return sorted((each["direction"], each["ethertype"], each["protocol"], each["remote_group_id"]) for each in found)


def made(world: World, **request: Any) -> DefaultSecurityGroupRule:
    whole = {"direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22} | request
    return world.run(lambda tx: default_rules.create(tx, "", whole, world.means))  # type: ignore[arg-type]


def templates(world: World) -> list[DefaultSecurityGroupRule]:
    return world.model.find(DefaultSecurityGroupRule, "public", True)


EGRESS = [("egress", "IPv4", "", ""), ("egress", "IPv6", "", "")]
FROM_ITSELF = [("ingress", "IPv4", "", "g"), ("ingress", "IPv6", "", "g")]


def test_a_store_begins_with_egress_for_all_and_ingress_from_a_default_group_itself(world: World) -> None:
    """Whoever is the first to need them: a new group, a list or a new template."""
    assert rules(world, default=True) == EGRESS + FROM_ITSELF
    assert rules(world, default=False) == EGRESS
    assert len(templates(world)) == 4 and default_rules.seeded(world.model)
    for first in (lambda new: made(new), lambda new: new.run(lambda tx: default_rules.seed(tx, "red", new.means))):
        new = World()
        assert not default_rules.seeded(new.model)
        first(new)
        assert rules(new, default=True)[:2] == EGRESS


def test_what_the_operator_deletes_stays_deleted(world: World) -> None:
    rules(world, default=True)
    for row in templates(world):
        world.run(lambda tx, row=row: default_rules.delete(tx, row.id, world.means))  # type: ignore[misc]
    assert rules(world, default=True) == rules(world, default=False) == []
    world.run(lambda tx: default_rules.seed(tx, "", world.means))
    assert templates(world) == []
    assert [key for key in world.model.taken if key.startswith("taken/default-rule/")] == []
    with pytest.raises(NotFound, match="does not exist") as refused:
        world.run(lambda tx: default_rules.delete(tx, NOBODY, world.means))
    assert refused.value.kind == "DefaultSecurityGroupRuleNotFound"


def test_of_two_that_seed_at_once_one_does(world: World) -> None:
    transaction = Transaction(world.model)
    default_rules.rules_for(transaction, group(default=True), world.means)
    assert transaction.read[f"{Seeded.kind_name()}/{default_rules.SEEDED}"] == 0


def test_a_template_that_comes_meanwhile_makes_a_new_group_read_them_again(world: World) -> None:
    rules(world, default=True)
    transaction = Transaction(world.model)
    default_rules.rules_for(transaction, group(default=True), world.means)
    made(world, used_in_default_sg=True)
    guarded = {prefix: read for prefix, read in transaction.read.items() if prefix.endswith("/")}
    changed = [key for key in world.model.taken for prefix, read in guarded.items()
               if key.startswith(prefix) and world.model.revisions[key] > read]  # fmt: skip
    assert len(changed) == 1


@pytest.mark.parametrize(
    ("one", "other", "refused"),
    [
        ((True, True), (True, False), True), ((True, True), (False, True), True), ((False, True), (True, True), True),
        ((True, False), (False, True), False), ((False, False), (False, False), False),
        ((True, False), (True, False), True),
    ],
)  # fmt: skip
def test_no_group_gets_the_same_rule_twice(
    world: World, one: tuple[bool, bool], other: tuple[bool, bool], refused: bool
) -> None:
    names = default_rules.NOT_OF_RULES
    first = made(world, **dict(zip(names, one, strict=True)))
    again = dict(zip(names, other, strict=True)) | {"description": "another", "protocol": "6"}
    if not refused:
        assert made(world, **again).id != first.id
        return
    with pytest.raises(Conflict, match=first.id) as told:
        made(world, **again)
    assert told.value.kind == "DefaultSecurityGroupRuleExists"


def test_a_template_is_for_other_groups_unless_it_says_so(world: World) -> None:
    made(world)
    assert len(rules(world, default=False)) == 3 and len(rules(world, default=True)) == 4


def test_a_template_says_what_a_rule_may_say(world: World) -> None:
    with pytest.raises(Invalid):
        made(world, protocol="icmp", port_range_max=None, port_range_min=256)
    with pytest.raises(Invalid):
        made(world, remote_group_id=default_rules.PARENT, remote_ip_prefix="10.0.0.0/8")
    assert not templates(world)


def test_a_template_names_what_exists_and_is_passed_over_when_that_is_gone(world: World) -> None:
    for name, kind in (
        ("remote_group_id", "SecurityGroupNotFound"),
        ("remote_address_group_id", "AddressGroupNotFound"),
    ):
        with pytest.raises(NotFound) as refused:
            made(world, **{name: NOBODY})
        assert refused.value.kind == kind
    named = world.run(lambda tx: address_groups.create(tx, "ops", {}, world.means))
    made(world, remote_address_group_id=named.id)
    assert len(rules(world, default=False)) == 3
    world.run(lambda tx: address_groups.delete(tx, named.id, world.means))
    assert rules(world, default=False) == EGRESS


def test_templates_have_an_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(default_rules, "MOST_TEMPLATES", 5)
    made(world)
    with pytest.raises(Invalid, match="there are 5 default rules"):
        made(world, protocol="udp")
