"""Controllers that a metadata server asks: over REST, the next one where one does not answer."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Sequence

from controller.runtime import hub
from controller.runtime.errors import Misconfigured, Unavailable

from .http_peer import HttpPeer

PATIENCE = 5.0  # seconds for an answer, unless said otherwise
AT_ONCE = 64  # requests under way
MOST_ANSWER = 1 << 20  # bytes


class Controllers:
    """`urls` of the REST API of every member.  `token`: of a user with the role service; "" where none is asked for.

    `patience`: seconds for an answer.
    """

    def __init__(self, urls: Sequence[str], token: str, tls: ssl.SSLContext | None, patience: float = PATIENCE) -> None:
        """Raises Misconfigured for what is no URL."""
        self._members = [_Member(url, tls, patience) for url in urls]
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

    def __init__(self, url: str, tls: ssl.SSLContext | None, patience: float) -> None:
        try:
            self._peer = HttpPeer(url, tls)
        except ValueError as error:
            raise Misconfigured(f"{error} of a controller, such as https://192.0.2.10:9696") from error
        self.url = url
        self._patience = patience
        self._waiting: list[http.client.HTTPConnection] = []

    def ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        """Raises OSError, HTTPException.  A connection that the other side has closed meanwhile is tried anew once."""
        while self._waiting:
            try:
                return self._through(self._waiting.pop(), method, path, body, headers)
            except (OSError, http.client.HTTPException):
                self._waiting.clear()
        return self._through(self._peer.connection(self._patience), method, path, body, headers)

    def _through(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None,
        headers: dict[str, str],
    ) -> tuple[int, bytes]:  # fmt: skip
        try:
            connection.request(method, self._peer.path + path, body, headers)
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
