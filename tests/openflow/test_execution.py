"""Conjunctions, TTL and length: random pipelines and packets, on a real Open vSwitch and interpreted."""

from __future__ import annotations

import random

import pytest

from controller.flow import (
    CONTROLLER,
    Field,
    Flow,
    check_pkt_larger,
    clone,
    conjunction,
    dec_ttl,
    field,
    masked,
    merge,
    output,
    pop,
    push,
    put,
    resubmit,
)
from controller.flow.interpret import Ambiguous, Frame, Pipeline
from tests.openflow.lane import Lane
from tests.openflow.test_conntrack import IP, ONE, TWO, ZERO, packet, udp


def same(lane: Lane, pipeline: Pipeline, one: Frame) -> None:
    told = sorted((port, sorted(sent.items())) for port, sent in pipeline.send(one) if port != CONTROLLER)
    done = sorted((port, sorted(sent.items())) for port, sent in lane.send(one))
    length = ("length", one["length"]) if "length" in one else None
    assert done == [(port, [item for item in sent if item != length]) for port, sent in told], one


def clauses(chance: random.Random) -> list[Flow]:
    """Conjunctions of two or three clauses at two priorities, what they lead to, and plain flows in between."""
    found: dict[bytes, list[Flow]] = {}
    for number in range(1, 4):
        total, priority = chance.choice([2, 2, 3]), chance.choice([90, 100])
        kinds: list[list[tuple[Field, ...]]] = [
            [(IP, field("ipv4_src", f"10.0.0.{last}")) for last in chance.sample(range(1, 5), 2)],
            [(IP, masked("ipv4_dst", f"10.0.0.{last}", f"255.255.255.{last}")) for last in chance.sample((8, 12), 1)],
            [(IP, field("ip_proto", 17), field("udp_dst", port)) for port in chance.sample(range(4, 8), 2)],
        ]
        for clause, kind in enumerate(chance.sample(kinds, total), 1):
            for match in kind:
                flow = Flow(ZERO, priority, match, (conjunction(number, clause, total),))
                found.setdefault(flow.key, []).append(flow)
        led = Flow(ZERO, chance.choice([10, 95, 100, 150]), (field("conj_id", number), IP), (output(2 + number),))
        found.setdefault(led.key, []).append(led)
    for priority in chance.sample([5, 50, 92, 99, 120], 2):
        plain = Flow(ZERO, priority, chance.choice([(IP,), (IP, field("ipv4_dst", "10.0.0.12"))]), (output(2),))
        found.setdefault(plain.key, []).append(plain)
    merged = [merge(flows) for flows in found.values()]
    return [flow for flow in merged if flow is not None]


@pytest.mark.parametrize("seed", range(25))
def test_conjunctions(lane: Lane, seed: int) -> None:
    chance = random.Random(seed)
    flows = clauses(chance)
    lane.install(set(flows))
    pipeline = Pipeline(flows)
    for _ in range(12):
        one = udp(chance.randrange(1, 5), chance.choice([8, 12, 13]), 5, chance.randrange(4, 9))
        try:
            pipeline.send(one)
        except Ambiguous:
            continue  # the switch's choice
        same(lane, pipeline, one)


def test_a_ttl_that_runs_out(lane: Lane) -> None:
    flows = [
        Flow(ZERO, 1, (IP,), (resubmit(1), output(4), clone(dec_ttl(), output(5)), output(2))),
        Flow(ONE, 1, (IP,), (dec_ttl(), output(3)), goto=TWO),
        Flow(TWO, 1, (IP,), (dec_ttl(), dec_ttl(), output(5))),
    ]
    lane.install(set(flows))
    for ttl in (1, 2, 3, 4, 5, 255):
        same(lane, Pipeline(flows), packet(1, 11, ip_proto=17, udp_src=5, udp_dst=6, ip_ttl=ttl))


def test_length_and_the_stack(lane: Lane) -> None:
    set_bit = (check_pkt_larger(200, "reg0[3]"), push("eth_dst"), put("eth_dst", 7), output(2), pop("eth_dst"))
    flows = [
        Flow(ZERO, 1, (IP,), set_bit, goto=ONE),
        Flow(ONE, 2, (field("reg0[3]", 1),), (output(3),)),
        Flow(ONE, 1, (), (output(4),)),
    ]
    lane.install(set(flows))
    for length in (100, 199, 200, 201, 300):
        same(lane, Pipeline(flows), udp(1, 11) | {"length": length})
