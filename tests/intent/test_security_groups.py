"""Security groups: the default group of every project, its name, use by ports, quotas, numbers."""

from __future__ import annotations

from typing import Any

import pytest

from controller.intent import ports, quotas, security_groups, sharing, slots
from controller.intent.security_groups import has_default
from controller.model.rows import Port, SecurityGroup, SecurityGroupRule
from controller.runtime.errors import Conflict, Invalid, NotFound

from .test_security_rules import group, revision, rule, rules_of
from .world import World

BUILT_IN = {("egress", "IPv4", ""), ("egress", "IPv6", ""), ("ingress", "IPv4", "self"), ("ingress", "IPv6", "self")}


def said(world: World, of: SecurityGroup) -> set[tuple[str, str, str]]:
    return {(row.direction, row.ethertype, "self" if row.remote_group_id == of.id else row.remote_group_id)
            for row in rules_of(world, of)}  # fmt: skip


# --- the default group ------------------------------------------------------------------------------------------------


def test_a_project_has_one_default_group_from_its_first_port_on(world: World) -> None:
    assert not has_default(world.model, "red")
    port, other = world.port(world.network()), world.port(world.network())
    assert has_default(world.model, "red") and not has_default(world.model, "blue")
    (row,) = world.model.rows(SecurityGroup).values()
    assert (row.name, row.default, row.project_id, row.stateful) == ("default", True, "red", True)
    assert port.security_groups == other.security_groups == (row.id,)
    assert said(world, row) == BUILT_IN


def test_null_is_the_default_group_of_a_new_port_and_no_group_of_an_old_one(world: World) -> None:
    network = world.network()
    port = world.port(network, security_groups=None)
    assert port.security_groups == (world.default_group().id,) != ()
    assert world.port(network, security_groups=()).security_groups == ()
    assert world.run(lambda tx: ports.update(tx, port.id, {"security_groups": None}, world.means)).security_groups == ()


def test_two_who_make_it_at_once_make_one(world: World) -> None:
    """Whoever commits second relies on the reservation being free, and is refused by the store."""

    def rules(tx: Any) -> dict[str, int]:
        security_groups.default(tx, "red", world.means)
        assert security_groups.default(tx, "red", world.means).default
        return dict(tx.read)

    assert world.run(rules)["taken/default-group/red"] == 0
    assert len(world.model.rows(SecurityGroup)) == 1


def test_other_groups_begin_with_egress_alone(world: World) -> None:
    own = group(world, name="web", stateful=False)
    assert said(world, own) == {("egress", "IPv4", ""), ("egress", "IPv6", "")}
    assert (own.name, own.stateful, own.default) == ("web", False, False)
    assert sorted(each.default for each in world.model.rows(SecurityGroup).values()) == [False, True]


@pytest.mark.parametrize("name", ["default", "Default", "DEFAULT"])
def test_nothing_else_is_called_default(world: World, name: str) -> None:
    own = group(world, name="own")
    for rules in (
        lambda tx: security_groups.create(tx, "red", {"name": name}, world.means),
        lambda tx: security_groups.update(tx, own.id, {"name": name}, world.means),
    ):
        with pytest.raises(Conflict) as refused:
            world.run(rules)
        assert refused.value.kind == "SecurityGroupDefaultAlreadyExists"


def test_the_default_group_keeps_its_name_and_only_the_operator_deletes_it(world: World) -> None:
    own = world.default_group()
    with pytest.raises(Conflict) as refused:
        world.run(lambda tx: security_groups.update(tx, own.id, {"name": "x"}, world.means))
    assert refused.value.kind == "SecurityGroupCannotUpdateDefault"
    described = world.run(lambda tx: security_groups.update(tx, own.id, {"description": "x"}, world.means))
    assert described.description == "x"
    tenant = world.means._replace(operator=False, project_id="red")
    with pytest.raises(Conflict) as refused:
        world.run(lambda tx: security_groups.delete(tx, own.id, tenant))
    assert refused.value.kind == "SecurityGroupCannotRemoveDefault"
    world.run(lambda tx: security_groups.delete(tx, own.id, world.means))
    assert not world.model.rows(SecurityGroup) and not world.model.rows(SecurityGroupRule)
    assert not [key for key in world.model.taken if key.startswith(("taken/default-group/", "taken/group-number/"))]
    assert world.default_group().id != own.id


def test_no_limit_keeps_a_project_from_its_default_group_and_it_counts(world: World) -> None:
    def limited(limit: int, rules: Any, of_rules: int = -1) -> Any:
        def run(tx: Any) -> Any:
            value = rules(tx)
            slots.settle(tx, {"security_group": limit, "security_group_rule": of_rules, "port": -1}, world.means)
            return value

        return world.run(run)

    network = world.network()
    port = limited(0, lambda tx: ports.create(tx, "red", {"network_id": network.id}, world.means), 0)
    assert len(port.security_groups) == 1
    assert quotas.used(world.model, "red", "security_group") == 1
    assert quotas.used(world.model, "red", "security_group_rule") == 4
    for project, limit, of_rules in (("red", 1, -1), ("blue", 1, -1), ("red", 2, 5)):  # a group begins with two rules
        with pytest.raises(Conflict) as refused:
            limited(limit, lambda tx, of=project: security_groups.create(tx, of, {}, world.means), of_rules)
        assert refused.value.kind == "OverQuota"
    limited(2, lambda tx: security_groups.create(tx, "red", {}, world.means), 6)
    assert not has_default(world.model, "blue")


def test_numbers_are_of_24_bits_and_nobody_elses(world: World) -> None:
    found = [group(world).number for _ in range(20)]
    assert len(set(found)) == 20 and all(0 < number < 2**24 for number in found)
    assert {f"taken/group-number/{number}" for number in found} <= world.model.taken.keys()


# --- groups of ports --------------------------------------------------------------------------------------------------


def test_a_port_is_in_the_groups_that_it_says(world: World) -> None:
    network, one, other = world.network(), group(world), group(world)
    port = world.port(network, security_groups=(one.id, other.id))
    assert set(port.security_groups or ()) == {one.id, other.id} and port.filtered
    held = {f"taken/group-port/{each.id}/{port.id}" for each in (one, other)}
    assert held <= {key for key, holder in world.model.taken.items() if holder == port.key}
    changed = world.update_port(port, security_groups=(one.id,))
    assert changed.security_groups == (one.id,)
    assert f"taken/group-port/{other.id}/{port.id}" not in world.model.taken
    none = world.update_port(port, security_groups=())
    assert none.security_groups == () and none.filtered
    assert world.port(network, security_groups=()).security_groups == ()


def test_a_group_that_is_not_there_or_not_seen_is_not_found(world: World) -> None:
    network, foreign = world.network(), group(world, "blue")
    port = world.port(network)
    tenant = world.means._replace(operator=False, project_id="red")
    before = dict(world.model.revisions)
    for wanted in (foreign.id, "nowhere"):
        for rules in (
            lambda tx, it=wanted: ports.create(tx, "red", {"network_id": network.id, "security_groups": (it,)}, tenant),
            lambda tx, it=wanted: ports.update(tx, port.id, {"security_groups": (it,)}, tenant),
        ):
            with pytest.raises(NotFound) as refused:
                world.run(rules)
            assert refused.value.kind == "SecurityGroupNotFound"
    assert world.model.revisions == before
    request: Any = {"object_type": "security_group", "object_id": foreign.id, "action": "access_as_shared",
                 "target": "red"}  # fmt: skip
    policy = world.run(lambda tx: sharing.create(tx, "blue", request, world.means))
    world.run(lambda tx: ports.update(tx, port.id, {"security_groups": (foreign.id,)}, tenant))
    with pytest.raises(Conflict) as in_use:
        world.run(lambda tx: sharing.delete(tx, policy.id, world.means))
    assert in_use.value.kind == "RbacPolicyInUse"
    world.delete(port)
    world.run(lambda tx: sharing.delete(tx, policy.id, world.means))


def test_an_operators_rule_in_a_group_is_no_use_of_its_being_shared(world: World) -> None:
    own = group(world)
    rule(world, own, project="ops")
    request: Any = {"object_type": "security_group", "object_id": own.id, "action": "access_as_shared", "target": "*"}
    policy = world.run(lambda tx: sharing.create(tx, "red", request, world.means))
    world.run(lambda tx: sharing.delete(tx, policy.id, world.means))
    assert len(rules_of(world, own)) == 3


def test_a_port_without_port_security_is_in_no_group(world: World) -> None:
    network, own = world.network(), group(world)
    assert world.port(network, port_security=False).security_groups == ()
    port = world.port(network, security_groups=(own.id,))
    for request, kind, family in (
        ({"port_security": False}, "PortSecurityPortHasSecurityGroup", Conflict),
        ({"port_security": False, "security_groups": (own.id,)}, "PortSecurityAndIPRequiredForSecurityGroups", Invalid),
    ):
        with pytest.raises(family) as refused:
            world.update_port(port, **request)
        assert refused.value.kind == kind
    with pytest.raises(Invalid):
        world.port(network, port_security=False, security_groups=(own.id,))
    off = world.update_port(port, port_security=False, security_groups=())
    assert off.security_groups == () and not off.filtered
    assert world.update_port(port, port_security=True, security_groups=(own.id,)).filtered


def test_ports_of_the_networks_own_services_are_in_no_group(world: World) -> None:
    network, own = world.network(), group(world)
    port = world.port(network, device_owner="network:dhcp", security_groups=(own.id,))
    assert port.security_groups == () and not port.filtered
    assert world.update_port(port, security_groups=(own.id,)).security_groups == ()
    became = world.update_port(world.port(network), device_owner="network:router_interface")
    assert not became.filtered
    assert world.update_port(became, device_owner="compute:nova").filtered


def test_stateful_and_stateless_groups_do_not_meet_at_a_port(world: World) -> None:
    network, stateful, stateless = world.network(), group(world), group(world, stateful=False)
    port = world.port(network, security_groups=(stateless.id,))
    for rules in (
        lambda: world.port(network, security_groups=(stateful.id, stateless.id)),
        lambda: world.update_port(port, security_groups=(stateful.id, stateless.id)),
    ):
        with pytest.raises(Conflict) as refused:
            rules()
        assert refused.value.kind == "SecurityGroupConflict"
    assert world.update_port(port, security_groups=(stateful.id,)).security_groups == (stateful.id,)


def test_a_group_with_ports_stays_and_stays_as_stateful_as_it_is(world: World) -> None:
    own = group(world)
    port = world.port(world.network(), security_groups=(own.id,))
    for rules in (
        lambda tx: security_groups.delete(tx, own.id, world.means),
        lambda tx: security_groups.update(tx, own.id, {"stateful": False}, world.means),
    ):
        with pytest.raises(Conflict) as refused:
            world.run(rules)
        assert refused.value.kind == "SecurityGroupInUse"
    same = world.run(lambda tx: security_groups.update(tx, own.id, {"stateful": True, "name": "n"}, world.means))
    assert (same.stateful, same.name) == (True, "n")
    world.delete(port)
    world.run(lambda tx: security_groups.update(tx, own.id, {"stateful": False}, world.means))
    world.run(lambda tx: security_groups.delete(tx, own.id, world.means))


def test_a_port_that_comes_meanwhile_is_noticed_by_who_deletes_its_group(world: World) -> None:
    own = group(world)

    def read(rules: Any) -> dict[str, int]:
        def run(tx: Any) -> dict[str, int]:
            rules(tx)
            return dict(tx.read)

        return world.run(run)

    network = world.network()
    request: Any = {"network_id": network.id, "security_groups": (own.id,)}
    assert f"security_group/{own.id}" in read(lambda tx: ports.create(tx, "red", request, world.means))
    fresh = group(world)
    found = read(lambda tx: security_groups.update(tx, fresh.id, {"stateful": False}, world.means))
    assert f"taken/group-port/{fresh.id}/" in found


# --- ports that are open ----------------------------------------------------------------------------------------------


def test_ports_of_quantum_and_of_earlier_versions_are_open_until_somebody_sets_their_groups(world: World) -> None:
    network, own = world.network(), group(world)
    learning = world.learning(network)
    earlier = Port(id="p0", project_id="red", network_id=network.id, mac_address="fa:16:3e:00:00:99")
    world.run(lambda tx: tx.put(earlier))
    assert world.model.count(Port, "never_filtered", True) == 1
    for port in (learning, earlier):
        named = world.update_port(port, name="n")
        assert named.security_groups is None and not named.filtered
        assert world.update_port(port, security_groups=(own.id,)).filtered
        assert revision(world, own) == 1
    assert world.model.count(Port, "never_filtered", True) == 0
    assert world.update_port(earlier, security_groups=()).security_groups == ()
