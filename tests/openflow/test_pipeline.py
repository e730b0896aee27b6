"""The flows of random clouds on a real Open vSwitch: it takes them, prints them as they are, and does what they say."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from controller.flow import Flow
from controller.flow.interpret import Frame, Pipeline
from controller.model.rows import FixedIp, Interface, Port, Switch
from controller.openflow.session import Holdings
from tests.apps.clouds import PATCH, VIRTUAL, clouds, four, mac, six
from tests.openflow.judge import Bench, listening, written
from tests.world import Said, World, frame

FRAMES = 25  # traced a switch
few = settings(
    max_examples=25, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with listening() as made:
        yield made


def frames(world: World, switch: Switch, chance: random.Random) -> Iterator[Frame]:
    """Frames that come in by the ports of a switch, mostly such that somebody may want them."""
    here = list(world.model.find(Interface, "switch_id", switch.id))
    others = [other.encap_ip for other in world.model.rows(Switch).values()]
    macs = [
        VIRTUAL,
        *(mac(number) for number in range(1, 7)),
        *(f"02:00:00:00:00:{number:02x}" for number in range(1, 5)),
    ]
    for _ in range(FRAMES):
        said: Said = {"eth_src": chance.choice(macs)}
        own = None
        if here and chance.random() < 0.8:
            at = chance.choice(here)
            in_port = at.ofport
            own = world.model.get(Port, at.vif)
        elif switch.physical and chance.random() < 0.5:
            in_port = PATCH
            said["vlan_vid"] = chance.choice([0, 0x1000 | 105])
        else:
            in_port = chance.choice([tunnel.ofport for tunnel in switch.tunnels])
            way = "tun_ipv6_src" if ":" in switch.encap_ip else "tun_src"
            said |= {way: chance.choice(others), "tun_id": chance.choice([71, 72, 73])}
        if own is not None and chance.random() < 0.9:
            said["eth_src"] = own.mac_address
        number = chance.randrange(1, 7)
        if own is not None and own.fixed_ips and chance.random() < 0.8:
            number = _number(own.fixed_ips[0])
        said["eth_dst"] = chance.choice([*macs, "ff:ff:ff:ff:ff:ff", "ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01"])
        said |= chance.choice(_payloads(number, chance.randrange(1, 7), str(said["eth_src"])))
        if chance.random() < 0.1:
            said["vlan_vid"] = 0x1005
        yield {**frame(**said), "in_port": in_port}


def _number(fixed: FixedIp) -> int:
    return int(fixed.ip_address.rpartition(".")[2])


def _payloads(me: int, you: int, sender: str) -> list[Said]:
    icmp6: Said = {"eth_type": 0x86DD, "ip_proto": 58, "ipv6_src": six(me), "ipv6_dst": six(you)}
    return [
        {"eth_type": 0x0800, "ipv4_src": four(me), "ipv4_dst": four(you), "ip_proto": 6},
        {"eth_type": 0x0800, "ipv4_dst": "255.255.255.255", "ip_proto": 17, "udp_src": 68, "udp_dst": 67},
        {"eth_type": 0x0806, "arp_op": 1, "arp_sha": sender, "arp_spa": four(me), "arp_tpa": four(you)},
        {"eth_type": 0x0806, "arp_op": 1, "arp_sha": sender, "arp_tpa": four(you)},
        {"eth_type": 0x0806, "arp_op": 2, "arp_sha": sender, "arp_spa": four(me), "arp_tpa": four(you)},
        {"eth_type": 0x86DD, "ip_proto": 17, "ipv6_src": six(me), "ipv6_dst": six(you)},
        icmp6 | {"icmpv6_type": 135, "nd_target": six(you)},
        icmp6 | {"icmpv6_type": 136, "nd_target": six(me)},
        icmp6 | {"icmpv6_type": 134},
        {"eth_type": 0x86DD, "ip_proto": 58, "ipv6_dst": six(you), "icmpv6_type": 135, "nd_target": six(me)},
        {"eth_type": 0x88B5},
    ]


@few
@given(clouds())
def test_a_switch_prints_every_flow_as_we_encode_it(bench: Bench, world: World) -> None:
    """A cookie is a digest of what the switch prints, so a dump alone tells that a flow is right."""
    for switch_id in world.model.rows(Switch):
        flows = set(world.compiler.wanted(switch_id))
        held = bench.install(flows)
        assert [one for one in flows if one.cookie in held.wrong] == []
        assert held == Holdings({one.cookie for one in flows}, set())


@few
@given(clouds())
def test_the_text_of_a_flow_is_the_flow(bench: Bench, world: World) -> None:
    for switch_id in world.model.rows(Switch):
        flows = set(world.compiler.wanted(switch_id))
        bench.install(flows)
        bench.install_texts(flows)
        assert bench.dump("theirs") == bench.dump("ours")
        assert len(bench.dump("ours")) == len(flows)


def does(flow: Flow) -> object:
    """All of a flow but what it matches: of two of one priority that do the same, either may be met."""
    actions = tuple(action.wire for action in flow.actions)
    return flow.table, flow.priority, actions, flow.metadata, flow.goto, flow.meter


@few
@given(clouds(), st.integers(0, 1000))
def test_a_switch_does_with_frames_what_the_interpreter_says(bench: Bench, world: World, seed: int) -> None:
    for switch in world.model.rows(Switch).values():
        flows = set(world.compiler.wanted(switch.id))
        bench.install(flows)
        pipeline, by_cookie = Pipeline(flows), {flow.cookie: flow for flow in flows}
        for one in frames(world, switch, random.Random(seed)):
            cookies, ports = bench.trace(one)
            met = [by_cookie[cookie] for cookie in cookies]
            assert list(map(does, met)) == list(map(does, pipeline.visited(one))), written(one)
            assert ports == [sent.port for sent in pipeline.send(one)], written(one)
