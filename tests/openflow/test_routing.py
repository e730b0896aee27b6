"""The flows of random routed networks on a real Open vSwitch: it takes them, and does with packets what they say."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from apps.matches import IPV4
from controller.flow import Flow, Table, dec_ttl, field, output, resubmit
from controller.flow.interpret import Pipeline
from tests.openflow.judge import Bench, listening, written
from tests.openflow.test_pipeline import does
from tests.routing import scene
from tests.routing.plan import Plan, PlannedHost, PlannedNetwork, PlannedRouter
from tests.world import Said, frame

SCENES, PACKETS = 8, 30
MOST_PATHS = 8  # next hops of a prefix in these scenes


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with listening() as made:
        yield made


@pytest.mark.parametrize("fabric", scene.FABRICS)
def test_a_switch_does_with_routed_packets_what_the_interpreter_says(bench: Bench, fabric: str) -> None:
    for seed in range(SCENES):
        chance = random.Random(f"{fabric} {seed}")
        made = scene.scene(chance, fabric)
        sent = list(_packets(chance, made))
        for switch_id in sorted({at for at, _, _ in sent}):
            flows = set(made.world.compiler.wanted(switch_id))
            held = bench.install(flows)
            assert not held.wrong and held.right == {one.cookie for one in flows}
            by_cookie = {flow.cookie: flow for flow in flows}
            choices = [Pipeline(flows, chance=path) for path in range(MOST_PATHS)]
            for at, ofport, said in sent:
                if at != switch_id:
                    continue
                one = {**frame(**said), "in_port": ofport}
                cookies, ports = bench.trace(one)
                met = ([does(by_cookie[cookie]) for cookie in cookies], ports)
                foreseen = [_outcome(pipeline, one) for pipeline in choices]
                assert met in foreseen, written(one)


@pytest.mark.parametrize("fabric", scene.FABRICS)
def test_the_text_of_a_routed_flow_is_the_flow(bench: Bench, fabric: str) -> None:
    world = scene.scene(random.Random(fabric), fabric).world
    flows = set(world.compiler.wanted("h1"))
    bench.install(flows)
    bench.install_texts(flows)
    assert bench.dump("theirs") == bench.dump("ours") and len(bench.dump("ours")) == len(flows)


def _outcome(pipeline: Pipeline, one: dict[str, int]) -> tuple[list[object], list[int]]:
    return list(map(does, pipeline.visited(one))), [sent.port for sent in pipeline.send(one)]


def _packets(chance: random.Random, made: scene.Scene) -> Iterator[tuple[str, int, Said]]:
    """Switch, OpenFlow port and fields: packets for other networks, questions about a router's addresses, and claims
    to be a router.
    """
    bindings = made.world.model.placement.bindings
    for _ in range(PACKETS):
        one = scene.packet(chance, made.plans)
        if one is None:
            return
        at = bindings[one.sender.name]
        network = one.plan.networks[one.sender.network]
        said = one.said
        if chance.random() < 0.4:
            said = chance.choice(list(_about(one.plan, network, one.sender, one.router, one.family)))
        yield at.switch_id, at.ofport, {name: value for name, value in said.items() if name != "icmp_id"}


def _about(
    plan: Plan, network: PlannedNetwork, sender: PlannedHost, router: PlannedRouter, family: int
) -> Iterator[Said]:
    mine, theirs = network.address(sender.nth, family), network.address(router.nth, family)
    mac, gateway = network.mac(sender.nth), router.mac(network, family)
    if family == 4:
        arp: Said = {"eth_src": mac, "eth_type": 0x0806, "arp_op": 1, "arp_sha": mac, "arp_spa": mine}
        yield {**arp, "eth_dst": "ff:ff:ff:ff:ff:ff", "arp_tpa": theirs}
        yield {**arp, "eth_dst": gateway, "arp_tpa": theirs}
        yield {**arp, "eth_dst": "ff:ff:ff:ff:ff:ff", "arp_spa": theirs, "arp_tpa": theirs}
        return
    asked: Said = {
        "eth_src": mac, "eth_type": 0x86DD, "ip_proto": 58, "ip_ttl": 255, "ipv6_dst": "ff02::1:ff00:1",
        "eth_dst": "33:33:ff:00:00:01", "icmpv6_type": 135, "ipv6_src": mine, "nd_target": theirs,
    }  # fmt: skip
    yield asked
    yield {**asked, "nd_sll": mac, "nd_options_type": 1}
    yield {**asked, "eth_dst": gateway, "ipv6_dst": theirs}
    yield {**asked, "ipv6_src": "::"}
    yield {**asked, "icmpv6_type": 136}
    yield {**asked, "eth_dst": gateway, "ipv6_dst": theirs, "ip_ttl": 64}


@pytest.mark.parametrize("ttl", [2, 40, *range(61, 68)])
def test_how_deep_a_packet_is_looked_up(bench: Bench, ttl: int) -> None:
    """As where two routers send a packet to each other: in the end all that was to be done with it is not."""
    first, again, last = Table(0, "a", frozenset()), Table(8, "b", frozenset({"ip_ttl"})), Table(9, "c", frozenset())
    flows = {
        Flow(first, 1, (), (output(2),), goto=again),
        Flow(again, 1, (IPV4,), (dec_ttl(), resubmit(last.number), resubmit(again.number))),
        Flow(again, 2, (IPV4, field("ip_ttl", 1)), (output(3),)),
        Flow(last, 1, (), ()),
    }
    bench.install(flows)
    one = {**frame(eth_src="02:00:00:00:00:01", eth_dst="02:00:00:00:00:02", eth_type=0x0800, ip_ttl=ttl), "in_port": 1}
    assert bench.trace(one)[1] == [sent.port for sent in Pipeline(flows).send(one)] == ([2, 3] if ttl <= 65 else [])
