"""Frames that tenants make up, straight into the dispatch of services: nothing raises, nothing grows.

The controller is whole, without listeners, so that whatever services there are take part; the frames carry register
values as the pipeline would have them, and payloads from right over almost right to noise.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from apps.pipeline import DHCP4, DHCP6, IN_KEY, NAMES, SERVICE, SOLICITED
from apps.services.served import SERVICE as SERVICES
from controller.model.rows import Port, RouterInterface
from controller.openflow.session import PacketIn, Session
from controller.services.dispatch import NetworkServices
from tests.lab import dhcp, frames

from .memory import retained
from .site import Site, mac, network_id, running

MAC, ADDRESS, ADDRESS6 = mac(0), "10.0.0.2", "2001:db8::2"  # of the first port, which asks
OTHER_MAC, OTHER_ADDRESS = mac(1), "10.0.0.3"
LINK_LOCAL = "fe80::f816:3eff:fe00:0"
NUMBERS = range(1 << SERVICE.width)
MOST_OUT = 4  # frames that may follow from one
REASONS = 200  # as many words may be counted under, over all services
BYTES = 1 << 20
Speaking = Callable[[int, bytes], None]


class Listening:
    """What services may ask of a session."""

    dpid = 1

    def __init__(self) -> None:
        self.sent: list[tuple[int, bytes, bytes]] = []

    def packet_outs(self, packets: list[tuple[int, bytes, bytes]]) -> None:
        self.sent += packets


class Services:
    """All services of a controller, and a port of the first switch that asks them."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.dispatch: NetworkServices = site.controller.switchboard._services._services[SERVICES].__self__  # type: ignore[attr-defined]
        self.session = Listening()
        found = site.replica.model.placement.bindings
        ports = {port.mac_address: port for port in site.replica.model.rows(Port).values()}
        self.key = found[ports[MAC].id].port_key
        self.switch = found[ports[MAC].id].switch_id

    def take(self, service: int, data: bytes) -> list[bytes]:
        """Hand a frame over; the frames that are sent back."""
        self.session.sent.clear()
        registers = {IN_KEY.place: self.key, SERVICE.place: service << SERVICE.low, "metadata": 1}
        self.dispatch.packet_in(cast(Session, self.session), PacketIn(1, self.key, 1, 82, data, registers))
        return [each[2] for each in self.session.sent]

    def failed(self) -> float:
        return sum(count for (_, outcome), count in self.outcomes().items() if outcome == "failed")

    def outcomes(self) -> dict[tuple[str, str], float]:
        (family,) = self.dispatch.metrics()
        return {(each.labels["service"], each.labels["outcome"]): each.value for each in family.samples}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The first network has subnets of both versions, DHCP of both, and a router."""
    with running(tmp_path_factory.mktemp("site"), 100, 10) as site:
        say: dict[str, object] = {"network_id": network_id(0), "project_id": "p0", "ip_version": 6}
        modes = {"ipv6_ra_mode": "dhcpv6-stateful", "ipv6_address_mode": "dhcpv6-stateful"}
        made = made_by(site, "subnets", {"subnet": {**say, "cidr": "2001:db8::/64", **modes}})
        router = made_by(site, "routers", {"router": {"project_id": "p0"}})
        body = {"subnet_id": made["id"]}
        assert site.call("PUT", f"/v2.0/routers/{router['id']}/add_router_interface", body).status == 200
        (port,) = (each for each in site.replica.model.rows(Port).values() if each.mac_address == MAC)
        fixed = [{"ip_address": ADDRESS}, {"ip_address": ADDRESS6}]
        assert site.call("PUT", f"/v2.0/ports/{port.id}", {"port": {"fixed_ips": fixed}}).status == 200
        assert site.replica.model.rows(RouterInterface)
        found = Services(site)
        assert found.switch == "s1" and found.dispatch._answers
        yield found


def made_by(site: Site, path: str, body: dict[str, object]) -> Any:
    reply = site.call("POST", f"/v2.0/{path}", body)
    assert reply.status == 201, reply.body
    return next(iter(reply.json.values()))


# --- frames ---


def question(labels: bytes) -> bytes:
    """A query for the address of a name."""
    query = struct.pack("!HHHHHH", 1, 256, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"
    packet = frames.ipv4(ADDRESS, "169.254.169.254", frames.UDP, frames.udp(4000, 53, query))
    return frames.ethernet("0a:54:4e:f0:00:01", MAC, frames.IPV4, packet)


def datagram(source_port: int, to_port: int, payload: bytes, *, six: bool = False, sender: str = MAC) -> bytes:
    if not six:
        packet = frames.ipv4("0.0.0.0", "255.255.255.255", frames.UDP, frames.udp(source_port, to_port, payload))
        return frames.ethernet(frames.BROADCAST, sender, frames.IPV4, packet)
    head = struct.pack("!HHHH", source_port, to_port, 8 + len(payload), 0)
    pseudo = frames.address(LINK_LOCAL) + frames.address("ff02::1:2") + struct.pack("!II", 8 + len(payload), frames.UDP)
    told = head[:6] + struct.pack("!H", frames.checksum(pseudo + head + payload) or 0xFFFF) + payload
    return frames.ethernet("33:33:00:01:00:02", sender, frames.IPV6, frames.ipv6(LINK_LOCAL, "ff02::1:2", 17, told))


def solicitation(options: bytes) -> bytes:
    body = b"\x85\0\0\0" + bytes(4) + options
    pseudo = frames.address(LINK_LOCAL) + frames.address("ff02::2") + struct.pack("!II", len(body), 58)
    told = body[:2] + struct.pack("!H", frames.checksum(pseudo + body)) + body[4:]
    head = struct.pack("!IHBB", 6 << 28, len(told), 58, 255) + frames.address(LINK_LOCAL) + frames.address("ff02::2")
    return frames.ethernet("33:33:00:00:00:02", MAC, frames.IPV6, head + told)


octets = st.binary(max_size=300)
short = st.integers(0, 255)
word = st.integers(0, 0xFFFF)


@st.composite
def dhcp4(draw: st.DrawFn) -> bytes:
    """BOOTP's fixed part, options that fit or not, overloaded fields, in a datagram of the right ports."""
    options = b"".join(
        bytes((draw(short), draw(short) if draw(st.booleans()) else len(value))) + value
        for value in draw(st.lists(st.binary(max_size=40), max_size=12))
    )
    kind = bytes((53, 1, draw(st.integers(0, 20))))
    overload = bytes((52, 1, draw(st.integers(0, 4)))) if draw(st.booleans()) else b""
    head = bytes((draw(st.sampled_from((1, 1, 1, 2))), 1, draw(st.sampled_from((6, 6, 6, 6, 0, 16, 255))), 0))
    fixed = head + draw(st.binary(min_size=8, max_size=8)) + draw(st.binary(min_size=16, max_size=16))
    chaddr = frames.mac(MAC).ljust(16, b"\0") if draw(st.booleans()) else draw(st.binary(min_size=16, max_size=16))
    names = draw(st.binary(min_size=192, max_size=192)) if overload else bytes(192)
    cookie = dhcp.COOKIE if draw(st.integers(0, 9)) else draw(st.binary(min_size=4, max_size=4))
    end = draw(st.sampled_from((b"\xff", b"", b"\x37", b"\0\0\xff")))
    return datagram(68, 67, fixed + chaddr + names + cookie + kind + overload + options + end)


@st.composite
def dhcp6(draw: st.DrawFn, depth: int = 3) -> bytes:
    def options(left: int) -> bytes:
        made = b""
        for code in draw(st.lists(st.sampled_from((1, 2, 3, 4, 5, 6, 8, 13, 14, 15, 16, 25, 39, 1000)), max_size=6)):
            value = options(left - 1) if left and draw(st.booleans()) else draw(st.binary(max_size=30))
            made += struct.pack("!HH", code, draw(word) if draw(st.integers(0, 4)) == 0 else len(value)) + value
        return made

    return datagram(
        546, 547, bytes((draw(st.integers(0, 14)),)) + draw(st.binary(max_size=3)) + options(depth), six=True
    )


@st.composite
def names(draw: st.DrawFn) -> bytes:
    """Questions with labels and pointers that lead anywhere."""
    head = struct.pack("!HHHHHH", 7, draw(word), *(draw(st.sampled_from((0, 1, 2, 0xFFFF))) for _ in range(4)))
    labels = b""
    for _ in range(draw(st.integers(0, 8))):
        if draw(st.booleans()):
            labels += struct.pack("!H", 0xC000 | draw(st.integers(0, 80)))
        else:
            label = draw(st.binary(max_size=63))
            labels += bytes((draw(short) if draw(st.booleans()) else len(label),)) + label
    payload = head + labels + draw(st.sampled_from((b"\0\0\1\0\1", b"\0", b"")))
    packet = frames.ipv4(ADDRESS, "169.254.169.254", frames.UDP, frames.udp(draw(word), 53, payload))
    return frames.ethernet("0a:54:4e:f0:00:01", MAC, frames.IPV4, packet)


KINDS = {DHCP4: dhcp4(), DHCP6: dhcp6(), SOLICITED: octets.map(solicitation), NAMES: names()}


@st.composite
def spoilt(draw: st.DrawFn, of: st.SearchStrategy[bytes]) -> bytes:
    """A frame of some kind, cut off, or with some of its bytes changed, headers included."""
    whole = bytearray(draw(of))
    for place, value in draw(st.lists(st.tuples(st.integers(0, 120), short), max_size=4)):
        if place < len(whole):
            whole[place] = value
    return bytes(whole[: draw(st.integers(0, len(whole)))] if draw(st.booleans()) else whole)


of_its_service = [st.tuples(st.just(service), frame) for service, frame in KINDS.items()]
spoilt_ones = [st.tuples(st.just(service), spoilt(frame)) for service, frame in KINDS.items()]
of_another = st.tuples(st.sampled_from(NUMBERS), st.one_of(octets, *KINDS.values()))


@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(*of_its_service, *spoilt_ones, of_another))
@example((DHCP4, b""))
@example((DHCP4, dhcp.discover(MAC, 1)[:-1]))
@example((DHCP4, datagram(68, 67, bytes(240))))
@example((DHCP4, datagram(68, 67, dhcp.discover(MAC, 1)[42:285] + b"\x37")))  # an option's code, and no more
@example((SOLICITED, solicitation(bytes(8))))  # an option of length 0
def test_no_frame_makes_a_service_fail_or_talk_on(services: Services, asked: tuple[int, bytes]) -> None:
    before = services.failed()
    said = services.take(*asked)
    assert len(said) <= MOST_OUT
    outcomes = services.outcomes()
    assert services.failed() == before, outcomes
    assert len(outcomes) < REASONS, "what a tenant writes is no word to count under"


def test_what_is_right_is_answered_among_all_that_is_not(services: Services) -> None:
    (offer,) = services.take(DHCP4, dhcp.discover(MAC, 9))
    told = dhcp.read(offer)
    assert told is not None and (told.kind, told.address, told.xid) == (dhcp.OFFER, ADDRESS, 9)
    identity = struct.pack("!HHHH", 1, 10, 3, 1) + frames.mac(MAC)  # a DUID of its link-layer address (RFC 8415, 11.4)
    wanted = struct.pack("!HHIII", 3, 12, 1, 0, 0)
    (advertised,) = services.take(DHCP6, datagram(546, 547, b"\1\0\0\7" + identity + wanted, six=True))
    assert advertised[62:66] == b"\2\0\0\7" and frames.address(ADDRESS6) in advertised
    (advertisement,) = services.take(SOLICITED, solicitation(b""))
    assert advertisement[54] == 134
    (answer,) = services.take(NAMES, question(b"\x0dhost-10-0-0-2"))
    assert answer[42:44] == b"\0\1" and answer[44] & 0x80


LIES = {
    "of another": dhcp.discover(OTHER_MAC, 1),
    "of another, from its own MAC": dhcp.message(dhcp.DISCOVER, OTHER_MAC, 1, sender=MAC),
    "relayed": dhcp.message(dhcp.DISCOVER, MAC, 1, giaddr=OTHER_ADDRESS),
    "a reply": datagram(68, 67, b"\2" + dhcp.discover(MAC, 1)[43:]),
    "given back for another": dhcp.message(dhcp.RELEASE, MAC, 1, {54: frames.address("169.254.169.254")},
                                           ciaddr=OTHER_ADDRESS),
    "told by another": dhcp.message(dhcp.INFORM, MAC, 1, ciaddr=OTHER_ADDRESS),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_lies_about_the_sender_are_not_answered(services: Services, lie: str) -> None:
    assert services.take(DHCP4, LIES[lie]) == []


def test_a_frame_from_the_fabric_is_of_no_port(services: Services) -> None:
    """None of its logical ports is the sender's: key 0, and keys that nobody has."""
    key = services.key
    try:
        for services.key in (0, 0xFFFF):
            assert [services.take(service, dhcp.discover(MAC, 1)) for service in NUMBERS] == [[]] * len(NUMBERS)
    finally:
        services.key = key


def test_what_is_kept_of_frames_is_bounded(services: Services) -> None:
    """One port sends 6,000 messages of which no two are alike: what it asks for, who it says it is, its room."""
    chance = random.Random(1)
    besides = [services.site.replica.model]
    answers = [getattr(answer, "__self__", answer) for _, answer in services.dispatch._answers.values()]
    kept = [services.dispatch, *answers]

    def ask(times: int) -> int:
        for _ in range(times):
            options = {
                55: chance.randbytes(20), 61: chance.randbytes(30), 57: chance.randbytes(2), 12: chance.randbytes(20),
                60: chance.randbytes(20), 77: chance.randbytes(20), 93: chance.randbytes(2),
            }  # fmt: skip
            services.take(DHCP4, dhcp.discover(MAC, chance.getrandbits(32), options))
            services.take(NAMES, question(b"\x20" + chance.randbytes(32)))
            asked = chance.randbytes(4) + struct.pack("!HH", 1, 20) + chance.randbytes(20)
            services.take(
                DHCP6, datagram(546, 547, b"\1" + asked[1:] + struct.pack("!HHIII", 3, 12, 1, 0, 0), six=True)
            )
            services.take(SOLICITED, solicitation(b"\1\1" + chance.randbytes(6)))
        return retained(kept, besides)

    before = ask(2_000)
    assert ask(4_000) - before < BYTES // 4
    assert before < 4 * BYTES
