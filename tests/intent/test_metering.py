"""Rules of metering labels and their rules."""

from __future__ import annotations

from typing import Any

import pytest

from controller.intent import metering
from controller.model.rows import MeteringLabel, MeteringLabelRule

from .routed import refused
from .world import World


def label(world: World, project: str = "red") -> MeteringLabel:
    return world.run(lambda tx: metering.create(tx, project, {"name": "l"}, world.means))


def rule(world: World, of: MeteringLabel, remote: str = "", **request: object) -> MeteringLabelRule:
    whole: Any = {"metering_label_id": of.id, "direction": "ingress", "remote_ip_prefix": remote, **request}
    return world.run(lambda tx: metering.create_rule(tx, "red", whole, world.means))


def test_rules_are_of_the_labels_project_and_go_with_it(world: World) -> None:
    blues = label(world, "blue")
    assert rule(world, blues, "10.0.0.0/8").project_id == "blue"
    rule(world, blues, source_ip_prefix="10.0.0.0/8", destination_ip_prefix="192.0.2.0/24")
    world.run(lambda tx: metering.delete(tx, blues.id, world.means))
    assert not world.model.rows(MeteringLabelRule) and not world.model.rows(MeteringLabel)
    assert not [key for key in world.model.taken if "metered" in key]


def test_a_remote_prefix_or_the_two_ends(world: World) -> None:
    of = label(world)
    with refused("Invalid", "at least one of"):
        rule(world, of)
    for end in ("source_ip_prefix", "destination_ip_prefix"):
        with refused("Invalid", "in conjunction"):
            rule(world, of, "10.0.0.0/8", **{end: "10.0.0.0/8"})
    with refused("Invalid", "different IP versions"):
        rule(world, of, source_ip_prefix="10.0.0.0/8", destination_ip_prefix="2001:db8::/32")


def test_remote_prefixes_of_a_kind_do_not_overlap(world: World) -> None:
    of = label(world)
    rule(world, of, "10.0.0.0/16")
    for overlapping in ("10.0.0.0/8", "10.0.7.0/24", "0.0.0.0/0"):
        with refused("MeteringLabelRuleOverlaps"):
            rule(world, of, overlapping)
    for apart in ("10.1.0.0/16", "2001:db8::/32"):
        assert rule(world, of, apart)
    assert rule(world, of, "10.0.0.0/16", direction="egress")
    assert rule(world, of, "10.0.0.0/16", excluded=True)
    assert rule(world, of, source_ip_prefix="10.0.0.0/16")
    assert rule(world, label(world), "10.0.0.0/16")


def test_anothers_label_is_not_there(world: World) -> None:
    blues = label(world, "blue")
    world.means = world.means._replace(operator=False, project_id="red")
    with refused("MeteringLabelNotFound"):
        rule(world, blues, "10.0.0.0/8")


def test_what_is_missing_is_named(world: World) -> None:
    with refused("MeteringLabelNotFound"):
        world.run(lambda tx: metering.delete(tx, "x", world.means))
    with refused("MeteringLabelRuleNotFound"):
        world.run(lambda tx: metering.delete_rule(tx, "x", world.means))


def test_a_rule_is_deleted_by_itself(world: World) -> None:
    of = label(world)
    first = rule(world, of, "10.0.0.0/8")
    world.run(lambda tx: metering.delete_rule(tx, first.id, world.means))
    assert rule(world, of, "10.0.0.0/8") and len(world.model.find(MeteringLabelRule, "metering_label_id", of.id)) == 1


@pytest.mark.parametrize("shared", [True, False])
def test_labels_are_found_by_project_and_by_what_is_shared(world: World, shared: bool) -> None:
    made = world.run(lambda tx: metering.create(tx, "red", {"shared": shared}, world.means))
    for index, value in (("shared", shared), ("project_id", "red")):
        assert [each.id for each in world.model.find(MeteringLabel, index, value)] == [made.id]
