"""Security groups on a real Open vSwitch: it prints their flows as encoded, and lets through what the rules allow."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from msgspec.structs import replace

from controller.flow.interpret import Frame
from controller.model.rows import Port, Row, SecurityGroupRule, Switch
from controller.openflow.session import Holdings
from tests.apps.clouds import clouds, four, group, mac, network, plugged, port, rule, switch
from tests.apps.security import scenes
from tests.apps.security.reference import Reference
from tests.openflow.judge import Bench, listening
from tests.openflow.lane import Lane, unmetered
from tests.openflow.packets import fragmented, packed
from tests.world import World, frame

few = settings(
    max_examples=10, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with listening() as made:
        yield made


@few
@given(clouds(filtered=True))
def test_a_switch_prints_every_flow_as_it_is_encoded(bench: Bench, world: World) -> None:
    for switch_id in world.model.rows(Switch):
        flows = set(world.compiler.wanted(switch_id))
        held = bench.install(flows)
        assert [str(one) for one in flows if one.cookie in held.wrong] == []
        assert held == Holdings({one.cookie for one in flows}, set())
        bench.install_texts(flows)
        assert bench.dump("theirs") == bench.dump("ours")


@pytest.mark.parametrize("seed", range(12))
def test_what_passes_is_what_rules_allow(lane: Lane, seed: int) -> None:
    """As the interpreter and the reference evaluator say, packet by packet; rules and members change in between."""
    chance, left = random.Random(seed), list[Frame]()
    rows = scenes.beginning(chance)
    world = World(*rows)
    reference = Reference(world.model)
    lane.install(unmetered(world))
    for step in scenes.steps(chance, rows, left, 25):
        if isinstance(step, scenes.Change):
            world.put(*step.rows)
            lane.install(unmetered(world), forget=False)
            continue
        sender, receiver = (scenes.number_of(step[side]) for side in ("eth_src", "eth_dst"))
        ports = world.model.rows(Port)
        passes = reference.passes(step, ports[f"p{sender}"], ports[f"p{receiver}"])
        assert [sent.port for sent in lane.send(step)] == [receiver] * passes, step
        assert world.inject("h1", step["in_port"], step).ports == [f"p{receiver}"] * passes, step
        if passes:
            left.append(step)


@pytest.mark.parametrize("seed", range(4))
def test_a_group_frame_gets_to_those_whose_rules_allow_it(lane: Lane, seed: int) -> None:
    chance = random.Random(seed)
    world = World(*scenes.beginning(chance))
    reference, ports = Reference(world.model), world.model.rows(Port)
    lane.install(unmetered(world))
    for _ in range(8):
        sent = scenes.to_many(chance)
        sender = f"p{scenes.number_of(sent['eth_src'])}"
        others = [port for port in ports.values() if port.id != sender]
        assert [f"p{one.port}" for one in lane.send(sent)] == reference.reached(sent, ports[sender], others), sent


OTHERS = (2, 33, 47, 50, 51, 89, 112, 132, 136)  # IGMP, DCCP, GRE, ESP, AH, OSPF, VRRP, SCTP, UDP-Lite


@pytest.mark.parametrize("number", OTHERS)
def test_other_protocols_pass_by_number(lane: Lane, number: int) -> None:
    """What the tracker knows no ports of is a connection of two addresses all the same: new, and never invalid."""
    rows: list[Row] = [switch(1), network("red"), group("one", 7), rule("out", "one", "egress", str(number))]
    rows += [replace(port("p1", "red", 1), security_groups=("one",)), plugged("p1", 1, 1)]
    rows += [replace(port("p2", "red", 2), security_groups=("one",)), plugged("p2", 1, 2)]
    world = World(*rows)
    sent = {**frame(eth_src=mac(1), eth_dst=mac(2), eth_type=0x0800, ipv4_src=four(1), ipv4_dst=four(2)),
            "ip_proto": number, "in_port": 1}  # fmt: skip
    lane.install(unmetered(world))
    assert lane.send(sent) == []
    world.put(rule("in", "one", "ingress", str(number)))
    lane.install(unmetered(world))
    assert [one.port for one in lane.send(sent)] == [2]
    back = {**sent, "eth_src": sent["eth_dst"], "eth_dst": sent["eth_src"], "in_port": 2,
            "ipv4_src": sent["ipv4_dst"], "ipv4_dst": sent["ipv4_src"]}  # fmt: skip
    assert [one.port for one in lane.send(back)] == [1]
    world.put(replace(world.model.rows(SecurityGroupRule)["in"], protocol=str(number + 1)))
    lane.install(unmetered(world), forget=False)
    assert lane.send(sent) == lane.send(back) == []


def test_ports_of_sctp(lane: Lane) -> None:
    """They are the packets' own, of the opener's destination; an association that has lost its rule ends."""
    rows: list[Row] = [switch(1), network("red"), group("one", 7), rule("out", "one", "egress")]
    rows += [replace(port("p1", "red", 1), security_groups=("one",)), plugged("p1", 1, 1)]
    rows += [replace(port("p2", "red", 2), security_groups=("one",)), plugged("p2", 1, 2)]
    world = World(*rows, rule("in", "one", "ingress", "sctp 80-81"))
    lane.install(unmetered(world))

    def sent(here: int, there: int, from_port: int, to_port: int) -> list[int]:
        said = frame(eth_src=mac(here), eth_dst=mac(there), eth_type=0x0800, ipv4_src=four(here), ipv4_dst=four(there))
        one = {**said, "ip_proto": 132, "sctp_src": from_port, "sctp_dst": to_port, "in_port": here}
        left = [each.port for each in lane.send(one)]
        assert world.inject("h1", here, one).ports == [f"p{number}" for number in left]
        return left

    assert sent(1, 2, 5000, 79) == sent(1, 2, 5000, 82) == []
    assert sent(1, 2, 5000, 81) == [2] and sent(2, 1, 81, 5000) == [1] and sent(2, 1, 79, 5000) == []
    world.put("security_group_rule/in")
    lane.install(unmetered(world), forget=False)
    assert sent(1, 2, 5000, 81) == sent(2, 1, 81, 5000) == []


@pytest.mark.parametrize("group_frame", [False, True], ids=["unicast", "to many"])
@pytest.mark.parametrize("allowed", [False, True])
def test_fragments_share_the_fate_of_the_first(lane: Lane, allowed: bool, group_frame: bool) -> None:
    """By the ports, which the first one has; and so says the interpreter."""
    rows: list[Row] = [switch(1), network("red"), group("one", 7), rule("out", "one", "egress", "udp 53")]
    rows += [rule("in", "one", "ingress", f"udp {53 if allowed else 54}")]
    for number in (1, 2):
        rows += [replace(port(f"p{number}", "red", number), security_groups=("one",)), plugged(f"p{number}", 1, number)]
    world = World(*rows)
    lane.session.match_fragments()
    lane.install(unmetered(world))
    said = frame(eth_src=mac(1), eth_dst="ff:ff:ff:ff:ff:ff" if group_frame else mac(2), eth_type=0x0800,
                 ipv4_src=four(1), ipv4_dst="10.0.0.255" if group_frame else four(2))  # fmt: skip
    one = {**said, "ip_proto": 17, "in_port": 1}
    first, later = {**one, "udp_src": 5000, "udp_dst": 53, "ip_frag": 1}, {**one, "ip_frag": 3}
    told = [port for each in (first, later) for port in world.inject("h1", 1, each).ports]
    parts = (
        2 if allowed else 1 if group_frame else 0
    )  # those of a group frame that are later are of no use by themselves
    assert told == ["p2"] * parts
    whole = packed({**one, "udp_src": 5000, "udp_dst": 53, "length": 2500})
    assert [port for port, _ in lane.send_bytes(1, fragmented(whole, 1400))] == [2] * parts
