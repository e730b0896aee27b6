"""Cost of security groups: flows are a sum and no product, and a change computes what it concerns alone."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from controller.compile.flow_set import FlowSetKey
from controller.model.rows import NAMES, FixedIp, Interface, Network, Port, Row, SecurityGroupRule
from tests.apps.clouds import group, plugged, rule, switch
from tests.world import World, change

JUDGING = {"judge", "group", "remotes", "members", "plain_members", "rules"}
STATIC = {"egress", "egress_tracked", "egress_judged", "permit", "ingress_tracked", "ingress_judged", "flood_filter",
          "flood_blocks", "flood_judge", "flood_alike", "flood_copies", "verdicts"}  # fmt: skip


def member(number: int, *groups: str, of: str = "red") -> Port:
    address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
    mac = f"fa:16:3e:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
    return Port(
        id=f"p{number}", project_id="t", network_id=of, mac_address=mac,
        fixed_ips=(FixedIp("s", address),), interface_id=f"p{number}", security_groups=groups,
    )  # fmt: skip


def networks(*names: str) -> list[Row]:
    return [
        Network(id=name, project_id="t", mtu=1450, network_type="vxlan", segment=100 + n)
        for n, name in enumerate(names)
    ]


def filters(world: World, tables: set[str] | None = None) -> int:
    """How many flows of `h1` are for security groups."""
    wanted = tables or JUDGING | STATIC
    return sum(flow.table.name in wanted for flow in world.compiler.wanted("h1"))


def rules_by_group(count: int) -> list[SecurityGroupRule]:
    return [rule(f"r{n}", "g", "ingress", f"tcp {n + 1}", remote_group_id="g") for n in range(count)]


def test_flows_of_fifty_ports_of_a_thousand_members_with_a_hundred_rules() -> None:
    """The figure of the issue; the product would be five million."""
    here = [member(n, "g") for n in range(1, 51)]
    there = [member(n, "g", of="blue") for n in range(51, 1001)]
    plugs = [plugged(f"p{n}", 1, n) for n in range(1, 51)]
    world = World(switch(1), *networks("red", "blue"), group("g", 7), *rules_by_group(100), *here, *there, *plugs)
    assert filters(world, JUDGING) == 50 + 1 + 1000 + 100
    assert filters(world) <= 1500


def test_a_port_in_ten_groups_costs_one_flow_more_than_in_one() -> None:
    groups = [f"g{n}" for n in range(10)]
    rows = [group(name, n + 1) for n, name in enumerate(groups)]
    rules = [rule(f"{name}-{n}", name, "ingress", f"udp {n + 1}") for name in groups for n in range(20)]
    every: list[Row] = [switch(1), *networks("red"), *rows, *rules, member(1, *groups), plugged("p1", 1, 1)]
    world = World(*every)
    assert filters(world, JUDGING) == 1 + 10 + 200
    world.put(member(2, *groups), plugged("p2", 1, 2))
    assert filters(world, JUDGING) == 2 + 10 + 200


def crowd(size: int, rules: int = 100) -> World:
    """A group of so many members, of which one is on `h1`, with rules that name it."""
    others = [member(n, "g", of="blue") for n in range(2, size + 1)]
    return World(switch(1), switch(2), *networks("red", "blue"), group("g", 7), *rules_by_group(rules), member(1, "g"),
                 plugged("p1", 1, 1), *others)  # fmt: skip


def work(world: World, *rows: Row | str) -> tuple[int, int]:
    """Units computed, and flows that changed on any switch, because of a change."""
    before = world.compiler.computed
    world.compiler.mark(change(world.model, *rows))
    changes = world.compiler.run().changes
    return world.compiler.computed - before, sum(map(len, changes.values()))


@pytest.mark.parametrize("size", [2_500, 10_000])
def test_a_member_a_rule_and_a_port_more_of_a_crowd(size: int) -> None:
    world = crowd(size)
    assert filters(world, JUDGING) == 1 + 1 + size + 100
    units, flows = work(world, member(size + 1, "g", of="blue"))
    assert units <= 5 and flows == 1
    units, flows = work(world, f"port/p{size + 1}")
    assert units <= 5 and flows == 1
    units, flows = work(world, rule("more", "g", "ingress", "udp 53"))
    assert units <= 3 and flows <= 4  # the rule's, and what its group asks: now also its rules for any address
    units, flows = work(world, rule("again", "g", "ingress", "udp 54", remote_group_id="g"))
    assert units <= 2 and flows == 1
    units, flows = work(world, member(size + 2, "g"), plugged(f"p{size + 2}", 1, 2))
    assert units <= 16 and flows < 40


def test_what_no_switch_holds_costs_nothing() -> None:
    world = crowd(10)
    h2 = set(world.compiler.wanted("h2"))
    assert (
        work(world, member(11, "other"), group("other", 9), rule("r", "other", "ingress", remote_group_id="g"))[1] == 0
    )
    assert set(world.compiler.wanted("h2")) == h2 and not any(flow.table.name in JUDGING for flow in h2)


def test_members_share_an_address() -> None:
    world = crowd(3, 1)
    twin = replace(member(4, "g", of="blue"), fixed_ips=member(3).fixed_ips)
    assert work(world, twin)[1] == 0 and work(world, "port/p3")[1] == 0 and work(world, "port/p4")[1] == 1


def test_interfaces_are_what_binds() -> None:
    """A member counts whether or not it is plugged in."""
    world = crowd(3, 1)
    assert not world.model.rows(Interface).get("h1/tap-p2") and filters(world, {"members"}) == 3


def test_a_port_more_in_a_block_reads_no_other_port_of_it() -> None:
    """What is read for the copies of floods grows with the different filters in the block, not with its ports."""

    def reads(count: int) -> int:
        ports = [member(n, "g") for n in range(1, count + 1)]
        plugs = [plugged(f"p{n}", 1, n) for n in range(1, count + 1)]
        world = World(switch(1), *networks("red"), group("g", 7), *rules_by_group(1), *ports, *plugs)
        return len(world.compiler.units[FlowSetKey("switch", "h1"), ("block", "red", "0")].deps)

    assert reads(40) == reads(2)


def test_a_port_of_a_block_that_gets_another_key_or_filter_is_copied_to_anew() -> None:
    world = World(switch(1), *networks("red"), group("g", 7), group("k", 8), *rules_by_group(1), member(1, "g"),
                  member(2, "g"), plugged("p1", 1, 1), plugged("p2", 1, 2))  # fmt: skip
    for row in (plugged("p1", 1, 9), member(1, "k"), replace(member(1), port_security=False)):
        world.put(row)
        fresh = World(*(row for kind in NAMES for row in world.model.rows(kind).values()))
        assert set(world.compiler.wanted("h1")) == set(fresh.compiler.wanted("h1"))


def test_flows_that_follow_from_a_ports_key_and_groups_alone_are_one_value_for_all_switches() -> None:
    """A thousand switches with a hundred ports each have a hundred of them, and not a hundred thousand."""
    rows = [switch(1), switch(2), *networks("red"), group("g", 7)]
    world = World(*rows, member(1, "g"), member(2, "g"), plugged("p1", 1, 5), plugged("p2", 2, 5))
    claims = [
        world.compiler.flow_sets[FlowSetKey("switch", f"h{n}")].claims["port", f"p{n}"] for n in (1, 2)
    ]  # fmt: skip
    same = {id(flow): flow for flow in claims[0]}.keys() & {id(flow) for flow in claims[1]}
    equal = set(claims[0]) & set(claims[1])
    assert len(same) == len(equal) >= 7
    assert {flow.table.name for flow in equal} >= {"verdicts", "judge", "limit", "classify"}


def test_flows_for_a_peer_are_one_value_for_all_switches() -> None:
    """A thousand switches with a hundred peers each have a thousand times two of them."""
    ports = [member(n, "g") for n in (1, 2, 3)]
    plugs = [plugged(f"p{n}", n, 5) for n in (1, 2, 3)]
    world = World(switch(1), switch(2), switch(3), *networks("red"), group("g", 7), *ports, *plugs)
    first, second = (
        world.compiler.flow_sets[FlowSetKey("switch", f"h{n}")].claims["peer", "h3"] for n in (1, 2)
    )  # fmt: skip
    assert first and [id(flow) for flow in first] == [id(flow) for flow in second]
