"""Controllers that a metadata server asks: over REST, the next one where one does not answer."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Sequence
from urllib.parse import urlsplit

from controller.runtime import hub
from controller.runtime.errors import Misconfigured, Unavailable

PATIENCE = 5.0  # seconds for an answer
AT_ONCE = 64  # requests under way
MOST_ANSWER = 1 << 20  # bytes


class Controllers:
    """`urls` of the REST API of every member.  `token`: of a user with the role service; "" where none is asked for."""

    def __init__(self, urls: Sequence[str], token: str, tls: ssl.SSLContext | None) -> None:
        """Raises Misconfigured for what is no URL."""
        self._members = [_Member(url, tls) for url in urls]
        self._headers = {"Accept": "application/json", **({"X-Auth-Token": token} if token else {})}
        self._first = 0  # the member that answered last
        self._room = hub.Semaphore(AT_ONCE)

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body.  Raises Unavailable when no member answers."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        said = "no controller is known"
        with self._room:
            for turn in range(len(self._members)):
                at = (self._first + turn) % len(self._members)
                try:
                    status, answer = self._members[at].ask(method, path, body, self._headers)
                except (OSError, http.client.HTTPException) as error:
                    said = f"{self._members[at].url}: {error}"
                    continue
                if status >= 500:
                    said = f"{self._members[at].url}: status {status}"
                    continue
                self._first = at
                return status, answer
        raise Unavailable(said)


class _Member:
    """One controller, and connections to it that wait to be used again."""

    def __init__(self, url: str, tls: ssl.SSLContext | None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Misconfigured(f"{url} is not a URL of a controller, such as https://192.0.2.10:9696")
        self.url = url
        self._host, self._path = parts.hostname, parts.path.rstrip("/")
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = tls if parts.scheme == "https" else None
        self._waiting: list[http.client.HTTPConnection] = []

    def ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        """Raises OSError, HTTPException.  A connection that the other side has closed meanwhile is tried anew once."""
        while self._waiting:
            try:
                return self._through(self._waiting.pop(), method, path, body, headers)
            except (OSError, http.client.HTTPException):
                self._waiting.clear()
        return self._through(self._connection(), method, path, body, headers)

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls is not None:
            return http.client.HTTPSConnection(self._host, self._port, timeout=PATIENCE, context=self._tls)
        return http.client.HTTPConnection(self._host, self._port, timeout=PATIENCE)

    def _through(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None,
        headers: dict[str, str],
    ) -> tuple[int, bytes]:  # fmt: skip
        try:
            connection.request(method, self._path + path, body, headers)
            answer = connection.getresponse()
            found = answer.read(MOST_ANSWER)
            whole = answer.isclosed()
        except BaseException:
            connection.close()
            raise
        if whole and len(self._waiting) < AT_ONCE:
            self._waiting.append(connection)
        else:
            connection.close()
        return answer.status, found
