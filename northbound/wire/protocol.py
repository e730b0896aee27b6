"""HTTP connection of the REST API: eventlet's handler with strict heads and time limits."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
from http import HTTPStatus
from typing import Any

import msgspec

from controller.runtime import hub

from . import environ, head
from .connections import KNOWN, Connections
from .environ import HERE
from .response import WireResponse
from .writer import Writer

log = logging.getLogger("tenet.http")
IDLE = 60.0  # seconds until the first byte of a request, the TLS handshake included
HEAD = 10.0  # seconds from there to the end of the head
END = b"\r\n\r\n"
REST = 65_536  # bytes of an unread body that are read and dropped to keep the connection
LINGER = 2.0  # seconds for reading and dropping the body of a refused request before closing
_KINDS = {411: "HTTPLengthRequired", 431: "HTTPRequestHeaderFieldsTooLarge", 501: "HTTPNotImplemented",
          505: "HTTPVersionNotSupported"}  # fmt: skip


class Protocol(hub.HttpProtocol):  # type: ignore[misc]
    """HTTP handler of one connection, which it serves in its constructor, as in socketserver."""

    rfile: Any
    wfile: Any
    headers: Any

    def __init__(self, connections: Connections, state: Any, server: Any) -> None:
        self._connections = connections
        self._deadline: Any = None
        self._unread = False
        self._keep = False  # keep the connection for another request, if the client is authenticated
        self._minor = 1  # of the request's HTTP/1
        self._here = 0  # bytes that have come of the request's body
        self._body: Any = None
        self._lasting: dict[str, Any] | None = None  # of the environment, what all requests of the connection have
        sock = state[1]
        connections.add(sock, str(state[0][0]) if state[0] else "")
        try:
            with contextlib.suppress(ConnectionError, ssl.SSLError):  # closed by the client, or for another
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
        if isinstance(self.connection, ssl.SSLSocket):
            self._expect(IDLE)  # for the handshake, too, and however few bytes of a record come at a time
        else:
            self.connection.settimeout(IDLE)  # of one read: it needs a timer only where it has to wait
        with contextlib.suppress(ConnectionError):
            begun = self.rfile.peek(1)
            if begun:
                end = begun.find(END)
                if end >= 0:
                    self._settle()  # the head is complete
                else:
                    self._expect(HEAD)
                line = super()._read_request_line()
                self._here = len(begun) - end - len(END) if end >= 0 else 0
                if line == b"\r\n":
                    self._here = 0
                    line = super()._read_request_line()  # RFC 9112, 2.2
                self._unread = not line  # the line is too long, and the answer is under way
                return line
        self._settle()
        return b""

    def parse_request(self) -> bool:
        """Parse the head.  Raises TimeoutError when it takes too long, as does reading the request line."""
        self.close_connection = True
        try:
            fields = self._fields()
            self._settle()
            found = head.read(self.raw_requestline, fields)
        except head.BadHead as refused:
            self._refuse(refused)
            return False
        self.command, self.path, self.headers = found.method, found.target, found.fields
        self.requestline = f"{found.method} {found.target}"
        self.request_version = f"HTTP/1.{found.minor}"
        options = found.fields.listed("Connection")
        self._keep = "close" not in options and (found.minor > 0 or "keep-alive" in options)
        self._minor = found.minor
        return True

    def _fields(self) -> list[bytes]:
        """Read the lines of the head's fields.  Raises Refused, also when the connection ends."""
        found: list[bytes] = []
        while (line := self.rfile.readline()) not in (b"\r\n", b"\n", b""):
            found.append(line)
        if line != b"\r\n":
            raise head.BadHead(HTTPStatus.BAD_REQUEST, "The head is malformed, or cut short.")
        return found

    def _refuse(self, refused: head.BadHead) -> None:
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
        """Override: the standard library would log to stderr."""
        log.debug(format, *arguments)

    # --- the body ---

    def _known(self) -> None:
        """The client is authenticated: keep the connection for the next request, with the longer time limits."""
        self.close_connection = not self._keep
        self.wfile.known = True
        self._connections.known(self.connection)

    def get_environ(self) -> dict[str, Any]:
        """WSGI environment.  Unauthenticated clients get one answer; then the connection is closed."""
        if self._lasting is None:
            self._lasting = environ.of_connection(self.server.get_environ(), self.request, self.client_address)
        found = environ.of_request(self._lasting, self.command, self.path, self.headers)
        length = self.headers.get("content-length") or "0"
        expects = (self.headers.get("expect") or "").lower() == "100-continue"
        told = {"wfile": self.wfile, "wfile_line": b"HTTP/1.1 100 Continue\r\n"} if expects else {}
        self._body = found["wsgi.input"] = hub.HttpBody(self.rfile, length, self.connection, **told)
        found[HERE] = self._here
        found[KNOWN] = self._known
        return found

    def handle_one_response(self) -> None:
        """Override: eventlet's looks at each header again and again.  An exception of the application, which answers
        for its own, closes the connection.
        """
        response = WireResponse(self.wfile, self.command, self._minor, self._keeps)
        self._body.headers_sent = response.begun  # an interim response cannot come after the final one
        result: Any = None
        try:
            result = self.application(self.environ, response.start)
            response.send(result)
        except Exception as problem:
            self.close_connection = True
            if not isinstance(problem, OSError):
                log.exception("the response failed")
            if not response.begun:
                response.start("500 Internal Server Error", [("Content-Length", "0")])
                response.send(())
        finally:
            if hasattr(result, "close"):
                result.close()
            self._drop_body()

    def _keeps(self, wanted: bool) -> bool:
        """Whether the connection is kept for another request; `wanted`: the response lets it."""
        if not wanted or self._body.should_send_hundred_continue:  # or else whether a body comes is not known
            self.close_connection = True
        return not self.close_connection

    def _drop_body(self) -> None:
        """Read and drop what the application left of the body, to keep the connection."""
        body = self._body
        left = body.content_length - body.position
        if left and not self.close_connection:
            try:
                if left > REST:
                    raise OSError("too much of the body is left")
                with hub.Timeout(HEAD, TimeoutError("the body does not come")):
                    body.read()
            except OSError as problem:
                log.debug("%s: %s", self.client_address[0], problem)
                self.close_connection = True
        self._unread = body.position < body.content_length

    def finish(self) -> None:
        """Close the connection.  An unread body is dropped before: else a reset loses the answer (RFC 9112, 9.6)."""
        if self._unread:
            with contextlib.suppress(OSError), hub.Timeout(LINGER, TimeoutError()):
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_WR)
                while self.connection.recv(REST):
                    pass
        super().finish()

    # --- time ---

    def _expect(self, seconds: float) -> None:
        """Start a time limit, until `_settle`; a wait beyond it raises TimeoutError."""
        self._cancel()
        self._deadline = hub.Timeout(seconds, TimeoutError("the client is too slow"))

    def _settle(self) -> None:
        self._cancel()
        self._connections.busy(self.connection)

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
