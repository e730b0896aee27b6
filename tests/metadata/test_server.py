"""Bounds of a metadata server, over real sockets in a namespace where its addresses are local."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from apps.services.identity import PREFIX, RANGE4, Asker, address4, address6, tcp_port
from controller.metadata.server import MOST_OF_ONE, MOST_REQUESTS, TO_ASK
from tests.lab.netns import inside, ip, socket_in

ME = Asker(4097, 300)  # a number with bits in the TCP port


class Place:
    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    def connect(self, asker: Asker = ME, version: int = 4, service: int = 80) -> socket.socket:
        family, address = (socket.AF_INET, address4(asker)) if version == 4 else (socket.AF_INET6, address6(asker))
        made = socket_in(self.namespace, family, socket.SOCK_STREAM)
        made.settimeout(30.0)
        made.connect((address, tcp_port(service, asker.number, version)))
        return made

    def ask(self, path: str, asker: Asker = ME, version: int = 4) -> bytes:
        with contextlib.closing(self.connect(asker, version)) as sock:
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            return whole(sock)


def whole(sock: socket.socket) -> bytes:
    """All that comes until the other side ends the connection."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while part := sock.recv(65536):
            found += part
    return found


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    namespace = f"tmd{os.getpid()}"
    ip([f"netns add {namespace}"])
    try:
        ip(["link set lo up", f"route add local {RANGE4} dev lo", f"addr add {PREFIX}/128 dev lo",
            f"route add local {PREFIX}/64 dev lo"], namespace)  # fmt: skip
        argv = inside(namespace, [sys.executable, "-m", "tests.metadata.serving"])
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            try:
                yield Place(namespace)
            finally:
                process.kill()
    finally:
        ip([f"netns del {namespace}"])


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("asker", [ME, Asker(1, 65_535)])
def test_who_asks_is_read_from_the_address(place: Place, version: int, asker: Asker) -> None:
    assert place.ask("/a", asker, version).split(b"\r\n\r\n")[1].startswith(f"{asker.number} {asker.key} /a".encode())


def test_one_connection_serves_several_requests_and_not_endlessly_many(place: Place) -> None:
    with contextlib.closing(place.connect()) as sock:
        sock.sendall(b"GET /a HTTP/1.1\r\n\r\n" * (MOST_REQUESTS + 5))
        assert whole(sock).count(b"HTTP/1.1 200") == MOST_REQUESTS


def test_a_connection_is_for_the_port_that_was_found_first(place: Place) -> None:
    """The logical port's key was used again for another port: it hears nothing on the former one's connection."""
    with contextlib.closing(place.connect()) as sock:
        sock.sendall(b"GET /port/a HTTP/1.1\r\n\r\nGET /port/a HTTP/1.1\r\n\r\nGET /port/b HTTP/1.1\r\n\r\n")
        said = whole(sock)
    assert said.count(b"/port/a") == 2 and b"/port/b" not in said


def test_one_port_has_so_many_connections_and_others_still_get_theirs(place: Place) -> None:
    held = [place.connect() for _ in range(MOST_OF_ONE)]
    try:
        deadline = time.monotonic() + 10
        while place.ask("/a").startswith(b"HTTP/1.1 200"):  # until all are accepted
            assert time.monotonic() < deadline
        assert place.ask("/a", Asker(4097, 301)).startswith(b"HTTP/1.1 200")
    finally:
        for sock in held:
            sock.close()
    deadline = time.monotonic() + 10
    while not place.ask("/a").startswith(b"HTTP/1.1 200"):
        assert time.monotonic() < deadline


def test_who_sends_slowly_is_cut_off(place: Place) -> None:
    """One byte at a time does not prolong it."""
    with contextlib.closing(place.connect()) as sock:
        sock.settimeout(0.2)
        began, said = time.monotonic(), b"GET /a HTTP/1.1\r\n" + b"A: b\r\n" * 1000
        ended = False
        for at in range(len(said)):
            try:
                sock.sendall(said[at : at + 1])
                ended = sock.recv(1) == b""
            except TimeoutError:
                continue
            except OSError:
                ended = True
            if ended:
                break
        assert ended and time.monotonic() - began < 3 * TO_ASK


def test_huge_requests_are_refused(place: Place) -> None:
    with contextlib.closing(place.connect()) as sock:
        with contextlib.suppress(OSError):
            sock.sendall(b"GET /" + b"a" * 100_000)
        assert whole(sock)[:12] in (b"HTTP/1.1 431", b"")
    assert place.ask("/a").startswith(b"HTTP/1.1 200")


def test_a_slow_answer_keeps_nobody_waiting(place: Place) -> None:
    with contextlib.closing(place.connect()) as slow:
        slow.sendall(b"GET /slow HTTP/1.1\r\nConnection: close\r\n\r\n")
        place.ask("/a")
        slow.setblocking(False)
        with pytest.raises(BlockingIOError):
            slow.recv(1)
        slow.setblocking(True)
        assert whole(slow).startswith(b"HTTP/1.1 200")


def test_other_addresses_are_not_served(place: Place) -> None:
    with contextlib.closing(socket_in(place.namespace, socket.AF_INET, socket.SOCK_STREAM)) as sock:
        sock.settimeout(10)
        sock.connect(("127.0.0.1", tcp_port(80, 1, 4)))
        sock.sendall(b"GET /a HTTP/1.1\r\n\r\n")
        assert whole(sock) == b""


def test_dns_messages_go_behind_their_lengths(place: Place) -> None:
    with contextlib.closing(place.connect(service=53)) as sock:
        sock.sendall(b"\x00\x03abc\x00")
        sock.sendall(b"\x02de")
        sock.shutdown(socket.SHUT_WR)
        assert whole(sock) == b"\x00\x03cba\x00\x02ed"
