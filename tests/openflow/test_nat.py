"""North-south traffic on a real Open vSwitch, host and gateway at once, beside the interpreter, packet by packet."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from controller.flow.interpret import Conntrack, Frame, Pipeline, Tracker
from controller.model.rows import ConntrackHelper, FloatingIp, Physical
from tests.apps.nat import rows as nat
from tests.apps.nat.rows import OUT, OUT6, external, floating, outside, with_gateway
from tests.apps.routing import rows
from tests.apps.routing.rows import GATEWAY, all_of, attached, four, network, router, six, station
from tests.openflow.lane import Lane, lane_of_its_own, unmetered
from tests.openflow.packets import fragmented, packed
from tests.world import World, frame, number

WIRE = 5  # the port to the physical network
STATIONS = {1: (1, 1), 2: (1, 2), 3: (2, 1), 4: (3, 1)}  # OpenFlow port -> network and host
OLD = number("ipv4_dst", f"{OUT}101")
FLOATING = {1: 101, 2: 102}


@pytest.fixture(scope="module")
def lane() -> Iterator[Lane]:
    with lane_of_its_own() as made:
        made.session.match_fragments()
        yield made


def cloud(*more: object, snat: bool = True) -> World:
    """Three stations on router r, two with floating IPs, and one on router s; the outside is on another switch."""
    here = replace(nat.switch(1), physical=(Physical("p1", WIRE),))
    stations = [station(f"p{at}", *place, 1, at) for at, place in STATIONS.items()]
    floats = [floating(host, f"p{at}", four(*STATIONS[at])) for at, host in FLOATING.items()]
    return World(*all_of(
        here, nat.switch(2), external(), outside(2), *(network(number) for number in (1, 2, 3)), attached("r", 1),
        attached("r", 2), attached("s", 3), with_gateway(router("r", 7), 10, "h1", snat=snat),
        with_gateway(router("s", 8), 20, "h1"), *stations, *floats, *more,
    ))  # fmt: skip


def sent(chance: random.Random) -> Frame:
    """A packet of a station to somebody, by its router."""
    at = chance.choice(list(STATIONS))
    net, host = STATIONS[at]
    v6 = chance.random() < 0.2
    to = chance.choice(
        [f"{OUT6}1", "2001:db8:f::9", six(2, 1), six(3, 1)]
        if v6
        else [f"{OUT}1", "8.8.8.8", f"{OUT}101", f"{OUT}102", f"{OUT}10", f"{OUT}20", four(2, 1), four(3, 1)]
    )
    version = "ipv6" if v6 else "ipv4"
    said = frame(**{
        "eth_src": rows.mac(net, host), "eth_dst": rows.mac(net, GATEWAY), "eth_type": 0x86DD if v6 else 0x0800,
        f"{version}_src": six(net, host) if v6 else four(net, host), f"{version}_dst": to,
    })  # fmt: skip
    kind = chance.choice(["udp", "tcp", "echo"])
    if kind == "udp":
        rest = {"ip_proto": 17, "udp_src": chance.choice([2000, 3000]), "udp_dst": 53}
    elif kind == "tcp":
        rest = {"ip_proto": 6, "tcp_src": chance.choice([2000, 3000]), "tcp_dst": 80, "tcp_flags": 2}
    else:
        rest = {"ip_proto": 58 if v6 else 1, "icmpv6_type" if v6 else "icmpv4_type": 128 if v6 else 8, "icmp_id": at}
    return {**said, **rest, "ip_ttl": chance.choice([1, 2, 64, 64, 64]), "in_port": at}


def back(got: Frame, port: int) -> Frame:
    """The answer of whoever got a packet."""
    found = {**got, "in_port": port, "ip_ttl": 64}
    for name in ("eth_{}", "ipv4_{}", "ipv6_{}", "udp_{}", "tcp_{}"):
        one, other = name.format("src"), name.format("dst")
        if one in got or other in got:
            found[one], found[other] = got.get(other, 0), got.get(one, 0)
    if got["ip_proto"] == 6:
        found["tcp_flags"] = 18
    if got["ip_proto"] in (1, 58):
        name, kind = ("icmpv4_type", 0) if got["ip_proto"] == 1 else ("icmpv6_type", 129)
        found[name] = kind
    return {name: value for name, value in found.items() if value}


def asks(got: Frame) -> bool:
    kind = got.get("icmpv4_type", 0) if got["ip_proto"] == 1 else got.get("icmpv6_type", 128)
    return got.get("tcp_flags", 2) == 2 and (got["ip_proto"] not in (1, 58) or kind in (8, 128))


def error(got: Frame, port: int) -> Frame:
    """Port unreachable, from whoever got a packet (RFC 792)."""
    inner = {f"inner_{name}": value for name, value in got.items() if name.startswith(("ip", "udp"))}
    outer = back(
        {name: got[name] for name in ("eth_src", "eth_dst", "eth_type", "ipv4_src", "ipv4_dst", "ip_proto")}, port
    )
    return {**outer, "ip_proto": 1, "icmpv4_type": 3, **inner}


class Beside:
    """A real switch and the interpreter, which get the same packets."""

    def __init__(self, lane: Lane, world: World) -> None:
        self.lane = lane
        self.tracker: Tracker = Conntrack()
        self.program(world, forget=True)

    def program(self, world: World, *, forget: bool = False) -> None:
        flows = unmetered(world)
        assert world.compiler.failed == {}
        self.lane.install(flows, forget=forget)
        self.pipeline = Pipeline(flows)

    def send(self, one: Frame) -> list[tuple[int, Frame]]:
        passage = self.pipeline.through(one, self.tracker)
        self.tracker = passage.tracker
        told = sorted((port, sorted(left.items())) for port, left in passage.sent)
        done = sorted((port, sorted(left.items())) for port, left in self.lane.send(one))
        assert done == [(port, [each for each in left if each[1]]) for port, left in told], (one, told, passage.steps)
        return [(port, dict(left)) for port, left in done]


@pytest.mark.parametrize("seed", range(6))
def test_a_real_switch_translates_as_the_interpreter_does(lane: Lane, seed: int) -> None:
    """Random conversations of stations with each other, by fixed and floating addresses, and with the outside."""
    chance = random.Random(seed)
    both = Beside(lane, cloud(snat=seed != 5))
    left: list[tuple[int, Frame]] = []
    seen = 0
    for _ in range(60):
        what = chance.random()
        asked = [(port, got) for port, got in left[-8:] if asks(got)]
        if asked and what < 0.5:
            port, got = chance.choice(asked)
            both.send(back(got, port))
        elif (
            asked and what < 0.6 and (udp := [each for each in asked if "udp_dst" in each[1] and "ipv4_dst" in each[1]])
        ):
            port, got = chance.choice(udp)
            both.send(error(got, port))
        else:
            found = both.send(sent(chance))
            left += found
            seen += len(found)
    assert seen > 10, "most packets went nowhere"


def udp(at: int, to: str, source: int = 2000) -> Frame:
    net, host = STATIONS[at]
    return {**frame(
        eth_src=rows.mac(net, host), eth_dst=rows.mac(net, GATEWAY), eth_type=0x0800, ipv4_src=four(net, host),
        ipv4_dst=to, ip_proto=17, udp_src=source, udp_dst=53, ip_ttl=64,
    ), "in_port": at}  # fmt: skip


def test_what_finds_nothing_free_does_not_leave_as_it_is(lane: Lane) -> None:
    """Of pings only the address is translated: two of one id to one destination cannot be told apart."""
    both = Beside(lane, cloud())
    ping = {"ip_proto": 1, "icmpv4_type": 8, "icmp_id": 77, "udp_src": 0, "udp_dst": 0}
    one = {name: value for name, value in (udp(3, "8.8.8.8") | ping).items() if value}
    ((port, got),) = both.send(one)
    assert port == WIRE and got["ipv4_src"] == number("ipv4_src", f"{OUT}10")
    other = one | frame(eth_src=rows.mac(1, 1), eth_dst=rows.mac(1, GATEWAY), ipv4_src=four(1, 1)) | {"in_port": 1}
    assert both.send(other)[0][1]["ipv4_src"] == number("ipv4_src", f"{OUT}101")  # by an address of its own
    unfloated = cloud()
    unfloated.put("floatingip/fip101")
    both.program(unfloated)
    assert both.send({**other, "icmp_id": 78})[0][1]["ipv4_src"] == number("ipv4_src", f"{OUT}10")
    assert both.send({**other, "icmp_id": 77}) == []


@pytest.mark.parametrize(("at", "source"), [(3, f"{OUT}10"), (1, f"{OUT}101")])
def test_datagrams_in_fragments_are_translated_whole(lane: Lane, at: int, source: str) -> None:
    """A new connection may begin with one, from inside and, to a floating IP, from outside."""
    both = Beside(lane, cloud())
    whole = packed({**udp(at, "8.8.8.8"), "length": 3000})
    out = lane.send_bytes(at, fragmented(whole, 1400))
    assert [port for port, _ in out] == [WIRE] * 3
    assert {data[26:30] for _, data in out} == {bytes(map(int, source.split(".")))}
    inward = back({**udp(at, "8.8.8.8"), "ipv4_src": number("ipv4_src", source)}, WIRE)
    inward |= frame(eth_dst=nat.mac(101 if at == 1 else 10), eth_src=nat.mac(1))
    assert [port for port, _ in lane.send_bytes(WIRE, fragmented(packed({**inward, "length": 3000}), 1400))] == [at] * 3
    both.lane.ovs.appctl("dpctl/flush-conntrack")
    fresh = [port for port, _ in lane.send_bytes(WIRE, fragmented(packed({**inward, "length": 3000}), 1400))]
    assert fresh == ([1] * 3 if at == 1 else [])


def test_the_end_of_an_association_ends_its_connections_and_no_others(lane: Lane) -> None:
    world = cloud()
    both = Beside(lane, world)
    (_, one), (_, other) = *both.send(udp(1, "8.8.8.8")), *both.send(udp(2, "8.8.8.8"))
    inward = {**back(one, WIRE), "udp_src": 4000, "udp_dst": 5000}
    assert [port for port, _ in both.send(inward)] == [1]
    moved = world.model.rows(FloatingIp)["fip101"]
    world.put(replace(moved, port_id="p3", fixed_ip_address=four(2, 1)))
    both.program(world)
    assert both.send(inward) == both.send(back(one, WIRE)) == []  # by the flows, before the tracker has forgotten
    (gone,) = (flow.zone for flow in unmetered(world) if flow.zone is not None and flow.zone.address == OLD)
    lane.session.flush_zones([gone])
    lane.session.flow_count()
    tracker = both.tracker
    assert isinstance(tracker, Conntrack)
    of = [each for each in tracker.connections if OLD in (each.origin.target, each.answer.target)]
    assert len(of) == 2
    both.tracker = tracker._without(of[0])._without(of[1])
    assert [port for port, _ in both.send(back(other, WIRE))] == [2]
    ((_, got),) = both.send(udp(1, "8.8.8.8"))
    assert got["ipv4_src"] != number("ipv4_src", f"{OUT}101")
    assert [port for port, _ in both.send({**inward, "udp_src": 4001})] == [3]


@pytest.mark.parametrize("helped", [False, True])
def test_a_connection_that_another_announces_comes_in_with_a_helper_only(lane: Lane, helped: bool) -> None:
    """TFTP: the server answers from a port of its own (RFC 1350, 4)."""
    helper = ConntrackHelper(id="h", project_id="t", router_id="r", protocol="udp", port=69, helper="tftp")
    Beside(lane, cloud(*([helper] if helped else [])))
    asked = bytearray(packed({**udp(3, "8.8.8.8"), "udp_dst": 69}))
    asked[40:42] = bytes(2)  # no checksum
    asked[42:46] = b"\0\1f\0"  # a read request
    ((port, _),) = lane.send_bytes(3, [bytes(asked)])
    assert port == WIRE
    said = frame(eth_src=nat.mac(1), eth_dst=nat.mac(10), eth_type=0x0800, ipv4_src="8.8.8.8", ipv4_dst=f"{OUT}10",
                 ip_proto=17, udp_src=5555, udp_dst=2000, ip_ttl=64)  # fmt: skip
    got = lane.send({**said, "in_port": WIRE})
    assert [(each.port, each.frame["ipv4_dst"]) for each in got] == [(3, number("ipv4_dst", four(2, 1)))] * helped
