"""Hostile and broken peers: each loses its own connection at most, while a switch beside it goes on."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import ssl
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.openflow import framework, wire
from controller.runtime import hub
from controller.runtime.errors import Misconfigured
from tests.openflow.conftest import Bench
from tests.openflow.flows import Heard, flow, until
from tests.simswitch import SimSwitch

HELLO = wire.message(wire.HELLO, 1, bytes.fromhex("0001000800000010"))
FEATURES = wire.message(wire.FEATURES_REPLY, 2, struct.pack("!QIBBxxII", 66, 0, 254, 0, 0x4F, 0))
PORTS = wire.message(wire.MULTIPART_REPLY, 3, struct.pack("!HH4x", wire.PORT_DESC, 0))
GREETED = HELLO + FEATURES + PORTS


def bundle_error(data: bytes) -> bytes:
    return wire.message(wire.ERROR, 9, data)


HOSTILE = {
    "hello element of length 0": bytes.fromhex("04000010000000130001000000000010"),
    "message of length 0": bytes.fromhex("0400000000000001"),
    "message of length 7": HELLO + bytes.fromhex("0402000700000001"),
    "garbage": random.Random(4711).randbytes(5000),
    "hello of OpenFlow 1.0": bytes.fromhex("0100000800000001"),
    "hello of OpenFlow 1.4 alone": wire.message(wire.HELLO, 1, bytes.fromhex("0001000800000020")),
    "64 KB hello of zeros": struct.pack("!BBHI", 4, 0, 65535, 1) + bytes(65527),
    "features before hello": FEATURES,
    "other version after hello": HELLO + b"\1" + FEATURES[1:],
    "short features": HELLO + wire.message(wire.FEATURES_REPLY, 2, bytes(8)),
    "features twice": HELLO + FEATURES + FEATURES,
    "port descriptions cut off": HELLO + FEATURES + wire.message(wire.MULTIPART_REPLY, 3, PORTS[8:] + bytes(63)),
    "multipart cut off": GREETED + wire.message(wire.MULTIPART_REPLY, 3, b"\0\1"),
    "short port status": GREETED + wire.message(wire.PORT_STATUS, 0, bytes(8)),
    "short error": GREETED + wire.message(wire.ERROR, 9, b"\0\2"),
    "short experimenter error": GREETED + wire.message(wire.ERROR, 9, b"\xff\xff\0\0"),
    "short packet-in": GREETED + wire.message(wire.PACKET_IN, 0, bytes(20)),
    "packet-in whose match lies": GREETED + wire.message(wire.PACKET_IN, 0, bytes(16) + b"\0\1\xff\xff" + bytes(40)),
    "64 KB packet-in of ones": GREETED + struct.pack("!BBHI", 4, 10, 65535, 1) + b"\xff" * 65527,
    "flow update of length 0": GREETED
    + wire.message(wire.MULTIPART_REPLY, 0, bytes.fromhex("ffff0000000000004f4e46000000074e0000000000000000")),
    "no handshake": b"",
    "half a header": b"\4\0\0",
    "hello and no more": HELLO,
    "hello, features and no more": HELLO + FEATURES,
    "ports without end": HELLO
    + FEATURES
    + b"".join(
        wire.message(
            wire.MULTIPART_REPLY,
            3,
            struct.pack("!HH4x", wire.PORT_DESC, 1)
            + b"".join(struct.pack("!I60x", number) for number in range(start, start + 1000)),
        )
        for start in range(0, 70_000, 1000)
    ),
}

ENDS = {
    "hello element of length 0": "it sent a hello element of length 0",
    "message of length 0": "it sent a message of length 0",
    "message of length 7": "it sent a message of length 7",
    "garbage": "no complete handshake",
    "hello of OpenFlow 1.0": "no common OpenFlow version",
    "hello of OpenFlow 1.4 alone": "no common OpenFlow version",
    "64 KB hello of zeros": "it sent a hello element of length 0",
    "features before hello": "message type 6 before a HELLO",
    "other version after hello": "OpenFlow version 0x1",
    "short features": "a features reply of 16 bytes",
    "features twice": "a second features reply",
    "port descriptions cut off": "port descriptions of 79 bytes",
    "multipart cut off": "a multipart reply that is cut off",
    "short port status": "a port status of 16 bytes",
    "short error": "an error that is cut off",
    "short experimenter error": "an experimenter error that is cut off",
    "short packet-in": "a packet-in that is cut off",
    "packet-in whose match lies": "a packet-in whose match does not fit",
    "64 KB packet-in of ones": "a packet-in whose match does not fit",
    "flow update of length 0": "a flow update of length 0",
    "no handshake": "no complete handshake",
    "half a header": "no complete handshake",
    "hello and no more": "no complete handshake",
    "hello, features and no more": "no complete handshake",
    "ports without end": "more than 16384 ports",
}

HARMLESS = {
    "error that shows no message": GREETED + bundle_error(b"\0\2\0\4"),
    "error with 4 bytes": GREETED + bundle_error(b"\0\2\0\4" + bytes(4)),
    "unasked flows": GREETED
    + wire.message(wire.MULTIPART_REPLY, 9, struct.pack("!HH4x", wire.FLOW_STATS, 0) + b"\xff" * 99),
    "unasked barrier reply": GREETED + wire.message(wire.BARRIER_REPLY, 1),
    "unknown type": GREETED + wire.message(99, 1, b"what"),
    "unknown experimenter": GREETED + wire.message(wire.EXPERIMENTER, 1, b"what"),
    "monitor paused and resumed unasked": GREETED
    + b"".join(wire.message(wire.EXPERIMENTER, 0, bytes.fromhex(f"4f4e4600000007{kind}")) for kind in ("4f", "50")),
    "64 KB echo": GREETED + struct.pack("!BBHI", 4, 2, 65535, 1) + bytes(65527),
    "port status of an unknown reason": GREETED + wire.message(wire.PORT_STATUS, 0, b"\x09" + bytes(71)),
}


def closed(sock: socket.socket, timeout: float = 60.0) -> bool:
    """Read until the controller ends the connection; False when it does not."""
    try:
        with hub.Timeout(timeout):
            while sock.recv(65536):
                pass
    except hub.Timeout:
        return False
    except ConnectionError:
        pass
    return True


def still_works(bench: Bench) -> None:
    peer = bench.heard.sessions[1]
    assert flow(7).cookie in peer.held().right
    assert ("disconnected", 1) not in bench.heard.log


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_peer_loses_its_own_connection(bench: Bench, name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "tenet.openflow")
    if name == "ports without end":
        bench.server.handshake_timeout = 60.0
    bench.switch()[1].apply([flow(7).add], [])
    sock = hub.connect(bench.server.address)
    here = "{}:{}".format(*sock.getsockname())
    with contextlib.suppress(ConnectionError):  # it may be closed before all is sent
        sock.sendall(HOSTILE[name])
    assert closed(sock)
    sock.close()
    still_works(bench)
    ends = [each.getMessage() for each in caplog.records if f"connection from {here} closed" in each.getMessage()]
    assert len(ends) == 1 and ENDS[name] in ends[0], ends
    assert not [each for each in caplog.records if each.exc_info]


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_only_odd_is_ignored(bench: Bench, name: str) -> None:
    bench.switch()[1].apply([flow(7).add], [])
    sock = hub.connect(bench.server.address)
    sock.sendall(HARMLESS[name] + wire.message(wire.ECHO_REQUEST, 0x5EED, b"alive"))
    wanted, got = wire.message(wire.ECHO_REPLY, 0x5EED, b"alive"), b""
    with hub.Timeout(60):
        while wanted not in got:
            part = sock.recv(65536)
            assert part, "closed"
            got += part
    sock.close()
    until(lambda: ("disconnected", 66) in bench.heard.log)
    still_works(bench)


def test_a_dump_that_is_cut_off_closes_its_connection(bench: Bench) -> None:
    bench.switch()[1].apply([flow(7).add], [])
    bad, peer = bench.switch(2)
    bad._dump = lambda: [b"\0\x40" + bytes(30)]  # type: ignore[method-assign]
    with pytest.raises(Exception, match="disconnected"):
        peer.held()
    until(lambda: ("disconnected", 2) in bench.heard.log)
    still_works(bench)


def test_hello_failed_says_why(bench: Bench) -> None:
    sock = hub.connect(bench.server.address)
    sock.sendall(HOSTILE["hello of OpenFlow 1.0"])
    got = b""
    with hub.Timeout(60):
        while part := sock.recv(65536):
            got += part
    sock.close()
    error = got[8:]  # after our HELLO
    assert error[1] == wire.ERROR and error[8:12] == bytes(4) and b"version" in error


def test_a_switch_that_stops_answering_echoes_is_closed(bench: Bench) -> None:
    bench.switch()[1].apply([flow(7).add], [])
    dead, _ = bench.switch(2)
    dead.mute = True
    until(lambda: ("disconnected", 2) in bench.heard.log)
    still_works(bench)


def test_a_switch_that_was_cut_off_need_not_wait_for_its_old_connection_to_be_given_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(framework, "_PROOF", 1.0)
    bench.server.echo_interval = 60.0
    silent, before = bench.switch()
    silent.mute = True
    after = SimSwitch(1, bench.server.address).connect()
    bench.switches.append(after)
    until(lambda: bench.heard.sessions.get(1) not in (None, before))
    assert before.closed
    assert not bench.heard.sessions[1].closed


def test_why_a_peer_is_refused_is_not_forgotten_over_what_it_sends_meanwhile(bench: Bench) -> None:
    """Open vSwitch in OpenFlow 1.0 sends its port statuses before it has read that this is no use."""
    hello = b"\1\0\0\x08\0\0\0\1"
    with hub.connect(bench.server.address) as sock:
        sock.sendall(hello + b"\1\x0c\0\x08\0\0\0\2")
        while sock.recv(4096):
            pass
    until(lambda: bench.heard.refusals)
    assert [why for _, why, _ in bench.heard.refusals] == ["no common OpenFlow version"]


def test_who_only_looks_is_not_refused(bench: Bench) -> None:
    hub.connect(bench.server.address).close()
    with hub.connect(bench.server.address) as sock:
        assert sock.recv(64)
    hub.sleep(0.1)
    assert not bench.heard.refusals


def test_what_a_new_peer_is_told_first_is_text_that_mininet_gets_over(bench: Bench) -> None:
    """It looks with telnet whether a controller is there; 1 and 127 are marks of its own in what a shell prints."""
    for _ in range(20):  # a number drawn at random has a byte above 127 in fifteen of sixteen
        sock = hub.connect(bench.server.address)
        with sock:
            assert not {"\x01", "\x7f"}.intersection(sock.recv(64).decode())


def test_the_second_switch_of_one_datapath_id_is_refused(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "tenet.openflow")
    bench.switch()[1].apply([flow(7).add], [])
    second = SimSwitch(1, bench.server.address).connect()
    until(lambda: not second.connected)
    assert "datapath 0000000000000001 is already connected" in caplog.text
    until(lambda: bench.heard.refusals)
    assert [duplicate for _, _, duplicate in bench.heard.refusals] == [True]
    assert bench.heard.log == [("connected", 1)]
    still_works(bench)
    bench.switches[0].drop()
    until(lambda: ("disconnected", 1) in bench.heard.log)
    second.connect()
    until(lambda: bench.heard.log.count(("connected", 1)) == 2)
    second.drop()


def test_a_peer_that_reads_nothing_is_given_up(bench: Bench) -> None:
    bench.switch()[1].apply([flow(7).add], [])
    sock = hub.connect(bench.server.address)
    sock.sendall(GREETED)
    echo = struct.pack("!BBHI", 4, 2, 65535, 1) + bytes(65527)
    with pytest.raises(ConnectionError), hub.Timeout(60):
        while True:
            sock.sendall(echo)
    sock.close()
    still_works(bench)


def test_random_bytes_in_every_place(bench: Bench) -> None:
    """Whole handshakes and messages with bytes of them changed: nothing reaches the switch beside them."""
    bench.switch()[1].apply([flow(7).add], [])
    dice = random.Random(42)
    good = GREETED + HARMLESS["port status of an unknown reason"][len(GREETED) :] + flow(1).add
    for _ in range(150):
        changed = bytearray(good)
        for _ in range(dice.randint(1, 6)):
            changed[dice.randrange(len(changed))] = dice.randrange(256)
        sock = hub.connect(bench.server.address)
        try:
            sock.sendall(changed)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it was closed already
        assert closed(sock)
        sock.close()
    still_works(bench)


def test_strangers_are_let_in_so_many_at_a_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Switches do not count; when strangers have said who they are, or have been given up, others may come."""
    assert bench.server._listener is not None
    monkeypatch.setattr(bench.server._listener, "_strangers", 3)
    for dpid in range(1, 6):
        bench.switch(dpid)
    silent = [hub.connect(bench.server.address) for _ in range(3)]
    assert all(sock.recv(64) for sock in silent)
    for _ in range(4):
        with hub.connect(bench.server.address) as sock:
            assert sock.recv(64) == b""
    until(lambda: len(bench.heard.refusals) == 4)
    assert caplog.text.count("have not been admitted yet") == 1, "and few are logged"
    for sock in silent:
        assert closed(sock)
        sock.close()
    threads = bench.server._listener._threads
    until(lambda: len(threads) == 5)
    bench.switch(6)
    assert bench.heard.log == [("connected", dpid) for dpid in range(1, 7)]


def test_a_port_in_use_is_said_in_one_line(bench: Bench) -> None:
    with pytest.raises(Misconfigured) as caught:
        framework.serve(bench.server.address, Heard())
    assert "in use" in str(caught.value) and "\n" not in str(caught.value)


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate that vouches for itself, in one file."""
    place = tmp_path_factory.mktemp("tls") / "both.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=tenet"
    subprocess.run([*command.split(), "-keyout", place, "-out", f"{place}.crt"], check=True, capture_output=True)
    with place.open("ab") as out:
        out.write(Path(f"{place}.crt").read_bytes())
    return place


@pytest.fixture
def secured(certificate: Path) -> Iterator[Bench]:
    heard = Heard()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.load_verify_locations(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    server = framework.serve(("127.0.0.1", 0), heard, tls=context, echo_interval=0.5, handshake_timeout=2.0)
    yield Bench(server, heard, [])
    server.close()


def talk_tls(address: tuple[str, int], certificate: Path, present: bool) -> bytes:
    """Connect with OpenSSL's client, greet, and return what the controller sent."""
    own: list[str | Path] = ["-cert", certificate, "-key", certificate] if present else []
    command = ["openssl", "s_client", "-quiet", "-connect", "{}:{}".format(*address), "-CAfile", certificate, *own]
    reading, writing = os.pipe()
    os.write(writing, GREETED)
    client = subprocess.Popen(command, stdin=reading, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    os.close(reading)
    try:
        until(lambda: client.poll() is not None)  # the echo requests stay unanswered
    finally:
        client.kill()
        os.close(writing)
    return client.communicate()[0]


def test_tls_with_a_certificate_and_without(secured: Bench, certificate: Path) -> None:
    stalled = hub.connect(secured.server.address)  # says nothing, and holds up nobody
    assert talk_tls(secured.server.address, certificate, present=True)[:2] == b"\4\0"
    until(lambda: secured.heard.log == [("connected", 66), ("disconnected", 66)])
    assert talk_tls(secured.server.address, certificate, present=False) == b""
    assert closed(stalled)
    stalled.close()
    plain = hub.connect(secured.server.address)
    plain.sendall(GREETED)
    assert closed(plain)
    plain.close()
    assert secured.heard.log == [("connected", 66), ("disconnected", 66)]
