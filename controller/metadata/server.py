"""Server of instances' requests: bounded in connections, sizes and time, in all and for each one that asks.

Who asks is read from the address that a connection came to (apps/services/identity.py), and what it is told is asked
of the controllers for every request: a logical port's key is used again for another port.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from apps.services.identity import DNS, Asker, who
from controller.runtime import hub
from controller.runtime.errors import Unavailable
from controller.runtime.logpace import LogPace, times

from .request import BadRequest, InstanceRequest, read

log = logging.getLogger("tenet.metadata")

MOST = 2048  # connections in all; beyond that the oldest is closed
MOST_OF_ONE = 16  # of one logical port; beyond that new ones are refused
MOST_REQUESTS = 100  # over one connection
TO_ASK = 10.0  # seconds from the connection's begin, or the last answer, to the end of a request
TO_TAKE = 20.0  # seconds for taking an answer
AGAIN = 0.1  # seconds after `accept` failed: out of file descriptors, say
_UNACKNOWLEDGED = 5000  # milliseconds after which what an instance does not acknowledge ends its connection
_REASONS = {200: "OK", 204: "No Content", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
            405: "Method Not Allowed", 413: "Content Too Large", 429: "Too Many Requests",
            431: "Request Header Fields Too Large", 500: "Internal Server Error", 501: "Not Implemented",
            502: "Bad Gateway", 503: "Service Unavailable"}  # fmt: skip


class Reply(NamedTuple):
    """`port_id`: of the port that asked, where it is known; the rest of its connection is for that port alone."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    port_id: str = ""


class InstanceServer:
    """`answer`: of one HTTP request.  `resolve`: of a DNS message, None for no answer.  Both may raise Unavailable."""

    def __init__(
        self,
        answer: Callable[[InstanceRequest, Asker, str], Reply],
        resolve: Callable[[bytes, Asker], bytes | None],
    ) -> None:
        self._answer = answer
        self._resolve = resolve
        self._open: dict[Any, Asker] = {}  # by socket, the oldest first
        self._of: Counter[Asker] = Counter()
        self._pace = LogPace()
        self.outcomes: Counter[str] = Counter()

    def serve(self, listeners: Iterable[socket.socket]) -> None:
        """Begin to serve."""
        for listener in listeners:
            hub.keep(self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, peer = listener.accept()
            except OSError as error:
                self._complain("accept", f"no connection could be accepted: {error}")
                hub.sleep(AGAIN)
                continue
            there = sock.getsockname()
            found = who(there[0], there[1])
            if found is None or self._of[found[0]] >= MOST_OF_ONE:
                self.outcomes["refused"] += 1
                log.debug("a connection from %s to %s was refused", peer, there)
                sock.close()
                continue
            if len(self._open) >= MOST:
                self._end_oldest()
            self._open[sock] = found[0]
            self._of[found[0]] += 1
            hub.spawn(self._converse, sock, found[0], found[1], str(peer[0]))

    def _end_oldest(self) -> None:
        sock = next(iter(self._open))
        self._forget(sock)
        self.outcomes["displaced"] += 1
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)  # its thread ends, and closes it

    def _forget(self, sock: Any) -> None:
        asker = self._open.pop(sock, None)
        if asker is not None:
            self._of[asker] -= 1
            if not self._of[asker]:
                del self._of[asker]

    def _converse(self, sock: Any, asker: Asker, service: int, address: str) -> None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED)
            (self._names if service == DNS else self._requests)(sock, asker, address)
        except (OSError, hub.Timeout) as error:
            self.outcomes["broken"] += 1
            log.debug("a connection of logical port %d on switch %d broke: %r", asker.key, asker.number, error)
        except Exception:
            self.outcomes["failed"] += 1
            log.exception("a request of logical port %d on switch %d failed", asker.key, asker.number)
        finally:
            self._forget(sock)
            sock.close()

    # --- HTTP ---

    def _requests(self, sock: Any, asker: Asker, address: str) -> None:
        rest, port_id = bytearray(), ""
        for _ in range(MOST_REQUESTS):
            try:
                with hub.Timeout(TO_ASK):
                    request = read(sock, rest)
            except BadRequest as error:
                self._send(sock, Reply(error.status), False)
                return
            if request is None:
                return
            reply = self._replied(request, asker, address)
            if port_id and reply.port_id and reply.port_id != port_id:
                return  # the port is another one since the connection began
            port_id = reply.port_id or port_id
            self._send(sock, reply, request.lasting, head_only=request.method == "HEAD")
            if not request.lasting:
                return

    def _replied(self, request: InstanceRequest, asker: Asker, address: str) -> Reply:
        try:
            return self._answer(request, asker, address)
        except BadRequest as error:
            return Reply(error.status)
        except Unavailable as error:
            self._complain("unavailable", f"a request could not be answered: {error}")
            return Reply(503)

    def _send(self, sock: Any, reply: Reply, lasting: bool, *, head_only: bool = False) -> None:
        self.outcomes[str(reply.status)] += 1
        body = reply.body or (b"" if reply.status < 400 else f"{_reason(reply.status)}\n".encode())
        head = (
            f"HTTP/1.1 {reply.status} {_reason(reply.status)}\r\nContent-Type: {reply.content_type}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: {'keep-alive' if lasting else 'close'}\r\n\r\n"
        )
        with hub.Timeout(TO_TAKE):
            sock.sendall(head.encode("latin-1") + (b"" if head_only else body))

    # --- DNS over TCP (RFC 7766): each message behind its length ---

    def _names(self, sock: Any, asker: Asker, address: str) -> None:
        rest = bytearray()
        for _ in range(MOST_REQUESTS):
            with hub.Timeout(TO_ASK):
                question = _message(sock, rest)
            if question is None:
                return
            try:
                answer = self._resolve(question, asker)
            except Unavailable as error:
                self._complain("unavailable", f"a question could not be answered: {error}")
                return
            if answer is None:
                return
            self.outcomes["dns"] += 1
            with hub.Timeout(TO_TAKE):
                sock.sendall(len(answer).to_bytes(2, "big") + answer)

    def _complain(self, kind: str, message: str) -> None:
        if count := self._pace.due(kind):
            log.warning("%s%s", message, times(count))


def _reason(status: int) -> str:
    return _REASONS.get(status, "Unknown")


def _message(sock: Any, rest: bytearray) -> bytes | None:
    """The next message, None at the end."""
    while len(rest) < 2 or len(rest) < 2 + int.from_bytes(rest[:2], "big"):
        more = sock.recv(4096)
        if not more:
            return None
        rest += more
    length = int.from_bytes(rest[:2], "big")
    message = bytes(rest[2 : 2 + length])
    del rest[: 2 + length]
    return message
