"""HTTP client of etcd's gateway: POST requests and streamed answers over persistent connections, by `http.client`.

`requests` takes 0.7 ms of processor time a call, as much as the rest of a commit; this takes 0.2 ms.
"""

from __future__ import annotations

import socket
import ssl
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urlsplit

from controller.runtime import hub

_READ = 1 << 18
_HEADERS = {"Content-Type": "application/json"}
# end streams when there is no leader: etcd, v3rpc/interceptor.go
_STREAM = {**_HEADERS, "Grpc-Metadata-hasleader": "true"}
_poll = hub.original("select").poll
_POLLIN = 1


class ConnectionFailed(Exception):
    """Error: no connection, a closed or broken connection, or an answer that is not HTTP."""


class Silence(ConnectionFailed):
    """Error: no connection, or no data, within the time allowed."""


class HttpAnswer(NamedTuple):
    status: int
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


class Http:
    """HTTP connections to etcd.  For green threads of one hub, with patched sockets.  `tls`: for https."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        self._kept: dict[tuple[str, int], list[HTTPConnection]] = defaultdict(list)

    def post(self, url: str, data: bytes, timeout: float) -> HttpAnswer:
        """POST `data`; the answer's status and body.  Raises ConnectionFailed, and Silence after `timeout` seconds."""
        place, path = _split(url)
        connection = self._connection(place, timeout)
        kept = False
        try:
            with _told(f"no answer in {timeout:g} s"):
                response = _ask(connection, path, data, _HEADERS, timeout)
                answer = HttpAnswer(response.status, response.read())
            kept = not response.will_close
        finally:
            if kept:
                self._kept[place].append(connection)
            else:
                connection.close()
        return answer

    def stream(self, url: str, data: bytes, timeout: float, idle: float) -> Iterator[bytes]:
        """Pieces of a chunked body as they arrive, until it ends; an empty piece first, when the answer has begun.

        Raises as `post` does; Silence also after `idle` seconds without a byte, and ConnectionFailed with the body of
        an answer that is not 200.
        """
        place, path = _split(url)
        connection = self._open(place, timeout)
        try:
            with _told(f"nothing said for {idle:g} s"):
                response = _ask(connection, path, data, _STREAM, timeout)
                if response.status != 200:
                    raise ConnectionFailed(response.read().decode(errors="replace"))
                connection.sock.settimeout(idle)
            yield b""
            while True:
                with _told(f"nothing said for {idle:g} s"):
                    piece = response.read1(_READ)
                if not piece:
                    return
                yield piece
        finally:
            connection.close()

    def close(self) -> None:
        for connection in (each for kept in self._kept.values() for each in kept):
            connection.close()
        self._kept.clear()

    def _connection(self, place: tuple[str, int], timeout: float) -> HTTPConnection:
        kept = self._kept[place]
        while kept:
            connection = kept.pop()
            if _idle(connection.sock):
                return connection
            connection.close()
        return self._open(place, timeout)

    def _open(self, place: tuple[str, int], timeout: float) -> HTTPConnection:
        host, port = place
        connection = (
            HTTPSConnection(host, port, timeout=timeout, context=self._tls)
            if self._tls
            else HTTPConnection(host, port, timeout=timeout)
        )
        try:
            connection.connect()
        except TimeoutError as error:
            connection.close()
            raise Silence(f"no connection in {timeout:g} s") from error
        except OSError as error:
            connection.close()
            raise ConnectionFailed(str(error)) from error
        return connection


def _ask(
    connection: HTTPConnection, path: str, data: bytes, headers: Mapping[str, str], timeout: float
) -> HTTPResponse:
    connection.sock.settimeout(timeout)
    connection.request("POST", path, data, headers)
    return connection.getresponse()


def _idle(sock: socket.socket) -> bool:
    """Whether a kept connection can be used again.  A connection closed by the peer is readable."""
    poll = _poll()
    poll.register(sock.fileno(), _POLLIN)
    return not poll.poll(0)


@contextmanager
def _told(silence: str) -> Iterator[None]:
    """Translate errors of a connection into ConnectionFailed and Silence; `silence`: text of the latter."""
    try:
        yield
    except TimeoutError as error:
        raise Silence(silence) from error
    except (OSError, ValueError, HTTPException) as error:
        raise ConnectionFailed(str(error) or type(error).__name__) from error


@lru_cache(maxsize=64)
def _split(url: str) -> tuple[tuple[str, int], str]:
    """Host and port, and the path of a URL."""
    parts = urlsplit(url)
    assert parts.hostname and parts.port
    return (parts.hostname, parts.port), parts.path
