"""Clients that take their time, with limits short enough for a test: each is bounded, and none holds up another."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from controller.runtime import hub
from northbound import body
from northbound.wire import connections, protocol, server, writer

from .conftest import Api

POST = b"POST /v2.0/networks HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
GET = b"GET /v2.0/networks HTTP/1.1\r\nHost: a\r\n\r\n"
ENOUGH = 20.0  # seconds, when the limits are a fraction of one
Serve = Callable[..., "Site"]


class Site:
    def __init__(self, address: tuple[str, int], there: connections.Connections) -> None:
        self.address = address
        self.there = there

    def dial(self) -> Any:
        client = hub.connect(self.address)
        client.settimeout(ENOUGH)
        return client

    def ask(self, sent: bytes) -> bytes:
        with contextlib.closing(self.dial()) as client:
            client.sendall(sent)
            return rest(client)

    def wait_until(self, held: Callable[[connections.Connections], bool]) -> None:
        until = time.monotonic() + ENOUGH
        while not held(self.there):
            assert time.monotonic() < until
            hub.sleep(0.01)


def rest(client: Any) -> bytes:
    """All that comes until the server closes."""
    said = b""
    with contextlib.suppress(ConnectionError):
        while some := client.recv(65536):
            said += some
    return said


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Serve a WSGI application as Tenet does, but that clients have half a second for everything."""
    started: list[tuple[Any, Any]] = []
    made: list[connections.Connections] = []

    def make(most: int, most_of_one: int) -> connections.Connections:
        made.append(connections.Connections(most, most_of_one))
        return made[-1]

    monkeypatch.setattr(server, "Connections", make)
    for module, name in ((protocol, "IDLE"), (protocol, "HEAD"), (protocol, "LINGER"), (body, "PATIENCE"),
                         (writer, "PATIENCE"), (writer, "HURRY")):  # fmt: skip
        monkeypatch.setattr(module, name, 0.5)
    monkeypatch.setattr(writer, "SLOWEST", 2**40)

    def start(application: Any, *most_of_one: int) -> Site:
        listener = hub.listen(("127.0.0.1", 0))
        started.append((hub.spawn(server.serve, listener, application, *most_of_one), listener))
        hub.sleep(0)
        return Site(listener.getsockname(), made[-1])

    yield start
    for thread, listener in started:
        hub.kill(thread)
        listener.close()


@pytest.mark.parametrize("part", [b"", b"G", b"GET / HTTP/1.1\r\nHost:", POST % 9 + b"{"])
def test_whoever_stops_in_the_middle_is_closed(api: Api, serve: Serve, part: bytes) -> None:
    site = serve(api.app)
    before = api.everything()
    answer = site.ask(part)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")
    site.wait_until(lambda there: len(there) == 0)
    assert api.everything() == before


@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\nX: ", POST % 1000])
def test_trickling_does_not_help(api: Api, serve: Serve, start: bytes) -> None:
    """Each byte comes in time, and the whole does not."""
    site = serve(api.app)
    with contextlib.closing(site.dial()) as client, contextlib.suppress(ConnectionError):
        client.sendall(start)
        for _ in range(1000):
            client.sendall(b"a")
            hub.sleep(0.05)
            if len(site.there) == 0:
                break
    site.wait_until(lambda there: len(there) == 0)


def test_a_client_that_does_not_read_is_closed(serve: Serve) -> None:
    def large(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", str(2**26))])
        return [b"a" * 2**26]

    site = serve(large)
    clients = [site.dial() for _ in range(5)]
    for client in clients:
        client.sendall(GET)
    site.wait_until(lambda there: len(there) == 5)
    site.wait_until(lambda there: len(there) == 0)
    for client in clients:
        assert len(rest(client)) < 2**26
        client.close()


def test_who_sends_nothing_makes_room_for_who_does(api: Api, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "IDLE", ENOUGH)
    monkeypatch.setattr(server, "MOST", 3)
    site = serve(api.app)
    silent = [site.dial() for _ in range(10)]
    site.wait_until(lambda there: len(there) == 3)
    assert site.ask(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    assert [rest(client) for client in silent[:7]] == [b""] * 7
    for client in silent:
        client.close()


def test_only_so_much_of_large_bodies_is_held_and_small_ones_pass(
    api: Api, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "MOST_COMING", 100_000)
    monkeypatch.setattr(body, "PATIENCE", ENOUGH)
    site = serve(api.app)
    with contextlib.closing(site.dial()) as slow:
        slow.sendall(POST % 70_000)
        site.wait_until(lambda there: body._coming == 70_000)
        assert site.ask(POST % 70_000 + b" " * 70_000).startswith(b"HTTP/1.1 503 ")
        small = b'{"network": {}}'
        assert site.ask(POST % len(small) + small).startswith(b"HTTP/1.1 201 ")
    site.wait_until(lambda there: body._coming == 0)


def answering(environ: Any, start_response: Any) -> Iterable[bytes]:
    """64 MB at /large; X-Token says who is known; bodies are not read."""
    if "HTTP_X_TOKEN" in environ:
        environ[connections.KNOWN]()
    body = b"a" * (2**26 if environ["PATH_INFO"] == "/large" else 2)
    start_response("200 OK" if "HTTP_X_TOKEN" in environ else "401 Who", [("Content-Length", str(len(body)))])
    return [body]


SMALL = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
LARGE = b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
BODY = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n"


def by_known(request: bytes) -> bytes:
    return request.replace(b"\r\n\r\n", b"\r\nX-Token: x\r\n\r\n")


@pytest.mark.parametrize("sent", [b"GET", LARGE, BODY])
def test_strangers_make_room_at_any_stage(serve: Serve, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    """Before a head is whole, while an answer is written that is not read, while a body does not come."""
    for module, name in ((protocol, "IDLE"), (protocol, "HEAD"), (protocol, "LINGER"), (writer, "HURRY")):
        monkeypatch.setattr(module, name, 10 * ENOUGH)
    monkeypatch.setattr(server, "MOST", 3)
    site = serve(answering)
    stuck = []
    for _ in range(9):
        stuck.append(site.dial())
        stuck[-1].sendall(sent)
        hub.sleep(0.02)
    assert site.ask(SMALL).startswith(b"HTTP/1.1 401 ")
    site.wait_until(lambda there: len(there) <= 3)
    for client in stuck:
        client.close()
    site.wait_until(lambda there: len(there) == 0)


def test_who_is_known_keeps_its_place_and_its_time(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "PATIENCE", 10 * ENOUGH)
    monkeypatch.setattr(writer, "HURRY", 0.2)
    monkeypatch.setattr(protocol, "IDLE", ENOUGH)
    monkeypatch.setattr(server, "MOST", 3)
    site = serve(answering)
    slow = site.dial()
    slow.sendall(by_known(LARGE))
    site.wait_until(lambda there: len(there) == 1)
    for _ in range(9):
        assert site.ask(SMALL).startswith(b"HTTP/1.1 401 ")
    strangers = [site.dial() for _ in range(9)]
    for each in strangers:
        each.sendall(LARGE)
    for each in strangers:
        assert len(rest(each)) < 2**26
        each.close()
    said = slow.recv(65536)
    size = said.index(b"\r\n\r\n") + 4 + 2**26
    got = len(said)
    while got < size:
        got += len(slow.recv(2**20))
    slow.sendall(by_known(SMALL))
    assert slow.recv(65536).startswith(b"HTTP/1.1 200 ")
    slow.close()
    site.wait_until(lambda there: len(there) == 0)


def test_a_full_house_of_known_ones_still_answers_a_stranger(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are some places above the most, for a supervisor."""
    monkeypatch.setattr(writer, "PATIENCE", 10 * ENOUGH)
    monkeypatch.setattr(server, "MOST", 3)
    site = serve(answering)
    busy = [site.dial() for _ in range(3)]
    for each in busy:
        each.sendall(by_known(LARGE))
    site.wait_until(lambda there: len(there) == 3)
    assert site.ask(SMALL).startswith(b"HTTP/1.1 401 ")
    assert len(site.there) == 3
    for each in busy:
        each.close()
    site.wait_until(lambda there: len(there) == 0)


def test_strangers_have_one_answer_on_a_connection(serve: Serve) -> None:
    site = serve(answering)
    assert site.ask(SMALL * 25).count(b"HTTP/1.1 401 ") == 1
    kept = by_known(SMALL) * 24 + by_known(SMALL).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert site.ask(kept).count(b"HTTP/1.1 200 ") == 25
    assert site.ask(by_known(SMALL) + SMALL * 5).count(b"HTTP/1.1 ") == 2  # it is asked for at each request


def test_one_address_has_so_many_connections(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "IDLE", ENOUGH)
    site = serve(answering, 3)
    silent = [site.dial() for _ in range(9)]
    site.wait_until(lambda there: len(there) == 3)
    assert site.ask(SMALL).startswith(b"HTTP/1.1 401 ")
    assert [rest(client) for client in silent[:6]] == [b""] * 6
    for client in silent:
        client.close()
    site.wait_until(lambda there: len(there) == 0)


@pytest.mark.parametrize(
    ("address", "source"),
    [("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:db8:0:1:2::3", "2001:db8:0:1::/64"),
     ("2001:db8:0:1::4", "2001:db8:0:1::/64"), ("fe80::1%eth0", "fe80::/64"), ("", "")],
)  # fmt: skip
def test_whom_an_address_counts_for(address: str, source: str) -> None:
    assert connections.source(address) == source
