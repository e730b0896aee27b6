"""One connection of the REST API: eventlet's handler of HTTP, with strict heads, and with an end to all waiting."""

from __future__ import annotations

import contextlib
import functools
import logging
import socket
import ssl
from http import HTTPStatus
from typing import Any

import msgspec

from controller.runtime import hub

from . import head
from .connections import KNOWN, Connections
from .writer import Writer

log = logging.getLogger("tenet.http")
IDLE = 60.0  # seconds until the first byte of a request, the TLS handshake included
HEAD = 10.0  # seconds from there to the end of the head
END = b"\r\n\r\n"
REST = 65_536  # bytes of a body that nobody wanted: so many are read, so that the connection can go on
LINGER = 2.0  # seconds in which those of a refused one are read, and dropped, before the connection is closed
_KINDS = {411: "HTTPLengthRequired", 431: "HTTPRequestHeaderFieldsTooLarge", 501: "HTTPNotImplemented",
          505: "HTTPVersionNotSupported"}  # fmt: skip


class Protocol(hub.HttpProtocol):  # type: ignore[misc]
    """Serves a connection until its end, in its constructor (as socketserver has it)."""

    rfile: Any
    wfile: Any
    headers: Any

    def __init__(self, connections: Connections, state: Any, server: Any) -> None:
        self._connections = connections
        self._deadline: Any = None
        self._unread = False
        self._keep = False  # for another request, if it is known who asks
        sock = state[1]
        connections.add(sock, str(state[0][0]) if state[0] else "")
        try:
            with contextlib.suppress(ConnectionError, ssl.SSLError):  # the client has gone, or had to make room
                super().__init__(state, server)
        finally:
            self._settle()
            connections.remove(sock)

    def setup(self) -> None:
        super().setup()
        self.wfile = Writer(self.wfile, self.connection)

    # --- the head ---

    def _read_request_line(self) -> Any:
        self._connections.waits(self.connection)
        self._expect(IDLE)
        with contextlib.suppress(ConnectionError):
            begun = self.rfile.peek(1)
            if begun:
                if END in begun:
                    self._settle()  # it is all there
                else:
                    self._expect(HEAD)
                line = super()._read_request_line()
                if line == b"\r\n":
                    line = super()._read_request_line()  # RFC 9112, 2.2
                self._unread = not line  # too long, and the answer is under way
                return line
        self._settle()
        return b""

    def parse_request(self) -> bool:
        """Raises TimeoutError when the head takes too long, as does the line before it."""
        self.close_connection = True
        try:
            fields = self._fields()
            self._settle()
            found = head.read(self.raw_requestline, fields)
        except head.Refused as refused:
            self._refuse(refused)
            return False
        self.command, self.path, self.headers = found.method, found.target, found.fields
        self.requestline = f"{found.method} {found.target}"
        self.request_version = f"HTTP/1.{found.minor}"
        options = found.fields.listed("Connection")
        self._keep = "close" not in options and (found.minor > 0 or "keep-alive" in options)
        return True

    def _fields(self) -> list[bytes]:
        """As they come, line by line; the connection may end instead."""
        found: list[bytes] = []
        while (line := self.rfile.readline()) not in (b"\r\n", b"\n", b""):
            found.append(line)
        if line != b"\r\n":
            raise head.Refused(HTTPStatus.BAD_REQUEST, "The head is malformed, or cut short.")
        return found

    def _refuse(self, refused: head.Refused) -> None:
        status = refused.status
        log.info("refused: from=%s status=%d %s", self.client_address[0], status, refused.message)
        error = {"type": _KINDS.get(status, "HTTPBadRequest"), "message": refused.message, "detail": ""}
        body = msgspec.json.encode({"TenetError": error})
        lines = [
            f"HTTP/1.1 {status.value} {status.phrase}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Connection: close",
        ]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body)
        self.wfile.flush()
        self._unread = True

    def log_message(self, format: str, *arguments: Any) -> None:
        """Not to stderr, as the standard library would."""
        log.debug(format, *arguments)

    # --- the body ---

    def _known(self) -> None:
        """Of whoever asks: the connection is kept for the next request, and its client has its time."""
        self.close_connection = not self._keep
        self.wfile.known = True
        self._connections.known(self.connection)

    def get_environ(self) -> Any:
        """Strangers have one answer, after which the connection is closed: what they send behind it is not read."""
        environ = super().get_environ()
        environ[KNOWN] = self._known
        given = environ["eventlet.input"]
        given.discard = functools.partial(self._discard, given)
        return environ

    def _discard(self, given: Any) -> None:
        """What the application did not read, so that the connection can go on.  Raises OSError when it cannot."""
        left = (given.content_length or 0) - given.position
        if left <= REST:
            with hub.Timeout(HEAD, TimeoutError("the body does not come")):
                given.read()
        else:
            raise OSError("too much of the body is left")

    def handle_one_response(self) -> None:
        super().handle_one_response()
        given = self.environ["eventlet.input"]
        self._unread = given.position < (given.content_length or 0)

    def finish(self) -> None:
        """An answer to a body that was not read would be lost: closing then resets the connection (RFC 9112, 9.6)."""
        if self._unread:
            with contextlib.suppress(OSError), hub.Timeout(LINGER, TimeoutError()):
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_WR)
                while self.connection.recv(REST):
                    pass
        super().finish()

    # --- time ---

    def _expect(self, seconds: float) -> None:
        """From now on, until `_settle`; what waits then gets a TimeoutError."""
        self._cancel()
        self._deadline = hub.Timeout(seconds, TimeoutError("the client is too slow"))

    def _settle(self) -> None:
        self._cancel()
        self._connections.busy(self.connection)

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
