"""Frames made to slip past a filter: fragments, extension headers, tags, errors about nothing; none reaches a port."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import count

import pytest
from msgspec.structs import replace

from controller.model.rows import Row
from controller.openflow import framework
from tests.apps.clouds import four, group, mac, network, plugged, port, rule, six, switch
from tests.hostile.test_filters import EVERYBODY, counts, heard, sent, unmetered
from tests.lab import frames
from tests.openflow.flows import Heard
from tests.openflow.lane import Lane
from tests.world import World

MORE, LONG, BODY = 0x2000, 1280, b"X" * 40
IP, IPV6, VLAN = 0x0800, 0x86DD, 0x8100
NUMBERS = count(1000)
REFUSED_LATER = {"fragments to a port that is not allowed"}
RECEIVERS = (2, 3, 4)  # without a rule; udp 53 from anybody, stateful; the same, stateless


@pytest.fixture(scope="module")
def lane() -> Iterator[Lane]:
    """Port 1 may send what it likes."""
    rows: list[Row] = [switch(1), network("red"), group("dns", 7), group("plain", 8, stateful=False)]
    rows += [rule(f"{of}{v}", of, "ingress", "udp 53", family=v) for of in ("dns", "plain") for v in (4, 6)]
    rows += [replace(port("p1", "red", 1), port_security=False), plugged("p1", 1, 1)]
    for number, groups in zip(RECEIVERS, [(), ("dns",), ("plain",)], strict=True):
        one: Row = replace(port(f"p{number}", "red", number), security_groups=groups)
        rows += [one, plugged(f"p{number}", 1, number)]
    listening = Heard()
    server = framework.serve(("127.0.0.1", 0), listening)
    with Lane(listening, f"tcp:127.0.0.1:{server.address[1]}") as made:
        made.install(unmetered(World(*rows)))
        yield made
    server.close()


def ipv4(to: int, protocol: int, body: bytes, flags: int = 0) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 7 + to, flags, 64, protocol, 0)
    head += frames.address(four(1)) + frames.address(four(to))
    return head[:10] + struct.pack("!H", frames.checksum(head)) + head[12:] + body


def numbered(kind: int, packet: bytes, number: int) -> bytes:
    """The packet with a datagram's number of its own: what waits for the rest of another stays alone."""
    if kind == IPV6 and packet[6] == 44:
        return packet[:44] + struct.pack("!I", number) + packet[48:]
    if kind != IP or packet[0] != 0x45:
        return packet
    head = packet[:4] + struct.pack("!H", number) + packet[6:10] + bytes(2) + packet[12:20]
    return head[:10] + struct.pack("!H", frames.checksum(head)) + head[12:] + packet[20:]


def ipv6(to: int, following: int, body: bytes) -> bytes:
    addresses = frames.address(six(1)) + frames.address(six(to))
    return struct.pack("!IHBB", 6 << 28, len(body), following, 255) + addresses + body


def udp(to_port: int, body: bytes = BODY) -> bytes:
    return struct.pack("!HHHH", 5000, to_port, 8 + len(body), 0) + body


def part(following: int, offset: int, more: bool, number: int) -> bytes:
    """A fragment header of IPv6 (RFC 8200, 4.5)."""
    return struct.pack("!BBHI", following, 0, offset | more, number)


def options(following: int) -> bytes:
    """Destination options that fill a first fragment."""
    return bytes((following, LONG // 8 - 1)) + (b"\1\xfe" + bytes(254)) * 4 + b"\1\xfc" + bytes(252)


def unreachable(to: int) -> bytes:
    """An ICMP error about a datagram that the receiver never sent."""
    return struct.pack("!BBHI", 3, 3, 0, 0) + ipv4(1, 17, udp(5000))


CRAFTED = {
    "a plain datagram": lambda n: [(IP, ipv4(n, 17, udp(99)))],
    "a first fragment without ports": lambda n: [(IP, ipv4(n, 17, b"", MORE)), (IP, ipv4(n, 17, udp(99)))],
    "a first fragment of eight bytes": lambda n: [(IP, ipv4(n, 17, udp(53, b""), MORE)), (IP, ipv4(n, 17, BODY, 1))],
    "later fragments alone": lambda n: [(IP, ipv4(n, 17, BODY, 10))],
    "fragments to a port that is not allowed": lambda n: [
        (IP, ipv4(n, 17, udp(99, bytes(LONG - 8)), MORE)), (IP, ipv4(n, 17, BODY, LONG // 8)),
    ],
    "an error about nothing": lambda n: [(IP, ipv4(n, 1, unreachable(n)))],
    "a tag around it": lambda n: [(VLAN, struct.pack("!HH", 5, IP) + ipv4(n, 17, udp(99)))],
    "two tags": lambda n: [(0x88A8, struct.pack("!HHHH", 5, VLAN, 6, IP) + ipv4(n, 17, udp(53)))],
    "a label": lambda n: [(0x8847, struct.pack("!I", 0x1140) + ipv4(n, 17, udp(53)))],
    "IPv6 said to be IPv4": lambda n: [(IP, ipv6(n, 17, udp(53)))],
    "a header cut short": lambda n: [(IP, ipv4(n, 17, udp(53))[:24])],
    "a fragment that is whole": lambda n: [(IPV6, ipv6(n, 44, part(17, 0, False, 1) + udp(99)))],
    "ports behind a fragment of options": lambda n: [
        (IPV6, ipv6(n, 44, part(60, 0, True, 2) + options(17))),
        (IPV6, ipv6(n, 44, part(60, LONG, False, 2) + udp(99))),
    ],
    "a solicitation behind a fragment of options": lambda n: [
        (IPV6, ipv6(n, 44, part(60, 0, True, 3) + options(58))),
        (IPV6, ipv6(n, 44, part(60, LONG, False, 3) + struct.pack("!BBHI", 135, 0, 0, 0) + bytes(16))),
    ],
    "no next header": lambda n: [(IPV6, ipv6(n, 59, BODY))],
    "a redirect": lambda n: [(IPV6, ipv6(n, 58, struct.pack("!BBHI", 137, 0, 0, 0) + bytes(32)))],
}  # fmt: skip


@pytest.mark.parametrize("what", CRAFTED)
@pytest.mark.parametrize("to", RECEIVERS)
@pytest.mark.parametrize("many", [False, True], ids=["unicast", "broadcast"])
def test_no_crafted_frame_gets_through(lane: Lane, what: str, to: int, many: bool) -> None:
    before, number = counts(lane), next(NUMBERS)
    for kind, packet in CRAFTED[what](to):
        sent(lane, 1, frames.ethernet(EVERYBODY if many else mac(to), mac(1), kind, numbered(kind, packet, number)))
    later_too = many and what in REFUSED_LATER  # of no use without the first, as decision 103 says
    assert heard(lane, before) == ({3: {b"X"}, 4: {b"X"}} if later_too else {})


def test_what_is_allowed_gets_through(lane: Lane) -> None:
    before = counts(lane)
    for to in RECEIVERS:
        sent(lane, 1, frames.ethernet(mac(to), mac(1), IP, ipv4(to, 17, udp(53))))
    assert heard(lane, before) == {3: {b"X"}, 4: {b"X"}}
