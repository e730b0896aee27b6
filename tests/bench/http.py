"""A lean HTTP/1.1 client: requests rendered beforehand, raw sockets kept alive, so that it costs the server's machine
little.
"""

from __future__ import annotations

import json
import selectors
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

_READ = 1 << 20


class Reply(NamedTuple):
    status: int
    body: bytes


class Load(NamedTuple):
    """What `load` saw: seconds from the first request to the last answer, each answer's delay in seconds, the
    replies in the order of their coming.
    """

    seconds: float
    delays: list[float]
    replies: list[Reply]


def request(method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json", f"Content-Length: {len(data)}"]
    if data:
        lines.append("Content-Type: application/json")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


class Client:
    """One connection; `ask` and the pair `send` and `received` are two ways to use it."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.began = 0.0
        self._pending = b""

    def ask(self, data: bytes) -> Reply:
        self.send(data)
        while (reply := self.received()) is None:
            pass
        return reply

    def json(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """Ask, and return the answer's JSON; raises RuntimeError when it is an error."""
        reply = self.ask(request(method, path, body, headers))
        if reply.status >= 300:
            raise RuntimeError(f"{method} {path}: {reply.status} {reply.body[:500]!r}")
        return json.loads(reply.body) if reply.body else None

    def send(self, data: bytes) -> None:
        self.began = time.perf_counter()
        self.sock.sendall(data)

    def received(self) -> Reply | None:
        """Read once; the reply when it is whole.  Raises ConnectionError when the server hung up."""
        got = self.sock.recv(_READ)
        if not got:
            raise ConnectionError("the server hung up")
        self._pending += got
        head, found, rest = self._pending.partition(b"\r\n\r\n")
        if not found:
            return None
        length = _length(head)
        if len(rest) < length:
            return None
        self._pending = rest[length:]
        return Reply(int(head[9:12]), rest[:length])


def load(clients: Sequence[Client], requests: Sequence[bytes]) -> Load:
    """All requests, each client sending the next as soon as its last is answered."""
    waiting = iter(requests)
    delays: list[float] = []
    replies: list[Reply] = []
    began = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for client in clients:
            if _next(client, waiting):
                selector.register(client.sock, selectors.EVENT_READ, client)
        while selector.get_map():
            for key, _ in selector.select():
                client = key.data
                reply = client.received()
                if reply is None:
                    continue
                delays.append(time.perf_counter() - client.began)
                replies.append(reply)
                if not _next(client, waiting):
                    selector.unregister(client.sock)
    return Load(time.perf_counter() - began, delays, replies)


def _next(client: Client, waiting: Iterator[bytes]) -> bool:
    data = next(waiting, None)
    if data is not None:
        client.send(data)
    return data is not None


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line[:15].lower() == b"content-length:":
            return int(line[15:])
    return 0
