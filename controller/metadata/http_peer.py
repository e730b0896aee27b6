"""HTTP server that a metadata server asks: where it is, and connections to it."""

from __future__ import annotations

import http.client
import ssl
from urllib.parse import urlsplit


class HttpPeer:
    """`path`: of its URL, without a slash at the end; it goes before the path of each request."""

    def __init__(self, url: str, tls: ssl.SSLContext | None) -> None:
        """Raises ValueError for what is no URL of HTTP.  `tls`: for an https URL; None: none has been made."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url} is not a URL")
        self.path = parts.path.rstrip("/")
        self._host = parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = (tls or ssl.create_default_context()) if parts.scheme == "https" else None

    def connection(self, patience: float) -> http.client.HTTPConnection:
        """One that is made with its first request.  `patience`: seconds for each step."""
        if self._tls is not None:
            return http.client.HTTPSConnection(self._host, self._port, timeout=patience, context=self._tls)
        return http.client.HTTPConnection(self._host, self._port, timeout=patience)
