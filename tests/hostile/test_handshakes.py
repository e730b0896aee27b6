"""Clients of the REST API that break TLS off: it is served on, and none of them writes a traceback."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from controller.runtime import hub

hub.patch()

from northbound.wire.listener import HttpListener  # noqa: E402
from tests.hostile.deployment import Deployment, deployed  # noqa: E402

HELLO = b"\x16\x03\x01\x02\x00"  # the head of a TLS record that does not come
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close sends RST


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(tmp_path_factory.mktemp("deployment"), ()) as deployment:
        yield deployment


def secured(client: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
    return context.wrap_socket(client, server_hostname="127.0.0.1", do_handshake_on_connect=False)


def sends(said: bytes) -> Callable[[socket.socket, Deployment], None]:
    return lambda client, _: client.sendall(said)


def resets(client: socket.socket, _: Deployment) -> None:
    """Data and a reset, which may both be there before the connection is accepted."""
    client.sendall(b"x")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def distrusts(client: socket.socket, _: Deployment) -> None:
    """It does not know the authority, and says so in an alert."""
    with secured(client, ssl.create_default_context()) as both, contextlib.suppress(ssl.SSLError):
        both.do_handshake()


def half_a_head(client: socket.socket, made: Deployment) -> None:
    context = ssl.create_default_context(cafile=made.directory / "ca.pem")
    with secured(client, context) as both:
        both.do_handshake()
        both.sendall(b"GET /")


CLIENTS = {
    "silent": sends(b""), "plain": sends(b"GET / HTTP/1.1\r\n\r\n"), "garbage": sends(b"A" * 20_000),
    "cut": sends(HELLO), "reset": resets, "alert": distrusts, "half": half_a_head,
}  # fmt: skip


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_client_that_breaks_off_ends_its_own_connection(made: Deployment, kind: str) -> None:
    for _ in range(20):
        with contextlib.closing(socket.create_connection(("127.0.0.1", made.rest), 10)) as client:
            CLIENTS[kind](client, made)
    assert made.ask("GET", "/healthz")[0] == 200
    assert "Traceback" not in made.text()


class Failing:
    """A listening socket of which each kind of failure of `accept` is tried once, before it works."""

    def __init__(self, sock: Any) -> None:
        self.family = sock.family
        self._sock = sock
        self._problems = [
            OSError(number, os.strerror(number)) for number in (errno.EMFILE, errno.ECONNRESET, errno.EPIPE)
        ]

    def accept(self) -> Any:
        if self._problems:
            raise self._problems.pop()
        return self._sock.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def test_a_listener_goes_on_when_accept_fails() -> None:
    sock = hub.listen(("127.0.0.1", 0))
    listener = HttpListener(Failing(sock))
    client = hub.connect(sock.getsockname())
    with contextlib.closing(sock), contextlib.closing(client):
        accepted, address = listener.accept()
        accepted.close()
        assert address == client.getsockname()
    with pytest.raises(OSError):
        listener.accept()
