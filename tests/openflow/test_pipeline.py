"""The flows of random clouds on a real Open vSwitch: it takes them, prints them as they are, and does what they say."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from apps.services.address import ADDRESS4, ADDRESS6, MAC
from apps.services.identity import Asker, address4, address6, tcp_port
from apps.services.metadata import SERVER_MAC
from controller.flow import Flow
from controller.flow.interpret import Frame, Pipeline
from controller.flow.tracking import Track
from controller.model.rows import FixedIp, Interface, MetadataHost, Port, Router, Switch
from controller.openflow.session import Holdings
from tests.apps.clouds import (
    EXTERNAL_VLAN,
    PATCH,
    PROXIED,
    SERVER,
    SERVICE_SEGMENT,
    VIRTUAL,
    clouds,
    four,
    mac,
    six,
)
from tests.openflow.judge import Bench, listening, written
from tests.world import Said, World, frame

FRAMES = 25  # traced a switch
ROUTERS_SEGMENT = 907
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
        if world.model.rows(Router) and chance.random() < 0.4:
            outer = {name: value for name, value in said.items() if name == "eth_src" or name.startswith("tun_")}
            said = outer | _routed(chance, in_port == PATCH)
            if own is None and in_port != PATCH and chance.random() < 0.5:
                said["tun_id"] = ROUTERS_SEGMENT
        elif chance.random() < 0.1:
            said["vlan_vid"] = 0x1005
        if world.model.rows(MetadataHost) and chance.random() < 0.2:
            in_port, said = _served(chance, in_port, said)
        yield {**frame(**said), "in_port": in_port}


def _served(chance: random.Random, in_port: int, said: Said) -> tuple[int, Said]:
    """From a port to a metadata server, from the server, or what another switch sends in the segment between them."""
    outer = {name: value for name, value in said.items() if name == "eth_src" or name.startswith("tun_")}
    asker, six_ = Asker(chance.randrange(1, 4), chance.randrange(1, 12)), chance.random() < 0.5
    client: Said = {"ipv6_src": six(1)} if six_ else {"ipv4_src": four(1)}
    service: Said = {"ipv6_dst": ADDRESS6} if six_ else {"ipv4_dst": ADDRESS4}
    told: Said = {"eth_type": 0x86DD if six_ else 0x0800, "ip_proto": 6}
    port = chance.choice([80, 53, 80, 22])
    if chance.random() < 0.4:
        return in_port, outer | told | client | service | {"tcp_src": 40_000, "tcp_dst": port}
    back = (
        {"ipv6_src": address6(asker), "ipv6_dst": six(1)}
        if six_
        else {"ipv4_src": address4(asker), "ipv4_dst": four(1)}
    )
    said = told | back | {"eth_dst": MAC, "tcp_src": tcp_port(80, 1, 4), "tcp_dst": 40_000}
    if chance.random() < 0.5:
        return SERVER, said | {"eth_src": SERVER_MAC}
    return in_port, outer | said | ({"tun_id": SERVICE_SEGMENT} if "tun_id" in outer else {})


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


def _routed(chance: random.Random, outside: bool) -> Said:
    """From a port to its router, or from outside to one of the router's addresses there."""
    if outside and chance.random() < 0.2:
        return {"eth_dst": "33:33:ff:00:00:01", "vlan_vid": 0x1000 | EXTERNAL_VLAN, "eth_type": 0x86DD, "ip_proto": 58,
                "icmpv6_type": 135, "ipv6_src": "2001:db8:e::1", "nd_target": PROXIED, "ip_ttl": 255}  # fmt: skip
    if outside:
        host = chance.randrange(10, 14)
        there: Said = {"eth_dst": f"fa:16:3e:0e:00:{host:02x}", "vlan_vid": 0x1000 | EXTERNAL_VLAN,
                       "eth_type": 0x0800, "ipv4_src": chance.choice(["8.8.8.8", "203.0.113.1"]),
                       "ipv4_dst": f"203.0.113.{host}"}  # fmt: skip
    elif chance.random() < 0.3:
        to = chance.choice(["2001:db8:2::7", "2001:db8::3", "2001:db8:e::1", "2001:db8:f::1", "2001:db8:50::1"])
        there = {"eth_dst": mac(253), "eth_type": 0x86DD, "ipv6_src": six(chance.randrange(1, 7)), "ipv6_dst": to}
    else:
        to = chance.choice(["10.2.0.7", "10.2.0.254", four(3), four(253), "203.0.113.1", "203.0.113.11", "203.0.113.13",
                            "8.8.8.8", "10.50.0.1"])  # fmt: skip
        there = {"eth_dst": mac(253), "eth_type": 0x0800, "ipv4_src": four(chance.randrange(1, 7)), "ipv4_dst": to}
    return there | {"ip_proto": 17, "udp_src": 1, "udp_dst": 53, "ip_ttl": chance.choice([1, 2, 64, 64, 64])}


@few
@given(clouds(routed=True))
def test_a_switch_prints_every_flow_as_we_encode_it(bench: Bench, world: World) -> None:
    """A cookie is a digest of what the switch prints, so a dump alone tells that a flow is right."""
    for switch_id in world.model.rows(Switch):
        flows = set(world.compiler.wanted(switch_id))
        held = bench.install(flows)
        assert [one for one in flows if one.cookie in held.wrong] == []
        assert held == Holdings({one.cookie for one in flows}, set())


@few
@given(clouds(routed=True))
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


def undecided(flow: Flow) -> bool:
    """Whether a trace cannot tell how it goes on: it neither tracks connections nor knows a frame's size; and the
    interpreter does not compute the switch's hashes.
    """
    tracks = any(isinstance(held, Track) and held.table is not None for one in flow.actions for held in one.args)
    return tracks or any(one.kind in ("check_pkt_larger", "multipath") for one in flow.actions)


@few
@given(clouds(routed=True), st.integers(0, 1000))
def test_a_switch_does_with_frames_what_the_interpreter_says(bench: Bench, world: World, seed: int) -> None:
    for switch in world.model.rows(Switch).values():
        flows = set(world.compiler.wanted(switch.id))
        bench.install(flows)
        pipeline, by_cookie = Pipeline(flows), {flow.cookie: flow for flow in flows}
        for one in frames(world, switch, random.Random(seed)):
            cookies, ports = bench.trace(one)
            met, said = [by_cookie[cookie] for cookie in cookies], pipeline.visited(one)
            told = next((at for at, flow in enumerate(said, 1) if undecided(flow)), None)
            assert list(map(does, met[:told])) == list(map(does, said[:told])), written(one)
            if told is None:  # test_nat.py and test_routing.py send packets for the rest
                assert ports == [sent.port for sent in pipeline.send(one)], written(one)
