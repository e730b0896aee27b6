"""Tenants against the filters of others: fragments with the same addresses, groups without end in a shared network."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import combinations

import pytest
from msgspec.structs import replace

from controller.flow.interpret import Frame
from controller.model.rows import FixedIp, Row
from tests.apps.clouds import four, group, mac, network, plugged, port, rule, switch
from tests.lab import frames
from tests.openflow.lane import Lane, captured, lane_of_its_own, unmetered
from tests.world import World, frame

EVERYBODY = "ff:ff:ff:ff:ff:ff"
SIZE = 1280  # bytes of a first fragment; the tracker takes none shorter than 1,200


@pytest.fixture(scope="module")
def lane() -> Iterator[Lane]:
    with lane_of_its_own() as made:
        yield made


def fragment(number: int, first: bool, marker: bytes) -> bytes:
    """One half of a datagram to UDP port 53 of everybody, from 10.0.0.1."""
    head = struct.pack("!HHHH", 5000, 53, SIZE + 64, 0) if first else b""
    body = (head + marker * SIZE)[: SIZE if first else 64]
    flags = 0x2000 if first else SIZE // 8
    return frames.ethernet(EVERYBODY, mac(number), 0x0800, ipv4(body, flags))


def ipv4(body: bytes, flags: int) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 7, flags, 64, 17, 0)
    head += bytes((10, 0, 0, 1)) + bytes((255, 255, 255, 255))
    summed = sum(struct.unpack("!10H", head))
    summed = (summed & 0xFFFF) + (summed >> 16)
    return head[:10] + struct.pack("!H", ~(summed + (summed >> 16)) & 0xFFFF) + head[12:] + body


def twins() -> World:
    """Two networks with the same addresses: port 1 and 3 have 10.0.0.1, ports 2 and 4 may be sent UDP to port 53."""
    rows: list[Row] = [switch(1), network("red"), network("blue"), group("dns", 7)]
    rows.append(rule("in", "dns", "ingress", "udp 53"))
    for number, of in ((1, "red"), (2, "red"), (3, "blue"), (4, "blue")):
        one = replace(port(f"p{number}", of, number), fixed_ips=(FixedIp("s", four(2 - number % 2)),))
        rows += [replace(one, security_groups=None if number % 2 else ("dns",)), plugged(f"p{number}", 1, number)]
    return World(*rows)


def sent(lane: Lane, in_port: int, data: bytes) -> None:
    lane.ovs.appctl("netdev-dummy/receive", f"l{in_port}", data.hex())


def heard(lane: Lane, before: dict[int, int]) -> dict[int, set[bytes]]:
    """Markers of what left by each port since."""
    lane.send({"eth_src": 9, "eth_dst": 8, "eth_type": 0x88B6, "in_port": 5})  # it goes nowhere: all before it is done
    found = {number: captured(lane._path(number))[count:] for number, count in before.items()}
    return {number: {data[-1:] for data in datas} for number, datas in found.items() if datas}


def counts(lane: Lane) -> dict[int, int]:
    return {number: len(captured(lane._path(number))) for number in (1, 2, 3, 4)}


def test_fragments_of_two_networks_are_never_taken_for_one_datagram(lane: Lane) -> None:
    lane.install(unmetered(twins()))
    before = counts(lane)
    sent(lane, 1, fragment(1, True, b"R"))
    sent(lane, 3, fragment(3, False, b"B"))
    assert heard(lane, before) == {}
    sent(lane, 1, fragment(1, False, b"R"))
    assert heard(lane, before) == {2: {b"R"}}
    sent(lane, 3, fragment(3, True, b"B"))
    assert heard(lane, before) == {2: {b"R"}, 4: {b"B"}}


def shared(others: int) -> World:
    """A network of many: ports 1 and 2 of one tenant, the rest of another, each with other groups that name others."""
    names = [f"g{number}" for number in range(10)]
    rows: list[Row] = [switch(1), network("red"), group("mine", 7), rule("in", "mine", "ingress", "udp 53")]
    rows += [group(name, 10 + number) for number, name in enumerate(names)]
    for name in names:
        rows += [rule(f"{name}-{other}", name, "ingress", "tcp 1", remote_group_id=other) for other in names]
    rows += [port("p1", "red", 1), plugged("p1", 1, 1)]
    rows += [replace(port("p2", "red", 2), security_groups=("mine",)), plugged("p2", 1, 2)]
    sets = [one for size in (9, 8, 7) for one in combinations(names, size)]
    for number, groups in zip(range(10, 10 + others), sets, strict=False):
        rows += [replace(port(f"p{number}", "red", number), security_groups=groups), plugged(f"p{number}", 1, number)]
    return World(*rows)


def test_broadcasts_reach_a_port_beside_those_with_groups_without_end(lane: Lane) -> None:
    lane.install(unmetered(shared(50)))
    said = frame(eth_src=mac(1), eth_dst=EVERYBODY, eth_type=0x0800, ipv4_src=four(1), ipv4_dst="255.255.255.255")
    one: Frame = {**said, "ip_proto": 17, "udp_src": 5000, "udp_dst": 53, "in_port": 1}
    assert [each.port for each in lane.send(one)] == [2]


def test_a_broadcast_in_fragments_reaches_each_set_of_groups_that_allows_it(lane: Lane) -> None:
    """The others see later fragments, which are of no use without the first (decision 103)."""
    rows: list[Row] = [switch(1), network("red"), group("dns", 7), group("web", 8), group("all", 9)]
    rows += [rule("in", "dns", "ingress", "udp 53"), rule("out", "dns", "egress"), rule("web", "web", "ingress", "tcp")]
    rows.append(rule("all", "all", "ingress"))
    for number, of in ((1, "dns"), (2, "dns"), (3, "web"), (4, "all")):
        one = replace(port(f"p{number}", "red", number), security_groups=(of,))
        rows += [one, plugged(f"p{number}", 1, number)]
    lane.install(unmetered(World(*rows)))
    before = counts(lane)
    for first in (True, False):
        sent(lane, 1, fragment(1, first, b"1" if first else b"2"))
    assert heard(lane, before) == {2: {b"1", b"2"}, 3: {b"2"}, 4: {b"1", b"2"}}


def segment(in_port: int, to_port: int, *, answer: bool = False) -> Frame:
    """UDP of two stations, in a frame to everybody: port 1 asks, port 2 answers."""
    here, there = (2, 1) if answer else (1, 2)
    said = frame(eth_src=mac(in_port), eth_dst=EVERYBODY, eth_type=0x0800, ipv4_src=four(here), ipv4_dst=four(there))
    ports = {"udp_src": to_port, "udp_dst": 5000} if answer else {"udp_src": 5000, "udp_dst": to_port}
    return {**said, "ip_proto": 17, **ports, "in_port": in_port}


def test_an_answer_to_everybody_is_not_judged_as_what_it_answers(lane: Lane) -> None:
    """Port 1 may be heard by ports 1 and 3; what port 2 answers it in a frame to all is from port 2."""
    rows: list[Row] = [switch(1), network("red"), group("g", 7), rule("out", "g", "egress")]
    rows.append(rule("in", "g", "ingress", "udp", remote_ip_prefix=f"{four(1)}/32", normalized_cidr=f"{four(1)}/32"))
    for number in (1, 2, 3):
        groups = None if number == 2 else ("g",)
        rows += [replace(port(f"p{number}", "red", number), security_groups=groups), plugged(f"p{number}", 1, number)]
    world = World(*rows)
    lane.install(unmetered(world))
    asked, answered = {**segment(1, 53), **frame(eth_dst=mac(2))}, segment(2, 53, answer=True)
    assert [one.port for one in lane.send(asked)] == [2] and world.inject("h1", 1, asked).ports == ["p2"]
    assert lane.send(answered) == [] and world.inject("h1", 2, answered).ports == []
