"""HTTP/1.1 (RFC 9112) to etcd's gateway over connections that are kept: what etcd3gw needs of a requests.Session.

requests itself takes 0.6 ms of processor time a call, as much as all else about a commit; this takes 0.1.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from requests.exceptions import ConnectionError, ConnectTimeout, ReadTimeout

from controller import hub

_LONGEST_HEAD = 65_536  # bytes
_READ = 1 << 18
_poll = hub.original("select").poll


class Answer(NamedTuple):
    """Named as in requests.Response."""

    status_code: int
    reason: str
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode(errors="replace")

    def json(self) -> Any:
        return msgspec.json.decode(self.content)


class _Head(NamedTuple):
    """`length`: of the body in bytes; -1: it is chunked, -2: it ends with the connection."""

    status: int
    reason: str
    length: int
    kept: bool  # whether another request may follow


class _Connection:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._got = bytearray()

    @property
    def idle(self) -> bool:
        """Still open, and nothing left over: an end that was not asked for shows as something to read."""
        poll = _poll()
        poll.register(self.sock.fileno(), 1)  # POLLIN
        return not self._got and not poll.poll(0)

    def send(self, host: str, path: str, body: bytes, more: str = "") -> None:
        head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{more}"
        self.sock.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def receive(self) -> bool:
        """Whether more came before the end.  Raises OSError."""
        data = self.sock.recv(_READ)
        self._got += data
        return bool(data)

    def head(self, deadline: float) -> _Head:
        """Raises OSError, ValueError."""
        while (end := self._got.find(b"\r\n\r\n")) < 0:
            if len(self._got) > _LONGEST_HEAD:
                raise ValueError("the answer's head is too long")
            self._more(deadline)
        lines = self._got[:end].decode("latin-1").split("\r\n")
        del self._got[: end + 4]
        version, _, rest = lines[0].partition(" ")
        status, _, reason = rest.partition(" ")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        chunked = fields.get("transfer-encoding", "").lower() == "chunked"
        length = -1 if chunked else int(fields.get("content-length", -2))
        kept = version == "HTTP/1.1" and fields.get("connection", "").lower() != "close" and length != -2
        return _Head(int(status), reason, length, kept)

    def body(self, head: _Head, deadline: float) -> bytes:
        """All of it.  Raises OSError, ValueError."""
        if head.length == -1:
            whole = bytearray()
            while True:
                piece, over = self.chunks()
                whole += piece
                if over:
                    return bytes(whole)
                self._more(deadline)
        while len(self._got) < head.length:
            self._more(deadline)
        while head.length == -2 and self.receive():
            pass
        length = len(self._got) if head.length == -2 else head.length
        whole = self._got[:length]
        del self._got[:length]
        return bytes(whole)

    def chunks(self) -> tuple[bytes, bool]:
        """What the whole chunks that are here hold, and whether the last of all was among them."""
        got, at = self._got, 0
        pieces: list[bytes] = []
        while (end := got.find(b"\r\n", at)) >= 0:
            size = int(got[at:end].partition(b";")[0], 16)
            if size < 0:
                raise ValueError("a chunk of negative size")
            start = end + 2
            if len(got) < start + size + 2:
                break
            at = start + size + 2
            if not size:
                del got[:at]
                return b"".join(pieces), True
            pieces.append(bytes(got[start : start + size]))
        del got[:at]
        return b"".join(pieces), False

    def _more(self, deadline: float) -> None:
        self.sock.settimeout(max(deadline - time.monotonic(), 0.001))
        if not self.receive():
            raise OSError("the connection ended")


class Http:
    """To be used by green threads of one hub, with patched sockets.  `tls`: for https."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        self._kept: dict[tuple[str, int], list[_Connection]] = defaultdict(list)

    def post(self, url: str, data: bytes, timeout: float, json: None = None) -> Answer:
        """One request, `timeout` seconds at most.  Raises requests' ConnectTimeout, ReadTimeout, ConnectionError."""
        place, host, path = _split(url)
        deadline = time.monotonic() + timeout
        connection = self._connection(place, timeout)
        kept = False
        try:
            connection.sock.settimeout(timeout)
            connection.send(host, path, data)
            head = connection.head(deadline)
            answer = Answer(head.status, head.reason, connection.body(head, deadline))
            kept = head.kept
        except TimeoutError as error:
            raise ReadTimeout(f"no answer in {timeout:g} s") from error
        except (OSError, ValueError) as error:
            raise ConnectionError(str(error)) from error
        finally:
            if kept:
                self._kept[place].append(connection)
            else:
                connection.sock.close()
        return answer

    def stream(self, url: str, data: bytes, timeout: float, idle: float) -> Iterator[bytes]:
        """Pieces of a body of chunks as they come, until it ends; first of all an empty one.

        Raises as `post` does; ReadTimeout also after `idle` seconds without a word, and ConnectionError with the body
        of an answer that is not 200.
        """
        place, host, path = _split(url)
        connection = self._open(place, timeout)
        try:
            # without a leader it is to end: etcd, v3rpc/interceptor.go
            connection.send(host, path, data, "Grpc-Metadata-hasleader: true\r\n")
            head = connection.head(time.monotonic() + timeout)
            if head.status != 200 or head.length != -1:
                raise ConnectionError(connection.body(head, time.monotonic() + timeout).decode(errors="replace"))
            connection.sock.settimeout(idle)
            over = False
            while not over:
                piece, over = connection.chunks()
                yield piece
                over = over or not connection.receive()
        except TimeoutError as error:
            raise ReadTimeout(f"nothing said for {idle:g} s") from error
        except ValueError as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.sock.close()

    def close(self) -> None:
        for connection in (each for kept in self._kept.values() for each in kept):
            connection.sock.close()
        self._kept.clear()

    def _connection(self, place: tuple[str, int], timeout: float) -> _Connection:
        kept = self._kept[place]
        while kept:
            connection = kept.pop()
            if connection.idle:
                return connection
            connection.sock.close()
        return self._open(place, timeout)

    def _open(self, place: tuple[str, int], timeout: float) -> _Connection:
        try:
            sock = socket.create_connection(place, timeout)
        except TimeoutError as error:
            raise ConnectTimeout(f"no connection in {timeout:g} s") from error
        except OSError as error:
            raise ConnectionError(str(error)) from error
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _Connection(self._tls.wrap_socket(sock, server_hostname=place[0]) if self._tls else sock)
        except OSError as error:
            sock.close()
            raise ConnectionError(str(error)) from error


@lru_cache(maxsize=64)
def _split(url: str) -> tuple[tuple[str, int], str, str]:
    """Host and port, the Host field, and the path of a URL."""
    parts = urlsplit(url)
    assert parts.hostname and parts.port
    return (parts.hostname, parts.port), parts.netloc, parts.path
