"""Accepting connections of the REST API, whatever becomes of a client meanwhile."""

from __future__ import annotations

import errno
import logging
import ssl
from typing import Any

from controller.runtime import hub

AGAIN = 0.1  # seconds until accepting is tried again where the fault is not the client's: out of file descriptors
# accept(2): errors of the connection that was to be accepted are accept's own
_GONE = frozenset({errno.ECONNABORTED, errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN, errno.EPROTO, errno.ETIMEDOUT})
log = logging.getLogger("tenet.http")


class PatientListener:
    """Listening socket, plain or TLS, whose `accept` fails only when it has been closed.

    eventlet's server ends, without a word, when `accept` says ECONNRESET, EPIPE or ENOTCONN: a TLS client that resets
    its connection in time would end the API.
    """

    def __init__(self, listener: Any) -> None:
        self._listener = listener

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listener, name)

    def accept(self) -> tuple[Any, Any]:
        """Raises OSError."""
        while True:
            try:
                accepted: tuple[Any, Any] = self._listener.accept()
                return accepted
            except OSError as problem:
                if self._listener.fileno() < 0:
                    raise
                if isinstance(problem, ssl.SSLError) or problem.errno in _GONE:
                    log.debug("a client was gone before it was accepted: %s", problem)
                    hub.sleep(0)
                else:
                    log.warning("accepting a connection failed: %s", problem)
                    hub.sleep(AGAIN)
