"""Listener of the REST API, over TCP or TLS: no client ends it.

eventlet's server ends with the first `accept` that fails: a client that has gone before it is accepted, or a process
that is out of file descriptors.
"""

from __future__ import annotations

import logging
import ssl
from typing import Any

from controller.runtime import hub
from controller.runtime.logpace import LogPace, times

AGAIN = 0.1  # seconds after `accept` failed: out of file descriptors, say

log = logging.getLogger("tenet.http")


class HttpListener:
    """What eventlet's server asks of a listening socket."""

    def __init__(self, sock: Any, tls: ssl.SSLContext | None = None) -> None:
        self.family = sock.family
        self._socket = sock
        self._tls = tls
        self._pace = LogPace()

    def accept(self) -> tuple[Any, Any]:
        """The next connection, whose TLS handshake is still to come, and its address.  Raises OSError once closed."""
        while True:
            try:
                sock, address = self._socket.accept()
            except OSError as problem:
                if self._socket.fileno() < 0:
                    raise
                if count := self._pace.due(str(problem)):
                    log.warning("accepting a connection failed%s: %s", times(count), problem)
                hub.sleep(AGAIN)
                continue
            try:
                return (hub.serve_tls(sock, self._tls) if self._tls else sock), address
            except OSError as problem:  # it was reset meanwhile
                log.debug("connection from %s: %s", address[0], problem)
                sock.close()

    def getsockname(self) -> Any:
        return self._socket.getsockname()

    def close(self) -> None:
        self._socket.close()
