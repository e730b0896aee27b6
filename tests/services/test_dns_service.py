"""The DNS service: who asks, what it is told, and what waits for upstream resolvers."""

from __future__ import annotations

from contextlib import suppress
from typing import cast

import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from apps.packets import udp
from apps.packets.udp import Datagram
from apps.pipeline import NAMES
from apps.pipeline import SERVICE as BITS
from controller.config.services import ServiceSettings
from controller.model.model import Model
from controller.model.names import Naming
from controller.model.reader import Reader
from controller.model.rows import FixedIp, Port
from controller.openflow.session import PacketIn, Session
from controller.runtime import hub
from controller.services import dns_service
from controller.services.dispatch import Ignored, Later, NetworkServices, to_asker
from controller.services.dns import Unanswerable
from controller.services.dns_service import NameService
from controller.services.upstream import Upstream
from controller.switches.packet_in import FrameOut, PuntedFrame
from tests.apps.clouds import network, plugged, port, switch
from tests.switches.test_packet_in import Talking
from tests.world import World

from .dns_site import question

VM, SERVICE = b"\xfa\x16\x3e\0\0\1", bytes.fromhex("0a544ef00001")
SERVER = bytes((169, 254, 169, 254))
KEY = 9
ALONE = ServiceSettings(naming=Naming("here.test."))
RECURSIVE = ALONE._replace(dns_servers=(("192.0.2.53", 53),))


@pytest.fixture
def world() -> World:
    made = World()
    made.put(network("red"), switch(1), named("p", 1), plugged("p", 1, KEY), named("q", 2), plugged("q", 1, 10))
    return made


def named(name: str, number: int) -> Port:
    fixed = (FixedIp("s4", f"10.0.0.{number}"),)
    return replace(port(name, "red", number), fixed_ips=fixed, dns_name=name)


def frame(payload: bytes, source: bytes = bytes((10, 0, 0, 1)), target: bytes = SERVER) -> bytes:
    return udp.write(Datagram(VM, b"\2\0\0\0\0\x77", source, target, 40_000, 53, payload))


def asked(service: NameService, model: Model, data: bytes, key: int = KEY) -> list[FrameOut]:
    punted = PuntedFrame(key, 3, data, {"reg6": key})
    return list(service.answer(punted, Reader(model, "h1")))


@pytest.mark.parametrize(
    ("source", "target"),
    [(bytes((10, 0, 0, 1)), SERVER), (b"\xfe\x80" + bytes(13) + b"\1", bytes.fromhex("fe80" + "0" * 20 + "a9fea9fe"))],
)
def test_a_port_is_answered_from_the_address_that_it_asked(world: World, source: bytes, target: bytes) -> None:
    (out,) = asked(NameService(world.model, ALONE), world.model, frame(question("q.here.test."), source, target))
    assert out == to_asker(PuntedFrame(KEY, 3, b"", {}), out.data)
    told = udp.read(out.data)
    assert told is not None
    assert told[:6] == (SERVICE, VM, target, source, 53, 40_000)
    assert [each.to_text() for each in dns.message.from_wire(told.payload).answer[0]] == ["10.0.0.2"]


def test_who_asks_is_what_the_switch_says_and_not_the_frame(world: World) -> None:
    service = NameService(world.model, ALONE)
    world.put(replace(named("q", 2), project_id="other"))
    of_q = frame(question("q.here.test."), source=bytes((10, 0, 0, 2)))
    for key, rcode in ((KEY, dns.rcode.NXDOMAIN), (10, dns.rcode.NOERROR)):
        (out,) = asked(service, world.model, of_q, key)
        told = udp.read(out.data)
        assert told is not None and dns.message.from_wire(told.payload).rcode() == rcode
    with pytest.raises(Ignored, match="stranger"):
        asked(service, world.model, of_q, key=77)


def test_what_is_no_question_is_counted_and_not_answered(world: World) -> None:
    service = NameService(world.model, RECURSIVE)
    for data in (b"", frame(b""), frame(b"\0" * 11), frame(b"\0\0\x80" + b"\0" * 20), frame(question("a."))[:-1]):
        with pytest.raises(Ignored, match="malformed"):
            asked(service, world.model, data)


@given(st.binary(max_size=120))
def test_no_frame_raises_anything_else(data: bytes) -> None:
    for each in (data, frame(data)):
        with suppress(Ignored, Later):
            asked(NameService(WORLD.model, RECURSIVE), WORLD.model, each)


WORLD = World(network("red"), switch(1), named("p", 1), plugged("p", 1, KEY))

# --- what waits for upstream resolvers --------------------------------------------------------------------------------


def answering(monkeypatch: pytest.MonkeyPatch, answer: bytes | None) -> list[tuple[bytes, bool]]:
    """Others answer this, without a network (test_upstream.py has one); the questions that they are asked."""
    questions = []

    def ask(self: Upstream, wire: bytes, *, whole: bool = False) -> bytes | None:
        questions.append((wire, whole))
        return answer

    monkeypatch.setattr(Upstream, "ask", ask)
    return questions


def response(name: str) -> bytes:
    return dns.message.make_response(dns.message.from_wire(question(name))).to_wire()


def test_what_is_not_own_waits_and_is_told_when_others_have_answered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, response("www.example.test."))
    service = NameService(world.model, RECURSIVE)
    wire = question("www.example.test.")
    with pytest.raises(Later) as later:
        asked(service, world.model, frame(wire))
    (out,) = later.value.run()
    told = udp.read(out.data)
    assert told is not None
    assert told[:6] == (SERVICE, VM, SERVER, bytes((10, 0, 0, 1)), 53, 40_000)
    assert dns.message.from_wire(told.payload).id == dns.message.from_wire(wire).id


def test_where_nobody_answers_it_has_failed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, None)
    service = NameService(world.model, RECURSIVE)
    wire = question("www.example.test.", payload=1232)
    with pytest.raises(Later) as later:
        asked(service, world.model, frame(wire))
    (out,) = later.value.run()
    told = udp.read(out.data)
    assert told is not None
    answer = dns.message.from_wire(told.payload)
    assert (answer.rcode(), answer.question) == (dns.rcode.SERVFAIL, dns.message.from_wire(wire).question)


def test_another_port_with_the_same_key_is_not_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, response("www.example.test."))
    service = NameService(world.model, RECURSIVE)
    with pytest.raises(Later) as later:
        asked(service, world.model, frame(question("www.example.test.")))
    world.put("port/p", named("r", 3), plugged("r", 1, KEY))
    with pytest.raises(Ignored, match="gone"):
        list(later.value.run())


def test_no_more_wait_than_so_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, None)
    monkeypatch.setattr(dns_service, "OPEN", dns_service.OF_PORT + 3)
    service = NameService(world.model, RECURSIVE)
    waiting = []

    def asks(key: int) -> str:
        with pytest.raises((Later, Ignored)) as found:
            asked(service, world.model, frame(question("www.example.test.")), key)
        if isinstance(found.value, Later):
            waiting.append(found.value)
        return str(found.value)

    assert [asks(KEY) for _ in range(dns_service.OF_PORT + 1)] == ["later"] * dns_service.OF_PORT + ["busy"]
    assert [asks(10) for _ in range(4)] == ["later"] * 3 + ["busy"]
    asked(service, world.model, frame(question("q.here.test.")))  # own names are told all the same
    assert service.over_tcp(named("p", 1), question("www.example.test."))[3] & 15 == dns.rcode.SERVFAIL
    for each in waiting:
        list(each.run())
    assert asks(KEY) == "later"


def test_a_project_whose_questions_nobody_answers_leaves_others_theirs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns_service, "OF_PROJECT", 1)
    world.put(replace(named("q", 2), project_id="other"))
    service = NameService(world.model, RECURSIVE)
    data = frame(question("www.example.test."))
    for key, expected in ((KEY, "later"), (KEY, "busy"), (10, "later")):
        with pytest.raises((Later, Ignored), match=expected):
            asked(service, world.model, data, key)


def test_a_place_is_given_back_whatever_happens(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Upstream, wire: bytes, *, whole: bool = False) -> bytes | None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr(Upstream, "ask", fails)
    service = NameService(world.model, RECURSIVE)
    for _ in range(2 * dns_service.OF_PORT):
        with pytest.raises(KeyError):
            service.over_tcp(named("p", 1), question("www.example.test."))


def test_the_dispatch_runs_what_waits_and_counts_what_becomes_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, None)
    service = NameService(world.model, RECURSIVE)
    services = NetworkServices(world.model, {NAMES: ("dns", service.answer)})
    session = Talking()
    data = frame(question("www.example.test."))
    services.packet_in(cast(Session, session), PacketIn(77, 3, 1, 82, data, {"reg5": NAMES << BITS.low, "reg6": KEY}))
    assert session.sent == []
    hub.sleep(0)
    assert len(session.sent) == 1


# --- over TCP ---------------------------------------------------------------------------------------------------------


def test_over_tcp_answers_are_whole_and_upstream_is_asked_for_whole_ones(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = answering(monkeypatch, response("www.example.test.") + bytes(3000))
    world.put(*(replace(named(f"m{number}", number), dns_name="many") for number in range(20, 120)))
    service = NameService(world.model, RECURSIVE)
    asker = world.model.get(Port, "p")
    assert asker is not None
    own = dns.message.from_wire(service.over_tcp(asker, question("many.here.test.")))
    assert len(own.answer[0]) == 100
    assert len(service.over_tcp(asker, question("www.example.test."))) > 3000
    assert [whole for _, whole in questions] == [True]
    with pytest.raises(Unanswerable):
        service.over_tcp(asker, b"\0" * 5)
