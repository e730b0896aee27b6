"""Conntrack and NAT: random pipelines and packets, on a real Open vSwitch and interpreted."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

import pytest

from controller.flow import (
    Action,
    Flow,
    Nat,
    Table,
    ct,
    ct_clear,
    field,
    move,
    output,
    put,
)
from controller.flow.interpret import Conntrack, Frame, Pipeline, Tracker
from tests.openflow.lane import Lane
from tests.world import frame

ZERO, ONE, TWO = (Table(number, f"t{number}", frozenset()) for number in range(3))
IP, IP6 = field("eth_type", 0x0800), field("eth_type", 0x86DD)
# What is known of a packet is written into its source address, then it leaves.
SHOWN: tuple[Action, ...] = (
    move("ct_state[0..7]", "eth_src[0..7]"),
    move("ct_mark[0..7]", "eth_src[8..15]"),
    move("ct_zone[0..7]", "eth_src[16..23]"),
    move("ct_label[0..7]", "eth_src[24..31]"),
)


def shown(port: int) -> tuple[Action, ...]:
    return (*SHOWN, output(port))


def packet(source: int, target: int, family: int = 4, **rest: int) -> Frame:
    """From port 1 when the sender is below 10, else from port 2."""
    name, base = ("ipv4", "10.0.0.") if family == 4 else ("ipv6", "fd00::")
    said: dict[str, int | str] = {
        "eth_src": 0, "eth_dst": "02:00:00:00:00:02", "eth_type": 0x0800 if family == 4 else 0x86DD,
        f"{name}_src": f"{base}{source}", f"{name}_dst": f"{base}{target}",
    }  # fmt: skip
    return {**frame(**said), **rest, "in_port": 1 if source < 10 else 2}


def udp(source: int, target: int, here: int = 5, there: int = 6, family: int = 4) -> Frame:
    return packet(source, target, family, ip_proto=17, udp_src=here, udp_dst=there)


def same(lane: Lane, flows: list[Flow], frames: Iterable[Frame], left: list[Frame]) -> None:
    """Each packet leaves the switch as the interpreter says, with what the packets before it left behind.

    What has left is added to `left`, from which `frames` may take what it answers.
    """
    lane.install(set(flows))
    pipeline = Pipeline(flows)
    tracker: Tracker = Conntrack()
    for count, one in enumerate(frames):
        passage = pipeline.through(one, tracker)
        tracker = passage.tracker
        told = sorted((port, sorted(sent.items())) for port, sent in passage.sent)
        done = sorted((port, sorted(sent.items())) for port, sent in lane.send(one))
        assert done == told, (count, one, [str(flow) for flow in flows])
        left += [{**sent, "in_port": one["in_port"]} for _, sent in passage.sent]


def program(chance: random.Random, family: int) -> list[Flow]:
    """Three tables: tracked in the first, one thing done for each state in the second, seen again in the third.

    Either NAT or `force`: with both, ovs-vswitchd 3.1 crashes.
    """
    forced = chance.random() < 0.25
    eth = IP if family == 4 else IP6
    base = "10.0.0." if family == 4 else "fd00::"

    def nat() -> Nat | None:
        return None if forced else chance.choice([
            None, None, Nat(), Nat("src", (f"{base}99",)), Nat("src", (f"{base}98",), (77,)),
            Nat("dst", (f"{base}11",), (6,)), Nat("dst", (f"{base}12",)), Nat("src", (f"{base}97",), (80, 80)),
        ])  # fmt: skip

    def known() -> Nat | None:
        return None if forced else chance.choice([None, Nat()])

    def marks() -> tuple[Action, ...]:
        return chance.choice([
            (), (put("ct_mark", 3),), (put("ct_mark[1]", 1), put("ct_label[0..7]", 9)), (move("reg0", "ct_mark"),),
            (put("ct_label", 5),),
        ])  # fmt: skip

    def done(state: str) -> tuple[Action, ...]:
        if state == "+inv+trk":  # such cannot be committed
            return chance.choice([shown(3), (ct(1, 2), output(4)), (ct_clear(), *shown(3))])
        zone = chance.choice([1, 1, 2, "reg6[0..15]"])
        commit = ct(zone, None, True, forced, nat(), marks())
        again = ct(zone, 2, True, forced, nat(), marks())
        return chance.choice([
            shown(3), (commit, *shown(3)), (again,), (again, *shown(4)), (ct(zone, 2, nat=known()), output(4)),
            (ct_clear(), *shown(3)), (commit, ct(zone, 2)), (commit, again),
        ])  # fmt: skip

    first = (put("reg0", 4), put("reg6", chance.choice([1, 2])), ct(1, 1, nat=known()))
    flows = [Flow(ZERO, 1, (eth,), first), Flow(TWO, 1, (), shown(5))]
    for priority, state in enumerate(("+trk", "+est+trk", "+new+trk", "+rel+trk", "+rpl+trk", "+inv+trk")):
        flows.append(Flow(ONE, 10 + priority, (eth, field("ct_state", state)), done(state)))
    return flows


def talk(chance: random.Random, family: int, left: list[Frame]) -> Iterator[Frame]:
    """Packets among few ends: new ones, ones sent again, and what answers those that have left the switch."""
    begun: list[Frame] = []
    for _ in range(16):
        what = chance.random()
        answered = [one for one in left[-6:] if one.get("tcp_flags", 2) == 2]  # TCP's windows are not interpreted
        if answered and what < 0.5:
            yield answer(chance.choice(answered))
        elif left and what < 0.6 and family == 4 and (one := chance.choice(left))["ip_proto"] == 17:
            yield error(one)
        elif begun and what < 0.7:
            yield chance.choice(begun)
        else:
            begun.append(fresh(chance, family))
            yield begun[-1]


def fresh(chance: random.Random, family: int) -> Frame:
    near, far = chance.choice([1, 2]), chance.choice([11, 12, 11, 97, 98, 99])
    source, target = chance.choice([(near, far), (far, near), (11, 98), (12, 99)])
    here, there = chance.choice([(5, 6), (6, 5), (6, 77), (6, 80), (7, 6)])
    kind = chance.choice(["udp", "udp", "tcp", "echo"])
    if kind == "udp":
        return udp(source, target, here, there, family)
    if kind == "tcp":
        return packet(
            source, target, family,
            ip_proto=6, tcp_src=here, tcp_dst=there, tcp_flags=chance.choice([2, 2, 18]), tcp_seq=100,
        )  # fmt: skip
    if family == 4:
        return packet(source, target, ip_proto=1, icmpv4_type=chance.choice([8, 8, 0]), icmp_id=9)
    return packet(source, target, 6, ip_proto=58, icmpv6_type=chance.choice([128, 128, 129]), icmp_id=9)


SWAPPED = [("ipv4_src", "ipv4_dst"), ("ipv6_src", "ipv6_dst"), ("udp_src", "udp_dst"), ("tcp_src", "tcp_dst")]
ECHO = {"icmpv4_type": {8: 0, 0: 8}, "icmpv6_type": {128: 129, 129: 128}}


def answer(left: Frame) -> Frame:
    """What its receiver answers to a packet."""
    frame = {name: value for name, value in left.items() if name != "eth_src" and not name.startswith("inner.")}
    for one, other in SWAPPED:
        if one in left or other in left:
            frame[one], frame[other] = left.get(other, 0), left.get(one, 0)
    for name, back in ECHO.items():
        if name in left or left["ip_proto"] == {"icmpv4_type": 1, "icmpv6_type": 58}[name]:
            frame[name] = back.get(left.get(name, 0), 8)
    if "tcp_flags" in left:
        syn = left["tcp_flags"] & 2
        frame["tcp_flags"] = 18 if left["tcp_flags"] == 2 else 16
        frame["tcp_ack"], frame["tcp_seq"] = left.get("tcp_seq", 0) + bool(syn), left.get("tcp_ack", 0) or 500
    frame["in_port"] = 1 if left["in_port"] == 2 else 2
    return frame


def error(left: Frame) -> Frame:
    """Port unreachable, from its receiver."""
    quoted = {f"inner.{name}": value for name, value in left.items() if name.startswith(("ip", "udp"))}
    ends = {"ipv4_src": left["ipv4_dst"], "ipv4_dst": left["ipv4_src"]}
    return packet(1, 2, ip_proto=1, icmpv4_type=3) | ends | quoted | {"in_port": 1 if left["in_port"] == 2 else 2}


def test_a_handshake_of_tcp(lane: Lane) -> None:
    """Into a zone that sees both directions, then one that sees only the first."""
    flows = [Flow(ZERO, 1, (IP,), (ct(1, 1),)), Flow(ONE, 1, (IP,), (ct(1, 2, commit=True), *shown(3)))]
    flows.append(Flow(TWO, 1, (), shown(5)))
    syn = packet(1, 11, ip_proto=6, tcp_src=5, tcp_dst=6, tcp_flags=2, tcp_seq=100)
    back = packet(11, 1, ip_proto=6, tcp_src=6, tcp_dst=5, tcp_flags=18, tcp_seq=500, tcp_ack=101)
    third = packet(1, 11, ip_proto=6, tcp_src=5, tcp_dst=6, tcp_flags=16, tcp_seq=101, tcp_ack=501)
    same(lane, flows, [back, syn, syn, back, third, back, third], [])
    same(lane, flows, [syn, third, third], [])


@pytest.mark.parametrize("nat", [Nat("src", ("10.0.0.99",)), Nat("dst", ("10.0.0.12",))], ids=str)
def test_a_port_that_is_taken_is_followed_by_the_next(lane: Lane, nat: Nat) -> None:
    flows = [Flow(ZERO, 1, (IP,), (ct(1, 2, commit=True, nat=nat),)), Flow(TWO, 1, (), shown(5))]
    same(lane, flows, [udp(1, 11), udp(2, 11), udp(1, 98), udp(2, 98), udp(1, 11, 6), udp(1, 11)], [])


@pytest.mark.parametrize("seed", range(40))
def test_random_pipelines(lane: Lane, seed: int) -> None:
    chance, left = random.Random(seed), list[Frame]()
    family = chance.choice([4, 4, 4, 6])
    same(lane, program(chance, family), talk(chance, family, left), left)
