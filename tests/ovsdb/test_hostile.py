"""Peers that mean no good, or are not well: each loses its own connection, and nobody else notices."""

from __future__ import annotations

import contextlib
import json
import os
import random

import pytest

from controller.runtime import hub
from tests.ovsdb.conftest import Watched
from tests.ovsdb.database import Database
from tests.ovsdb.peer import Peer, connected, ended, everything
from tests.ovsdb.private import until
from tests.ovsdb.test_desired import IDS, put_right

UUID = "00000000-0000-4000-8000-000000000abc"


def right_database(watched: Watched, system_id: str = "good") -> Database:
    db = Database(**{**IDS, "system-id": system_id})
    put_right(db, (watched.target,))
    return db


@pytest.fixture
def good(watched, capfd):
    """A hypervisor that is right, stays connected, and is still served when the test is over, without a traceback."""
    db = right_database(watched)
    with connected(watched.port) as sock, Peer(sock, db) as peer:
        until(lambda: watched.last, "the good one is seen")
        yield peer
        new = {"name": "tap1", "ofport": 5} | {k: v for k, v in db.row("Interface", "br-int").items() if k == "type"}
        rest, rest_of_port = db.row("Interface", "br-int"), db.row("Port", "br-int")
        interface, port, bridge = UUID, UUID.replace("abc", "abd"), db.find("Bridge", "br-int")
        row = db.rows["Bridge", bridge]
        ports = ["set", [*row["ports"][1], ["uuid", port]]]
        peer.notify(
            {
                "Interface": {interface: {"new": rest | new}},
                "Port": {port: {"new": rest_of_port | {"name": "tap1", "interfaces": ["uuid", interface]}}},
                "Bridge": {bridge: {"old": {"ports": row["ports"]}, "new": row | {"ports": ports}}},
            }
        )
        until(lambda: any(s.system_id == "good" and s.interfaces for s in watched.told), "the good one is served")
        assert [f.system_id for f in watched.server.hypervisors()] == ["good"]
    assert "Traceback" not in capfd.readouterr().err


GARBAGE = {
    "http": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "openflow hello": bytes.fromhex("04000010000000130001000000000010"),
    "zeros": b"\0" * 65536,
    "not a message": b"{}",
    "a member too many": b'{"method":"echo","params":[],"id":1,"x":1}',
    "params no array": b'{"method":"echo","params":{},"id":1}',
    "method no text": b'{"method":7,"params":[],"id":1}',
    "unbalanced": b'{"a":]}',
    "not utf-8": b'{"method":"\xff\xfe","params":[],"id":1}',
    "lone surrogate": b'{"method":"\\ud800","params":[],"id":1}',
    "deep": b'{"id":' + b"[" * 100_000,
    "an update of nothing": b'{"method":"update","params":["tenet",[]],"id":null}',
    "a nameless table": b'{"method":"update","params":["tenet",{"":{}}],"id":null}',
    "nothing at all": b"",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_ends_its_own_connection(watched, good, name):
    with connected(watched.port) as sock:
        sock.sendall(GARBAGE[name])
        if not GARBAGE[name]:
            sock.shutdown(1)
        assert ended(sock)


def test_a_message_without_end_ends_its_own_connection(watched, good):
    with connected(watched.port) as sock:
        with pytest.raises(ConnectionError):
            for _ in range(1000):
                sock.sendall(b'{"a":"' + b"x" * 65536)
        assert ended(sock)


def test_random_bytes_and_random_changes_of_good_ones(watched, good):
    chance = random.Random(1)
    reply = {"id": 1, "error": None, "result": everything(right_database(watched, "other"))}
    text = bytearray(json.dumps(reply).encode())
    for _ in range(40):
        broken = bytearray(text)
        for _ in range(chance.randrange(1, 6)):
            broken[chance.randrange(len(broken))] = chance.choice(b'{}[]",:0a\xff')
        with connected(watched.port) as sock:
            sock.sendall(os.urandom(50) if chance.random() < 0.2 else broken)
            sock.shutdown(1)
            assert ended(sock)


@pytest.mark.parametrize("result", [None, [], 7, {"Port": {UUID: {"new": {}}}}, {}])
def test_a_monitor_reply_that_is_none(watched, good, result):
    db = right_database(watched, "other")
    with connected(watched.port) as sock, Peer(sock, db) as peer:
        peer.unmonitored = True
        request = _next_request(watched)
        peer.send({"id": request, "result": result, "error": None if result is not None else "unknown table Bridge"})
        assert peer.ended()


def _next_request(watched: Watched) -> int:
    """The id of the newest request of the server: they are numbered."""
    from ovs.jsonrpc import Message

    hub.sleep(0.2)
    return Message._next_id - 1


def test_a_database_without_the_tables_is_named_in_the_log(watched, good):
    with connected(watched.port) as sock, Peer(sock, Database()) as peer:
        peer.unmonitored = True
        peer.send({"id": _next_request(watched), "result": None, "error": {"error": "unknown table", "details": "Foo"}})
        assert peer.ended()
    until(lambda: watched.logged("unknown table"), "the reason is logged")


def test_a_peer_that_never_answers(watched, good, monkeypatch):
    monkeypatch.setattr("controller.ovsdb.hypervisor.ANSWER_LIMIT", 0.5)
    with connected(watched.port) as sock:
        assert ended(sock, 60)
    until(lambda: watched.logged("no answer to transact"), "the reason is logged")


def test_a_peer_that_never_tells_its_database(watched, good, monkeypatch):
    monkeypatch.setattr("controller.ovsdb.hypervisor.HANDSHAKE_LIMIT", 0.5)
    with connected(watched.port) as sock, Peer(sock, right_database(watched, "other")) as peer:
        peer.unmonitored = True
        assert peer.ended(60)
    until(lambda: watched.logged("no answer to monitor"), "the reason is logged")


@pytest.mark.parametrize("answer", [None, [], [{}], [{"rows": []}], [{"rows": [{}, {}]}], [{"rows": [{"_uuid": 1}]}],
                                    [{"rows": [{"_uuid": ["uuid", "x"], "external_ids": ["map", []]}]}],
                                    [{"rows": [{"_uuid": ["uuid", UUID], "external_ids": 7}]}]])  # fmt: skip
def test_an_identity_that_is_none(watched, good, answer):
    with connected(watched.port) as sock, Peer(sock, Database()) as peer:
        peer.silent = True
        peer.send({"id": _next_request(watched), "result": answer, "error": None})
        assert peer.ended()
    assert len(watched.server.hypervisors()) == 1


def test_before_it_is_admitted_a_peer_sends_a_megabyte_at_most(watched, good):
    with connected(watched.port) as sock, Peer(sock, Database()) as peer:
        peer.silent = True
        hub.sleep(0.2)
        with contextlib.suppress(ConnectionError):
            peer.send({"id": 7, "result": ["x" * (2 << 20)], "error": None})
        assert peer.ended()
    until(lambda: watched.logged("message of more than 1048576 bytes"), "the reason is logged")


def test_a_peer_that_dies_is_noticed_by_its_silence(watched, good, monkeypatch):
    monkeypatch.setattr("controller.ovsdb.rpc.PROBE_INTERVAL", 1000)
    with connected(watched.port) as sock, Peer(sock, right_database(watched, "other")) as peer:
        until(lambda: len(watched.server.hypervisors()) == 2, "it is in")
        hub.sleep(2.5)
        assert len(watched.server.hypervisors()) == 2  # it answers echoes, so it stays
        peer.silent = True
        until(lambda: len(watched.server.hypervisors()) == 1, "its silence is noticed")
        assert peer.ended()


def test_echo_and_unknown_requests_are_answered(watched):
    with connected(watched.port) as sock:
        sock.sendall(b'{"method":"echo","params":["a"],"id":"x"}{"method":"steal","params":[],"id":"y"}')
        text = b""
        with hub.Timeout(60):
            while b"unknown method" not in text:
                text += sock.recv(65536)
        assert b'"result":["a"]' in text
        assert b'"id":"x"' in text


@pytest.mark.parametrize(
    "updates", [{"Flow": {}}, {"Port": {UUID: {"new": {"name": 7}}}}, {"Open_vSwitch": {UUID: 1}}, "root gone"]
)
def test_a_bad_update_ends_the_connection(watched, good, updates):
    db = right_database(watched, "other")
    with connected(watched.port) as sock, Peer(sock, db) as peer:
        until(lambda: len(watched.server.hypervisors()) == 2, "it is in")
        peer.notify({"Open_vSwitch": {db.root: {"old": {}}}} if updates == "root gone" else updates)
        assert peer.ended()
    until(lambda: len(watched.server.hypervisors()) == 1, "it is out")


def test_a_refused_transaction_is_retried_ever_more_slowly(watched, good):
    db = Database(**{**IDS, "system-id": "other"})
    with connected(watched.port) as sock, Peer(sock, db) as peer:
        peer.refuse = {"error": "constraint violation", "details": "because"}
        until(lambda: len(watched.logged("constraint violation: because")) >= 3, "it is tried again")
        assert len(watched.server.hypervisors()) == 2
        count = peer.transactions
        hub.sleep(1.5)
        assert count <= peer.transactions <= count + 3


def test_a_peer_that_says_yes_and_changes_nothing_is_not_fought_with(watched, good):
    with (
        connected(watched.port) as sock,
        Peer(sock, Database(**{**IDS, "system-id": "other"})) as peer,
    ):
        until(lambda: peer.transactions, "it is asked")
        hub.sleep(1.5)
        assert 2 <= peer.transactions <= 6


def test_the_second_takes_over_from_a_first_that_is_dead(watched, good, monkeypatch):
    monkeypatch.setattr("controller.ovsdb.hypervisor.PROOF_LIMIT", 0.3)
    twin = right_database(watched, "twin")
    with connected(watched.port) as first, Peer(first, twin) as peer, connected(watched.port) as second:
        until(lambda: len(watched.server.hypervisors()) == 2, "the first is in")
        peer.silent = True
        with Peer(second, twin) as successor:
            assert peer.ended()
            until(lambda: len(watched.server.hypervisors()) == 2, "the second is in")
            assert not successor.ended(0.5)


def test_a_peer_that_does_not_read(watched, good, monkeypatch):
    monkeypatch.setattr("controller.ovsdb.rpc.SEND_LIMIT", 0.5)
    with connected(watched.port) as sock, hub.Timeout(20):
        ask = b'{"method":"echo","params":["' + b"x" * 60000 + b'"],"id":1}'
        with pytest.raises(ConnectionError):
            while True:
                sock.sendall(ask)
    until(lambda: watched.logged("nothing read for 0.5 s"), "the reason is logged")


def test_strangers_are_bounded(watched, good, monkeypatch):
    monkeypatch.setattr(watched.server._listener, "_strangers", 5)
    socks = []
    try:
        for _ in range(7):
            context = connected(watched.port)
            socks.append((context, context.__enter__()))
            hub.sleep(0.02)
        assert [ended(sock, 0.3) for _, sock in socks] == [False] * 5 + [True] * 2
    finally:
        for context, _ in socks:
            context.__exit__(None, None, None)
    until(lambda: len(watched.server._listener._threads) == 1, "the strangers are gone")


def test_an_observer_that_waits_holds_up_nobody(tmp_path):
    from controller.ovsdb.server import serve

    gate = hub.Signal()
    server = serve(("127.0.0.1", 0), lambda seen: gate.wait(20), controller_port=6653)
    try:
        db = Database(**IDS)
        put_right(db, ("tcp:127.0.0.1:6653",))
        with connected(server.address[1]) as sock, Peer(sock, db):
            until(server.hypervisors, "it is in")
            [hypervisor] = server._admitted.values()
            assert hypervisor.answers()  # its reading thread goes on while the observer waits
    finally:
        gate.set()
        server.close()
