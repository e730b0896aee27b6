"""Security group rules: canonical form, what contradicts itself, duplicates, and what goes with what is deleted."""

from __future__ import annotations

from typing import Any

import pytest

from apps.pipeline import GROUP, MEMBERS, REMOTE_SET
from controller.flow import Flow, resubmit
from controller.intent import address_groups, security_groups, security_rules
from controller.model.rows import SecurityGroup, SecurityGroupRule
from controller.runtime.errors import Conflict, Invalid, NotFound, Refused

from .world import World

NOWHERE = "00000000-0000-4000-8000-00000000ffff"


def group(world: World, project: str = "red", **request: Any) -> SecurityGroup:
    return world.run(lambda tx: security_groups.create(tx, project, request, world.means))  # type: ignore[arg-type]


def rule(world: World, of: SecurityGroup, project: str = "red", **request: Any) -> SecurityGroupRule:
    whole: Any = {"security_group_id": of.id, "direction": "ingress"} | request
    return world.run(lambda tx: security_rules.create(tx, project, whole, world.means))


def rules_of(world: World, of: SecurityGroup) -> list[SecurityGroupRule]:
    return world.model.find(SecurityGroupRule, "security_group_id", of.id)


def revision(world: World, of: SecurityGroup) -> int:
    row = world.model.get(SecurityGroup, of.id)
    assert row is not None
    return world.model.revision_of(row)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, {"ethertype": "IPv4", "protocol": "", "port_range_min": None, "normalized_cidr": ""}),
        ({"protocol": "tcp", "port_range_min": 1, "port_range_max": 65535},
         {"protocol": "tcp", "port_range_min": None, "port_range_max": None}),
        ({"protocol": "udp", "port_range_min": 53, "port_range_max": 53}, {"port_range_min": 53, "port_range_max": 53}),
        ({"protocol": "132", "port_range_min": 5, "port_range_max": 9}, {"protocol": "132", "port_range_max": 9}),
        ({"protocol": "icmp", "port_range_min": 8}, {"port_range_min": 8, "port_range_max": None}),
        ({"protocol": "icmp", "port_range_min": 0, "port_range_max": 0}, {"port_range_min": 0, "port_range_max": 0}),
        ({"protocol": "icmp", "ethertype": "IPv6"}, {"protocol": "ipv6-icmp"}),
        ({"protocol": "icmpv6", "ethertype": "IPv6"}, {"protocol": "ipv6-icmp"}),
        ({"protocol": "1", "ethertype": "IPv6", "port_range_min": 255}, {"protocol": "58", "port_range_min": 255}),
        ({"remote_ip_prefix": "10.1.2.3/8"}, {"remote_ip_prefix": "10.1.2.3/8", "normalized_cidr": "10.0.0.0/8"}),
        ({"ethertype": "IPv6", "remote_ip_prefix": "2001:db8::7/32"}, {"normalized_cidr": "2001:db8::/32"}),
    ],
)  # fmt: skip
def test_a_rule_is_in_canonical_form(world: World, asked: dict[str, Any], expected: dict[str, Any]) -> None:
    row = rule(world, group(world), **asked)
    assert {name: getattr(row, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ({"port_range_min": 1, "port_range_max": 2}, "SecurityGroupProtocolRequiredWithPorts"),
        ({"protocol": "tcp", "port_range_min": 2, "port_range_max": 1}, "SecurityGroupInvalidPortRange"),
        ({"protocol": "tcp", "port_range_min": 2}, "SecurityGroupInvalidPortRange"),
        ({"protocol": "6", "port_range_max": 2}, "SecurityGroupInvalidPortRange"),
        ({"protocol": "udplite", "port_range_min": 0, "port_range_max": 2}, "SecurityGroupInvalidPortValue"),
        ({"protocol": "icmp", "port_range_min": 256}, "SecurityGroupInvalidIcmpValue"),
        ({"protocol": "icmp", "port_range_min": 8, "port_range_max": 256}, "SecurityGroupInvalidIcmpValue"),
        ({"protocol": "icmp", "port_range_max": 0}, "SecurityGroupMissingIcmpType"),
        ({"protocol": "esp", "port_range_min": 7, "port_range_max": 7}, "SecurityGroupInvalidProtocolForPort"),
        ({"protocol": "0", "port_range_min": 7, "port_range_max": 7}, "SecurityGroupInvalidProtocolForPort"),
        ({"protocol": "ipv6-icmp"}, "SecurityGroupEthertypeConflictWithProtocol"),
        ({"protocol": "icmpv6"}, "SecurityGroupEthertypeConflictWithProtocol"),
        ({"protocol": "44"}, "SecurityGroupEthertypeConflictWithProtocol"),
        ({"remote_ip_prefix": "2001:db8::/32"}, "SecurityGroupRuleParameterConflict"),
        ({"ethertype": "IPv6", "remote_ip_prefix": "10.0.0.0/8"}, "SecurityGroupRuleParameterConflict"),
        ({"remote_ip_prefix": "10.0.0.0/8", "remote_group_id": NOWHERE}, "SecurityGroupMultipleRemoteEntites"),
        ({"remote_address_group_id": NOWHERE, "remote_group_id": NOWHERE}, "SecurityGroupMultipleRemoteEntites"),
        ({"remote_group_id": NOWHERE}, "SecurityGroupNotFound"),
        ({"remote_address_group_id": NOWHERE}, "AddressGroupNotFound"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused(world: World, asked: dict[str, Any], kind: str) -> None:
    of = group(world)
    before = dict(world.model.revisions)
    with pytest.raises(Refused) as refused:
        rule(world, of, **asked)
    assert refused.value.kind == kind
    assert isinstance(refused.value, NotFound if kind.endswith("NotFound") else Invalid)
    assert world.model.revisions == before


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"protocol": "tcp"}, {"protocol": "6"}),
        ({"remote_ip_prefix": "0.0.0.0/0"}, {}),
        ({"ethertype": "IPv6", "protocol": "icmpv6"}, {"ethertype": "IPv6", "protocol": "58"}),
        ({"protocol": "udp", "port_range_min": 1, "port_range_max": 65535}, {"protocol": "udp"}),
    ],
)
def test_a_rule_that_says_the_same_is_refused(world: World, one: dict[str, Any], other: dict[str, Any]) -> None:
    of = group(world)
    there = rule(world, of, **one)
    with pytest.raises(Conflict, match=there.id) as refused:
        rule(world, of, **other)
    assert refused.value.kind == "SecurityGroupRuleExists"
    rule(world, of, **other, direction="egress", description="d") if one == {"protocol": "tcp"} else None
    rule(world, group(world), **other)


def test_a_bulk_is_of_one_group_one_project_and_without_duplicates(world: World) -> None:
    of, other = group(world), group(world)

    def bulk(*requests: tuple[str, SecurityGroup, str]) -> None:
        def rules(tx: Any) -> None:
            for project, each, protocol in requests:
                request: Any = {"security_group_id": each.id, "direction": "ingress", "protocol": protocol}
                security_rules.create(tx, project, request, world.means)

        world.run(rules)

    for requests, kind in (
        ([("red", of, "tcp"), ("red", other, "tcp")], "SecurityGroupNotSingleGroupRules"),
        ([("red", of, "tcp"), ("blue", of, "udp")], "SecurityGroupRulesNotSingleProject"),
        ([("red", of, "tcp"), ("red", of, "6")], "DuplicateSecurityGroupRuleInPost"),
    ):
        with pytest.raises(Refused) as refused:
            bulk(*requests)
        assert refused.value.kind == kind
    before = revision(world, of)
    bulk(*(("red", of, str(number)) for number in range(100, 200)))
    assert len(rules_of(world, of)) == 102
    assert revision(world, of) == before + 1


def test_a_rule_that_comes_or_goes_is_a_change_of_its_group(world: World) -> None:
    of, remote = group(world), group(world)
    before = revision(world, of), revision(world, remote)
    row = rule(world, of, remote_group_id=remote.id)
    assert (revision(world, of), revision(world, remote)) == (before[0] + 1, before[1])
    world.run(lambda tx: security_rules.delete(tx, row.id, world.means))
    assert (revision(world, of), revision(world, remote)) == (before[0] + 2, before[1])
    with pytest.raises(NotFound) as refused:
        world.run(lambda tx: security_rules.delete(tx, row.id, world.means))
    assert refused.value.kind == "SecurityGroupRuleNotFound"


def test_rules_go_with_their_group_and_with_the_group_that_they_name(world: World) -> None:
    of, other = group(world), group(world)
    before = {key for key in world.model.revisions if other.id not in key}
    naming = rule(world, of, remote_group_id=other.id)
    mutual = rule(world, other, remote_group_id=of.id)
    own = rule(world, other, remote_group_id=other.id)
    changed = revision(world, of)
    world.run(lambda tx: security_groups.delete(tx, other.id, world.means))
    left = {row.id for row in world.model.rows(SecurityGroupRule).values()}
    assert not left & {naming.id, mutual.id, own.id}
    assert revision(world, of) == changed + 1
    number = f"taken/group-number/{other.number}"
    gone = {f"security_group_rule/{key.rpartition('/')[2]}" for key in before} - set(world.model.revisions)
    assert set(world.model.revisions) == before - {number} - gone
    with pytest.raises(NotFound):
        rule(world, other)


def test_deleting_relies_on_no_rule_and_no_port_having_come(world: World) -> None:
    of = group(world)

    def guarded(tx: Any) -> dict[str, int]:
        security_groups.delete(tx, of.id, world.means)
        return dict(tx.read)

    read = world.run(guarded)
    assert {f"taken/rule/{of.id}/", f"taken/remote/{of.id}/", f"taken/group-port/{of.id}/"} <= read.keys()


def test_an_address_group_that_a_rule_names_stays(world: World) -> None:
    named = world.run(lambda tx: address_groups.create(tx, "red", {"addresses": ("10.0.0.0/8",)}, world.means))
    row = rule(world, group(world), remote_address_group_id=named.id)
    with pytest.raises(Conflict):
        world.run(lambda tx: address_groups.delete(tx, named.id, world.means))
    world.run(lambda tx: security_rules.delete(tx, row.id, world.means))
    world.run(lambda tx: address_groups.delete(tx, named.id, world.means))


def test_the_rules_of_a_group_name_a_bounded_number_of_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security_rules, "MOST_REMOTES", 3)
    of, others = group(world), [group(world) for _ in range(4)]

    def rules(tx: Any, some: list[SecurityGroup]) -> None:
        for one in some:
            request: Any = {"security_group_id": of.id, "direction": "ingress", "remote_group_id": one.id}
            security_rules.create(tx, "red", request, world.means)

    before = len(rules_of(world, of))
    with pytest.raises(Conflict, match="can name 3"):
        world.run(lambda tx: rules(tx, others))
    assert len(rules_of(world, of)) == before
    world.run(lambda tx: rules(tx, others[:3]))
    with pytest.raises(Conflict, match="can name 3"):
        rule(world, of, remote_group_id=others[3].id)
    rule(world, of, protocol="tcp", remote_group_id=others[0].id)


def test_a_flow_holds_as_many_as_they_may_name() -> None:
    asked = tuple(
        action
        for number in range(1, security_rules.MOST_REMOTES + 1)
        for action in (REMOTE_SET.put(number), resubmit(MEMBERS.number))
    )
    assert len(Flow(GROUP, 1, (), asked).wire) < 1 << 16
