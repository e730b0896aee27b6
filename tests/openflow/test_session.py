"""A session against a simulated switch, over a real connection."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from controller.flow.meter import FLAGS, Meter, limit
from controller.openflow import connection, requests, wire
from controller.openflow.session import Holdings, PacketIn, PortDesc, Session
from controller.runtime import hub
from controller.runtime.errors import Rejected, Unreachable
from tests.openflow.conftest import Bench
from tests.openflow.flows import Encoded, encoded, flow, until
from tests.simswitch import Flow


def cookies(flows: list[Encoded]) -> set[int]:
    return {each.cookie for each in flows}


def adds(flows: list[Encoded]) -> list[bytes]:
    return [each.add for each in flows]


def test_what_was_applied_is_held(bench: Bench) -> None:
    switch, peer = bench.switch()
    assert peer.held() == Holdings(set(), set())
    flows = [flow(number) for number in range(2000)]  # more than one write out, more than one part back
    peer.apply(adds(flows), [])
    assert switch.commits == 1 and len(switch.flows) == 2000
    assert peer.held() == Holdings(cookies(flows), set()) and peer.flow_count() == 2000
    peer.apply(adds([flow(5, port=2)]), cookies(flows[:5]))
    expected = cookies(flows[6:]) | {flow(5, port=2).cookie}
    assert peer.held() == Holdings(expected, set())
    assert (peer.flow_messages_sent, peer.bundles) == (2006, 2)
    assert peer.flow_count() == 1995


def test_nothing_to_do_sends_nothing(bench: Bench) -> None:
    switch, peer = bench.switch()
    peer.held()
    before = switch.received[wire.EXPERIMENTER]
    peer.apply([], [])
    peer.held()
    assert switch.received[wire.EXPERIMENTER] == before == 0


LONG = [flow(number) for number in range(1000, 1041)]  # with these a bundle goes in two steps


def test_a_refused_flow_is_named_and_nothing_of_a_long_bundle_is_applied(bench: Bench) -> None:
    switch, peer = bench.switch()
    peer.apply([flow(1).add], [])
    switch.reject = {flow(3).cookie, flow(4).cookie}
    with pytest.raises(Rejected) as caught:
        peer.apply(adds([flow(2), flow(3), flow(4), *LONG]), [flow(1).cookie])
    assert caught.value.refusals == dict.fromkeys(switch.reject, "OFPBAC_BAD_OUT_PORT (type 2, code 4)")
    assert not caught.value.rest and peer.held().right == {flow(1).cookie}
    peer.apply([flow(2).add], [])  # and the next bundle is clean
    assert peer.held().right == {flow(1).cookie, flow(2).cookie}


def test_a_refused_flow_of_a_short_bundle_is_named_and_the_rest_is_applied(bench: Bench) -> None:
    switch, peer = bench.switch()
    peer.apply([flow(1).add], [])
    switch.reject = {flow(3).cookie}
    with pytest.raises(Rejected) as caught:
        peer.apply(adds([flow(2), flow(3), flow(4)]), [flow(1).cookie])
    assert caught.value.refusals == {flow(3).cookie: "OFPBAC_BAD_OUT_PORT (type 2, code 4)"}
    assert caught.value.rest and peer.held().right == {flow(2).cookie, flow(4).cookie}
    peer.apply([flow(5).add], [])  # and the next bundle is clean
    assert peer.held().right == {flow(2).cookie, flow(4).cookie, flow(5).cookie}


def test_a_short_bundle_takes_one_answer_and_a_long_one_two(bench: Bench) -> None:
    switch, peer = bench.switch()
    writes: list[bytes] = []
    write = peer._link.write

    def watch(data: bytes) -> None:
        writes.append(data)
        write(data)

    peer._link.write = watch  # type: ignore[method-assign]
    peer.apply(adds(LONG[:39]), [flow(1).cookie])
    assert len(writes) == 1
    peer.apply(adds(LONG[:40]), [flow(1).cookie])
    assert len(writes) == 3 and switch.commits == 2


def test_foreign_and_tampered_flows_are_wrong(bench: Bench) -> None:
    switch, peer = bench.switch()
    peer.apply(adds([flow(1), flow(2), flow(3)]), [])
    one, two, three = switch.flows
    switch.flows[one] = Flow(flow(1).cookie, b"\0\4\0\x08" + bytes(4))  # other actions
    switch.flows[9, 9, three[2]] = switch.flows[three]  # a copy elsewhere
    switch._cookies[flow(3).cookie].add((9, 9, three[2]))
    switch.flows[0, 0, two[2]] = Flow(0, b"")
    held = peer.held()
    assert held == Holdings({flow(2).cookie}, {flow(1).cookie, flow(3).cookie, 0})
    switch._cookies[0] = {(0, 0, two[2])}
    peer.apply(
        adds([flow(1), flow(3)]), held.wrong
    )  # what a repair asks for: put what is wanted, drop all that is wrong
    assert peer.held() == Holdings(cookies([flow(1), flow(2), flow(3)]), set())


def test_the_meter_is_set_once(bench: Bench) -> None:
    switch, peer = bench.switch()
    for _ in range(2):
        peer.limit_packet_ins(Meter(wire.CONTROLLER_METER, FLAGS, 100, 200))
        assert switch.meters == {wire.CONTROLLER_METER: (FLAGS, 100, 200)}
        assert switch.received[wire.METER_MOD] == 1
    peer.limit_packet_ins(Meter(wire.CONTROLLER_METER, FLAGS, 100, 300))
    assert switch.meters == {wire.CONTROLLER_METER: (FLAGS, 100, 300)}


def test_a_switch_without_meters_goes_on(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    switch, peer = bench.switch()
    switch.has_meters = False
    peer.limit_packet_ins(Meter(wire.CONTROLLER_METER, FLAGS, 100, 200))
    peer.apply([flow(1).add], [])
    lines = [each.getMessage() for each in caplog.records if "packet-ins" in each.getMessage()]
    assert lines == ["switch 0000000000000001 does not limit packet-ins: OFPBRC_BAD_TYPE (type 1, code 1)"]


def test_packets_go_both_ways(bench: Bench) -> None:
    switch, peer = bench.switch()
    switch.packet_in(77, 3, b"a frame")
    until(lambda: bench.heard.packets)
    assert bench.heard.packets == [PacketIn(77, 3, 1, 0, b"a frame", {})] and peer.packet_ins == 1
    peer.packet_out(3, b"", b"an answer")
    until(lambda: switch.packet_outs)
    assert switch.packet_outs[0].endswith(b"an answer")


def test_ports_are_kept_current(bench: Bench) -> None:
    switch, peer = bench.switch()
    assert peer.ports == {1: PortDesc(1, "p1", "02:00:00:00:00:01", 0)}
    switch.port(2, "p2")
    switch.port(1, "p1", state=1)
    until(lambda: bench.heard.log.count(("ports", 1)) == 2)
    assert {number: port.state for number, port in peer.ports.items()} == {1: 1, 2: 0}
    switch.port(1, "p1", gone=True)
    until(lambda: set(peer.ports) == {2})


def test_a_switch_that_returns_is_a_new_session(bench: Bench) -> None:
    switch, first = bench.switch()
    first.apply([flow(1).add], [])
    switch.drop()
    until(lambda: ("disconnected", 1) in bench.heard.log)
    with pytest.raises(Unreachable):
        first.held()
    with pytest.raises(Unreachable):
        first.apply([flow(2).add], [])
    switch.connect()
    until(lambda: bench.heard.sessions[1] is not first)
    assert bench.heard.sessions[1].held().right == {flow(1).cookie}
    assert bench.heard.log == [("connected", 1), ("disconnected", 1), ("connected", 1)]


@contextmanager
def waiting(call: Callable[..., None], *arguments: object) -> Iterator[list[object]]:
    """Run `call` in a green thread; what it raised is in the list."""
    outcome: list[object] = []

    def run() -> None:
        try:
            call(*arguments)
            outcome.append("returned")
        except (Rejected, Unreachable) as problem:
            outcome.append(type(problem))

    thread = hub.spawn(run)
    hub.sleep(0.02)
    yield outcome
    until(lambda: outcome)
    thread.wait()


def test_whoever_waits_hears_of_the_end(bench: Bench) -> None:
    switch, peer = bench.switch()
    switch.mute = True
    with (
        waiting(peer.apply, [flow(1).add], []) as applying,
        waiting(lambda: peer.held() and None) as dumping,
        waiting(peer.limit_packet_ins, limit(wire.CONTROLLER_METER, 1)) as metering,
    ):
        assert not applying and not dumping and not metering
        switch.drop()
    assert (applying, dumping, metering) == ([Unreachable], [Unreachable], [Unreachable])


def test_a_silent_switch_is_closed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "tenet.openflow")
    monkeypatch.setattr(requests, "TIMEOUT", 0.05)
    switch, peer = bench.switch(1)
    switch.mute = True
    with pytest.raises(Unreachable):
        peer.held()
    until(lambda: ("disconnected", 1) in bench.heard.log)
    switch, peer = bench.switch(2)
    switch.mute = True
    with pytest.raises(Unreachable):
        peer.apply([flow(1).add], [])
    until(lambda: ("disconnected", 2) in bench.heard.log)
    assert caplog.text.count("closed: no answer in") == 2


def test_an_answer_of_the_wrong_type_is_no_answer(bench: Bench) -> None:
    switch, peer = bench.switch()
    switch.mute = True
    with waiting(peer.limit_packet_ins, limit(wire.CONTROLLER_METER, 1)) as metering:
        for xid in range(1, 9):
            switch.send_raw(wire.message(wire.BARRIER_REPLY, xid))
        hub.sleep(0.05)
        assert not metering
        switch.drop()
    assert metering == [Unreachable]


@pytest.mark.parametrize("count", [1, 41])
def test_an_error_for_the_opening_refuses_the_bundle(bench: Bench, count: int) -> None:
    switch, peer = bench.switch()
    handle = switch._handle

    def refuse_open(message: bytes) -> None:
        if message[1] == wire.EXPERIMENTER and message[12:24] == struct.pack("!IIHH", 2300, 1, 0, 3):
            xid = int.from_bytes(message[4:8], "big")
            switch.send_raw(wire.message(wire.ERROR, xid, b"\xff\xff\x08\xff" + b"ONF\0" + message))
        handle(message)

    switch._handle = refuse_open  # type: ignore[method-assign]
    with pytest.raises(Rejected) as caught:
        peer.apply(adds(LONG[:count]), [])
    assert caught.value.refusals == {} and not caught.value.rest and "OFPBFC_BUNDLE_EXIST" in caught.value.reason
    assert switch.commits == (count == 1)  # what is in force then is sent again, and counts when that succeeds


def test_an_error_of_another_message_does_not_refuse_the_bundle(bench: Bench) -> None:
    switch, peer = bench.switch()
    handle = switch._handle

    def complain(message: bytes) -> None:
        switch.send_raw(wire.message(wire.ERROR, 4711, b"\0\2\0\4" + wire.packet_out(4711, 1, b"", b"")))
        handle(message)

    switch._handle = complain  # type: ignore[method-assign]
    peer.apply([flow(1).add], [])
    assert peer.held().right == {flow(1).cookie}


def test_a_listener_that_fails_closes_its_connection_only(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    _, good = bench.switch(1)

    def fail(peer: Session) -> None:
        raise ValueError("no idea")

    bench.heard.on_connect = fail
    bench.switch(2)
    until(lambda: ("disconnected", 2) in bench.heard.log)
    assert good.held() == Holdings(set(), set())
    assert "what follows a connect failed" in caplog.text


def test_a_connect_that_waits_holds_up_nobody(bench: Bench) -> None:
    gate = hub.Signal()

    def wait(peer: Session) -> None:
        if peer.dpid == 1:
            gate.wait()

    bench.heard.on_connect = wait
    bench.switch(1)
    _, second = bench.switch(2)
    assert second.held() == Holdings(set(), set())
    gate.set()


def test_who_hears_of_a_connect_may_ask_the_switch(bench: Bench) -> None:
    held: list[Holdings] = []
    bench.heard.on_connect = lambda peer: held.append(peer.held())
    bench.switch()
    until(lambda: held)


def test_a_listener_that_fails_on_a_packet_closes_its_connection_only(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "tenet.openflow")
    _, good = bench.switch(1)
    bad, _ = bench.switch(2)
    bench.heard.packets = None  # type: ignore[assignment]  # so that remembering one fails
    bad.packet_in(77, 3, b"a frame")
    until(lambda: ("disconnected", 2) in bench.heard.log)
    assert caplog.text.count("closed: AttributeError") == 1
    assert good.held() == Holdings(set(), set())


def test_sending_to_a_peer_that_does_not_read_ends_with_the_connection(bench: Bench) -> None:
    _, peer = bench.switch()
    blocked = hub.Signal()

    def block(message: bytes) -> None:
        blocked.wait()

    bench.switches[0]._handle = block  # type: ignore[method-assign]
    big = [flow(1).add] * 300_000  # more than sockets and queue take
    with waiting(peer.apply, big, []) as applying:
        pass  # the echo requests stay unanswered
    assert applying == [Unreachable]
    blocked.set()


def test_others_go_on_while_a_large_dump_is_read(bench: Bench) -> None:
    _, peer = bench.switch()
    flows = [flow(number) for number in range(60_000)]
    peer.apply(adds(flows), [])
    turns = 0

    def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            hub.sleep(0)

    counting = hub.spawn(count)
    assert peer.held().right == cookies(flows)
    hub.kill(counting)
    assert turns > 10
    assert connection._TURN < 0.01


def test_a_hundred_switches_in_one_process(bench: Bench) -> None:
    for dpid in range(1, 101):
        bench.switch(dpid)[1].apply([flow(dpid).add], [])
    held = {dpid: peer.held().right for dpid, peer in bench.heard.sessions.items()}
    assert held == {dpid: {flow(dpid).cookie} for dpid in range(1, 101)}


def test_the_encoded_flow_is_a_plain_add() -> None:
    # the tests' own encoding, against what session reads a cookie from
    made = encoded(0x0102030405060708, 1, 2, bytes(8), b"")
    assert made.add[32:40].hex() == "0102030405060708"
