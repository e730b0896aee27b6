"""Upstream resolvers: a real dnsmasq, and peers that do not answer, or answer what nobody asked."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.flags
import dns.message
import pytest

from controller.services import upstream
from controller.services.upstream import Upstream, answers, passed_on
from tests.services.dns_site import question

Server = tuple[str, int]


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def dnsmasq(tmp_path: Path) -> Iterator[Server]:
    """Serves www.test, and many.test with more addresses than UDP carries."""
    assert shutil.which("dnsmasq"), "dnsmasq-base is needed"
    port = free_port()
    hosts = tmp_path / "hosts"
    lines = ["192.0.2.80 www.test"] + [f"198.51.100.{number} many.test" for number in range(200)]
    hosts.write_text("\n".join(lines) + "\n")
    argv = ["dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", f"--addn-hosts={hosts}", f"--port={port}",
            "--listen-address=127.0.0.1", "--bind-interfaces", "--pid-file", "--conf-file=/dev/null",
            "--user="]  # fmt: skip
    process = subprocess.Popen(argv)
    try:
        end = time.monotonic() + 20
        while not _serves(port):
            assert process.poll() is None and time.monotonic() < end, "dnsmasq does not serve"
            time.sleep(0.05)
        yield "127.0.0.1", port
    finally:
        process.terminate()
        process.wait(10)


def _serves(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def peer(reply: Callable[[bytes], list[bytes]]) -> Iterator[Server]:
    """A server that answers each datagram with these."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            data, where = sock.recvfrom(65_535)
            if not data:
                return
            for each in reply(data):
                sock.sendto(each, where)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield sock.getsockname()
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", sock.getsockname())
        thread.join()
        sock.close()


def made(*servers: Server) -> tuple[Upstream, Counter[str]]:
    seen: Counter[str] = Counter()
    return Upstream(servers, lambda outcome: seen.update([outcome])), seen


def right(wire: bytes) -> bytes:
    answer = dns.message.make_response(dns.message.from_wire(wire))
    return answer.to_wire()


def test_a_real_server_answers(dnsmasq: Server) -> None:
    resolvers, seen = made(dnsmasq)
    found = resolvers.ask(question("www.test.", payload=1232))
    assert found is not None
    assert [each.to_text() for each in dns.message.from_wire(found).answer[0]] == ["192.0.2.80"]
    assert seen == {"answered": 1}


def test_what_does_not_fit_into_udp_comes_over_tcp_where_it_may(dnsmasq: Server) -> None:
    resolvers, _ = made(dnsmasq)
    short, whole = (resolvers.ask(question("many.test."), whole=each) for each in (False, True))
    assert short is not None and dns.message.from_wire(short).flags & dns.flags.TC
    assert whole is not None and len(dns.message.from_wire(whole).answer[0]) == 200


def test_ids_and_source_ports_differ_from_question_to_question() -> None:
    ids, ports = set(), set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        resolvers, _ = made(server.getsockname())
        for _ in range(8):
            answering = threading.Thread(target=lambda: _once(server, ids, ports))
            answering.start()
            assert resolvers.ask(question("www.test.")) is not None
            answering.join()
    assert len(ids) > 6 and len(ports) > 4


def _once(server: socket.socket, ids: set[bytes], ports: set[int]) -> None:
    data, where = server.recvfrom(512)
    ids.add(data[:2])
    ports.add(where[1])
    server.sendto(right(data), where)


def test_the_next_server_is_asked_when_one_does_not_answer_and_first_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(upstream, "PATIENCE", 0.2)
    with peer(lambda wire: []) as silent, peer(lambda wire: [right(wire)]) as good:
        resolvers, seen = made(silent, ("127.0.0.1", free_port()), good)
        assert resolvers.ask(question("www.test.")) is not None
        assert seen == {"timeout": 1, "unreachable": 1, "answered": 1}
        assert resolvers.ask(question("www.test.")) is not None
        assert seen["timeout"] == 1


def test_no_answer_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "PATIENCE", 0.1)
    with peer(lambda wire: []) as silent:
        resolvers, seen = made(silent)
        assert resolvers.ask(question("www.test.")) is None
        assert seen == {"timeout": 2}
    assert made()[0].ask(question("www.test.")) is None


def test_what_nobody_asked_is_passed_over() -> None:
    other = question("wwv.test.")

    def forged(wire: bytes) -> list[bytes]:
        wrong_id = bytes([wire[0] ^ 1]) + right(wire)[1:]
        return [b"", b"\0" * 11, wrong_id, right(wire[:2] + other[2:]), wire, right(wire)]

    with peer(forged) as server:
        resolvers, seen = made(server)
        assert resolvers.ask(question("www.test.")) is not None
    assert seen == {"unasked": 5, "answered": 1}


def test_an_answer_is_to_the_same_question() -> None:
    asked = question("www.test.")
    assert answers(asked, right(asked))
    assert answers(asked, right(asked).replace(b"www", b"wWw"))
    for other in (question("www.test.", "AAAA"), question("wwv.test."), question("ww.test."), question("www.test.x.")):
        assert not answers(asked, right(asked[:2] + other[2:]))


def test_what_is_passed_on_has_the_askers_id_and_fits() -> None:
    asked = question("www.test.")
    found = b"\xab\xcd" + right(asked)[2:] + bytes(600)
    assert passed_on(asked, found, 2000) == asked[:2] + found[2:]
    short = dns.message.from_wire(passed_on(asked, found, 512))
    assert short.flags & dns.flags.TC and short.question == dns.message.from_wire(asked).question
    assert short.id == dns.message.from_wire(asked).id
