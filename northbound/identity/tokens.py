"""Token file (`[auth] strategy = tokens`): one JSON object a line, with the token's hash only.

A token has 256 bits of chance, so that a plain SHA-256 of it tells nobody anything (NIST SP 800-63B, 5.1.4.2 asks for
slow hashes only of secrets that people choose).
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from webob import Request

from controller.runtime.errors import Misconfigured
from controller.runtime.files import check_secret
from controller.store.durable import replacing

from ..auth import Caller, with_implied
from ..errors import HttpError

log = logging.getLogger("tenet.identity")
PREFIX = "tenet_"
LONGEST = 512  # characters of a token that are looked at
ROLE = re.compile(r"[^\s,]{1,255}")
LAST = 253_402_300_799  # seconds since 1970: the end of the year 9999
RELOAD = 1.0  # seconds between looks at the file


class TokenEntry(msgspec.Struct, frozen=True, kw_only=True):
    """`hash`: SHA-256 of the token, in hex.  `expires`: seconds since 1970, 0 for never.  `id`: to revoke it by."""

    id: str
    hash: str
    project: str
    user: str
    roles: tuple[str, ...]
    expires: int = 0


def _checked(entry: TokenEntry) -> TokenEntry:
    """Raises ValueError for what `tenet token` would not have written."""
    for role in entry.roles:
        if not ROLE.fullmatch(role):
            raise ValueError(f"{role!r} is not one role")
    if not 0 <= entry.expires <= LAST:
        raise ValueError(f"expires {entry.expires} is not between 0 and {LAST}")
    return entry


def digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new(project: str, user: str, roles: tuple[str, ...], expires: int = 0) -> tuple[str, TokenEntry]:
    """A token, to be shown once, and its entry."""
    token = PREFIX + secrets.token_urlsafe(32)
    entry = TokenEntry(
        id=secrets.token_hex(4), hash=digest(token), project=project, user=user, roles=roles, expires=expires
    )
    return token, entry


def load(path: Path) -> list[TokenEntry]:
    """Raises Misconfigured, naming the line; also where others could read or write the file."""
    check_secret(path, "[auth] tokens")
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise Misconfigured(f"[auth] tokens = {path}: {error.strerror or error}") from error
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith(b"#"):
            try:
                found.append(_checked(msgspec.json.decode(line, type=TokenEntry)))
            except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
                raise Misconfigured(f"[auth] tokens = {path}, line {number}: {error}") from None
    return found


def save(path: Path, entries: list[TokenEntry]) -> None:
    """All at once, readable by the owner only."""
    with replacing(path) as file:
        file.writelines(msgspec.json.encode(entry) + b"\n" for entry in entries)


class Tokens:
    """Knows the file's tokens; a file that changes is read again within a second."""

    again = RELOAD

    def __init__(
        self, path: Path, is_operator: Callable[[Caller], bool], clock: Callable[[], float] = time.time
    ) -> None:
        """Raises Misconfigured."""
        self._path = path
        self._is_operator = is_operator
        self._clock = clock
        self._looked = clock()
        self._stamp = _stamp(path)
        self._entries = {entry.hash: entry for entry in load(path)}

    def who(self, request: Request) -> Caller:
        self._refresh()
        token = _token(request)
        entry = self._entries.get(digest(token)) if token else None
        if entry is None or (entry.expires and entry.expires <= self._clock()):
            raise HttpError(
                401,
                "Unauthorized",
                "The request you have made requires authentication.",
                (("WWW-Authenticate", 'Bearer realm="tenet"'),),
            )
        caller = Caller(entry.project, False, entry.user, with_implied(list(entry.roles)), "", entry.user)
        return caller._replace(operator=self._is_operator(caller))

    def _refresh(self) -> None:
        """Whoever cannot be read any more is nobody: revoking must not fail silently."""
        now = self._clock()
        if abs(now - self._looked) < RELOAD:
            return
        self._looked = now
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._entries = {entry.hash: entry for entry in load(self._path)}
        except Misconfigured as error:
            self._entries = {}
            log.error("no token is accepted: %s", error)
        else:
            log.info("%d tokens read from %s", len(self._entries), self._path)


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size, found.st_mode


def _token(request: Request) -> str:
    """From X-Auth-Token as OpenStack's clients send it, or from `Authorization: Bearer` (RFC 6750, 2.1)."""
    token: str = request.environ.get("HTTP_X_AUTH_TOKEN", "")
    if not token:
        scheme, _, given = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        token = given.strip() if scheme.lower() == "bearer" else ""
    return token if len(token) <= LONGEST else ""
