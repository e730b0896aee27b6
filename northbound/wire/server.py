"""Server of the REST API on a listening socket."""

from __future__ import annotations

import functools
import logging
import ssl
from typing import Any

from controller.runtime import hub

from .connections import Connections
from .listener import HttpListener
from .protocol import Protocol

MOST = 4096  # connections; beyond that, unauthenticated ones are closed first
SPARE = 128  # connections accepted beyond MOST while others are being closed
LONGEST = 16_384  # bytes of a request line


def serve(listener: Any, application: Any, most_of_one: int = MOST, tls: ssl.SSLContext | None = None) -> None:
    """Serve until the listener is closed; `most_of_one`: connections from one address.  Raises OSError."""
    scheme = {"wsgi.url_scheme": "https", "HTTPS": "on"} if tls else {}
    hub.serve_wsgi(
        HttpListener(listener, tls), application, environ=scheme, log=logging.getLogger("tenet.http"),
        log_output=False, max_size=MOST + SPARE, keepalive=True, socket_timeout=60, url_length_limit=LONGEST,
        debug=False, protocol=functools.partial(Protocol, Connections(MOST, most_of_one)),
    )  # fmt: skip
