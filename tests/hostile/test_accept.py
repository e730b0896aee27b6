"""The REST server goes on accepting whatever `accept` says of one client; the errors are the kernel's and OpenSSL's."""

from __future__ import annotations

import errno
import socket
import ssl
import struct
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from controller.runtime import hub
from northbound.wire.listener import HttpListener
from northbound.wire.server import serve

RESETS = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends a reset
PATIENCE = 10.0  # seconds


def hello(environ: dict[str, Any], start: Any) -> list[bytes]:
    start("200 OK", [("Content-Length", "5"), ("Connection", "close")])
    return [b"hello"]


@contextmanager
def serving(listener: Any, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """The listener's URL, without its scheme."""
    thread = hub.spawn(serve, listener, hello, tls=tls)
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        listener.close()
        hub.kill(thread)


def answer(url: str, tls: ssl.SSLContext | None = None) -> bytes:
    def read() -> bytes:
        with urllib.request.urlopen(url, timeout=PATIENCE, context=tls) as reply:
            found: bytes = reply.read()
            return found

    said: bytes = hub.in_thread(read)
    return said


class Failing:
    """A listener whose `accept` fails first, as the kernel has it of a connection that is gone."""

    def __init__(self, listener: Any, code: int) -> None:
        self.codes = [code, code]
        self._listener = listener

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listener, name)

    def accept(self) -> Any:
        if self.codes:
            raise OSError(self.codes.pop(), "of this connection")
        return self._listener.accept()


@pytest.mark.parametrize("name", ["ECONNRESET", "EPIPE", "ENOTCONN", "ECONNABORTED", "EMFILE"])
def test_an_error_of_one_connection_ends_nothing(name: str) -> None:
    listener = Failing(hub.listen(("127.0.0.1", 0)), getattr(errno, name))
    with serving(listener) as place:
        assert answer(f"http://{place}") == b"hello"
    assert not listener.codes


def test_a_closed_listener_accepts_no_more() -> None:
    listener = hub.listen(("127.0.0.1", 0))
    listener.close()
    with pytest.raises(OSError):
        HttpListener(listener).accept()


@pytest.fixture
def server_side(tmp_path: Path) -> ssl.SSLContext:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2",
         "-keyout", tmp_path / "key", "-out", tmp_path / "cert"], check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    return context


# the standard library leaves the socket of a client that has gone to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_client_that_resets_before_it_is_accepted_ends_nothing(server_side: ssl.SSLContext) -> None:
    listener = hub.listen(("127.0.0.1", 0))
    for sent in (b"", b"not TLS"):
        client = socket.create_connection(listener.getsockname()[:2])
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETS)
        client.sendall(sent)
        client.close()
    client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_side.check_hostname, client_side.verify_mode = False, ssl.CERT_NONE
    with serving(listener, server_side) as place:
        assert answer(f"https://{place}", client_side) == b"hello"
