"""What metering labels count: packets that cross a router's gateway, by their addresses inside."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from apps.nat import metering
from controller.model.reader import Reader
from controller.model.rows import MeteringLabel, MeteringLabelRule, PortForwarding, Router, Row
from tests.apps.nat.rows import OUT, OUT6, floating
from tests.apps.nat.test_north_south import cloud, reply, udp
from tests.apps.routing.rows import four, six
from tests.world import World

EVERY = "0.0.0.0/0"
SWITCHES = ("h1", "h2", "h3")


def label(name: str = "one", project: str = "t", *, shared: bool = False) -> MeteringLabel:
    return MeteringLabel(id=name, project_id=project, shared=shared)


def rule(direction: str, label: str = "one", **said: str | bool) -> MeteringLabelRule:
    name = f"{label} {direction} {said}"
    return MeteringLabelRule(id=name, project_id="t", metering_label_id=label, direction=direction, **said)  # type: ignore[arg-type]


def metered(*more: Row | Iterable[Row], **how: bool) -> World:
    """The cloud, whose router is of project "t"."""
    world = cloud(*more, **how)
    world.put(replace(world.model.rows(Router)["r"], project_id="t"))
    return world


def counts(world: World, name: str = "one") -> tuple[int, int]:
    """How many packets the flows of a label have counted, on all switches: of those that left, and that entered."""
    see, of = Reader(world.model), world.model.rows(MeteringLabel)[name]

    def counted(direction: str) -> int:
        flows = set(metering.counting(world.model.rows(Router)["r"], of, direction, see))
        assert all(flows <= set(world.compiler.wanted(switch_id)) for switch_id in SWITCHES[:2])
        return sum(world.used.get((switch_id, flow), 0) for switch_id in SWITCHES for flow in flows)

    return counted("egress"), counted("ingress")


def conversation(world: World, sender: str, sent: dict[str, int | str]) -> None:
    """A packet to the outside, and its answer."""
    ((port, got),) = world.send(sender, **sent).arrived
    assert port == "out" and [port for port, _ in reply(world, "out", got)] == [sender]


def both(name: str = "one", **said: str | bool) -> list[Row]:
    return [rule("egress", name, **said), rule("ingress", name, **said)]


@pytest.mark.parametrize("how", ["gateway", "own host", "at the gateway", "no translation"])
def test_packets_count_in_each_direction_wherever_they_are_translated(how: str) -> None:
    floats = floating(101, "alice", four(1, 1)) if how in ("own host", "at the gateway") else []
    rules = [rule("egress", remote_ip_prefix=EVERY), rule("ingress", remote_ip_prefix=EVERY)]
    world = metered(label(), rules, floats, tunnelled=how == "at the gateway", snat=how != "no translation")
    assert counts(world) == (0, 0)
    conversation(world, "alice", udp((1, 1), f"{OUT}1"))
    assert counts(world) == (1, 1)
    conversation(world, "alice", udp((1, 1), f"{OUT}1"))
    assert counts(world) == (2, 2)
    assert world.send("alice", **udp((1, 1), four(2, 1))).ports == ["bob"]
    assert counts(world) == (2, 2), "it has not crossed the gateway"


def test_prefixes_are_of_addresses_inside() -> None:
    for said, alice, bob in (
        ({"remote_ip_prefix": f"{four(1, 1)}/32"}, (1, 1), (0, 0)),
        ({"remote_ip_prefix": f"{four(2, 0)}/24"}, (0, 0), (1, 1)),
        ({"remote_ip_prefix": f"{OUT}0/24"}, (0, 0), (0, 0)),
        ({"source_ip_prefix": f"{four(1, 1)}/32"}, (1, 0), (0, 0)),
        ({"source_ip_prefix": f"{OUT}0/24"}, (0, 1), (0, 1)),
        ({"destination_ip_prefix": f"{four(1, 1)}/32"}, (0, 1), (0, 0)),
        ({"source_ip_prefix": f"{four(0, 0)}/16", "destination_ip_prefix": f"{OUT}1/32"}, (1, 0), (1, 0)),
        ({"remote_ip_prefix": "::/0"}, (0, 0), (0, 0)),
    ):
        for sender, at, wanted in (("alice", (1, 1), alice), ("bob", (2, 1), bob)):
            world = metered(label(), both(**said))
            conversation(world, sender, udp(at, f"{OUT}1"))
            assert counts(world) == wanted, (said, sender)


def test_ipv6_counts_by_rules_of_its_own() -> None:
    world = metered(label(), both(remote_ip_prefix=f"{six(1, 0)}/64"), both(source_ip_prefix=EVERY))
    conversation(world, "alice", udp((1, 1), f"{OUT6}1"))
    conversation(world, "bob", udp((2, 1), f"{OUT6}1"))
    assert counts(world) == (1, 1)


def test_a_packet_counts_once_for_each_label_and_not_where_it_is_excluded() -> None:
    world = metered(
        label("one"), label("two"), label("out"), both("two", source_ip_prefix=EVERY),
        both("one", source_ip_prefix=EVERY), both("one", destination_ip_prefix="0.0.0.0/1"),
        both("one", destination_ip_prefix="128.0.0.0/1"), both("out", remote_ip_prefix=EVERY),
        both("out", remote_ip_prefix=f"{four(1, 1)}/32", excluded=True),
    )  # fmt: skip
    conversation(world, "alice", udp((1, 1), f"{OUT}1"))
    assert [counts(world, name) for name in ("one", "two", "out")] == [(1, 1), (1, 1), (0, 0)]
    conversation(world, "bob", udp((2, 1), f"{OUT}1"))
    assert [counts(world, name) for name in ("one", "two", "out")] == [(2, 2), (2, 2), (1, 1)]
    world.put("metering_label/two")
    conversation(world, "bob", udp((2, 1), f"{OUT}1"))
    assert counts(world, "one") == (3, 3), "its flows stayed"


def test_of_other_projects_only_shared_labels_count() -> None:
    world = metered(label("one", "other"), label("all", "admin", shared=True), both("one", remote_ip_prefix=EVERY),
                    both("all", remote_ip_prefix=EVERY))  # fmt: skip
    conversation(world, "alice", udp((1, 1), f"{OUT}1"))
    assert counts(world, "all") == (1, 1) and counts(world, "one") == (0, 0)
    see, (of, _) = Reader(world.model), world.model.rows(MeteringLabel).values()
    assert not list(metering.counting(world.model.rows(Router)["r"], of, "egress", see))


def test_forwarded_packets_count_and_hairpins_in_both_directions() -> None:
    outer, row = floating(104, "", "")
    forwarding = PortForwarding(
        id="f", project_id="t", floatingip_id="fip104", protocol="udp", external_ports=(53, 53),
        internal_ports=(5353, 5353), internal_port_id="alice", internal_ip_address=four(1, 1),
    )  # fmt: skip
    world = metered(label(), both(remote_ip_prefix=EVERY), outer, replace(row, router_id="r"), forwarding)
    ((port, got),) = world.send("bob", **udp((2, 1), f"{OUT}104")).arrived
    assert port == "alice" and counts(world) == (1, 1)
    assert reply(world, "alice", got)[0][0] == "bob" and counts(world) == (2, 2)


def test_numbers_of_labels_are_their_own_and_stay() -> None:
    labels = [label(f"label {each}") for each in range(100)]
    numbers = metering._numbers(labels)
    assert len(set(numbers.values())) == 100 and all(0 < each < 1 << 24 for each in numbers.values())
    assert metering._numbers(labels[1:]) == {name: numbers[name] for name in numbers if name != "label 0"}
