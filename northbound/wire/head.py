"""Strict parser of request heads (RFC 9112).

Request smuggling needs a proxy and a server that disagree about where a request ends.  So whatever RFC 9112 lets a
server refuse, and whatever two servers might parse differently, is refused, and the connection closed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import NamedTuple

MOST_FIELDS = 100  # the standard library's limit, too
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
# Against catastrophic backtracking, repetitions are possessive or cannot begin where another ends.
_LINE = re.compile(rb"(%s) ([\x21-\x7e]{1,16384}) HTTP/([0-9])\.([0-9])\r\n" % _TOKEN)
_FIELD = re.compile(rb"(%s):[ \t]*+([^\x00-\x08\x0a-\x1f\x7f]*+)\r\n" % _TOKEN)
_ABSOLUTE = re.compile(rb"https?://[^/?#]+", re.IGNORECASE)
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z._-]{0,255})(?::[0-9]{0,5})?")  # RFC 9110, 7.2; ASCII names
_LENGTH = re.compile(rb"[0-9]{1,18}")
# Fields that may occur once only: of two, different parsers might take different ones.
_ONCE = (b"host", b"content-length", b"content-type", b"transfer-encoding")


class BadHead(Exception):
    """Error: the request is refused with `status` and the connection closed."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Fields:
    """Header fields, with the part of `email.message.Message` that eventlet's server uses.

    `pairs`: (name, value) as they came, values without white space around them.
    """

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.pairs = pairs
        self._first: dict[str, str] = {}
        for name, value in pairs:
            self._first.setdefault(name.lower(), value)

    def get(self, name: str, default: str | None = None) -> str | None:
        return self._first.get(name.lower(), default)

    def listed(self, name: str) -> set[str]:
        """Members of a list field (RFC 9110, 5.6.1) from all its lines, in lower case."""
        if name.lower() not in self._first:
            return set()
        values = (value for given, value in self.pairs if given.lower() == name.lower())
        return {part.strip(" \t").lower() for value in values for part in value.split(",")} - {""}

    def get_content_type(self) -> str:
        """Content type; text/plain when none is given (RFC 2045, 5.2)."""
        return "text/plain"


class Head(NamedTuple):
    """Parsed head of a request.  `target` begins with a slash.  `minor`: of HTTP/1."""

    method: str
    target: str
    minor: int
    fields: Fields


def read(line: bytes, fields: Sequence[bytes]) -> Head:
    """Parse a head.  `line` and `fields` as received, with line ends, without the empty line.  Raises Refused."""
    found = _LINE.fullmatch(line)
    if not found:
        raise _bad("The request line is malformed.")
    if found[3] != b"1":
        raise BadHead(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.1 is spoken here.")
    if len(fields) > MOST_FIELDS:
        raise BadHead(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"There are more than {MOST_FIELDS} header fields.")
    pairs, held = _held(fields)
    if found[4] != b"0" and b"host" not in held:
        raise _bad("Host is missing.")  # RFC 9112, 3.2
    if not _HOST.fullmatch(held.get(b"host", b"")):
        raise _bad("Host is malformed.")  # links in answers contain it
    _check_length(held)
    return Head(found[1].decode(), _target(found[2]).decode(), int(found[4]), Fields(pairs))


def _held(fields: Sequence[bytes]) -> tuple[list[tuple[str, str]], dict[bytes, bytes]]:
    """All fields, and those that may occur once only by name."""
    pairs = []
    held: dict[bytes, bytes] = {}
    for field in fields:
        found = _FIELD.fullmatch(field)
        if not found:
            raise _bad("A header field is malformed.")
        given, value = found[1], found[2].rstrip(b" \t")
        name = given.lower()
        if name in _ONCE:
            if name in held:
                raise _bad(f"{name.decode().title()} is given twice.")
            held[name] = value
        pairs.append((given.decode(), value.decode("latin-1")))
    return pairs, held


def _check_length(held: dict[bytes, bytes]) -> None:
    """Check that only Content-Length gives the length of the body.  Raises Refused."""
    encoding = held.get(b"transfer-encoding")
    length = held.get(b"content-length")
    if encoding is not None and length is not None:
        raise _bad("Content-Length and Transfer-Encoding are both given.")  # RFC 9112, 6.1
    if encoding is not None and encoding.lower() != b"chunked":
        raise BadHead(HTTPStatus.NOT_IMPLEMENTED, "The transfer coding is not known.")
    if encoding is not None:
        raise BadHead(HTTPStatus.LENGTH_REQUIRED, "The body's length must be given as Content-Length.")
    if length is not None and not _LENGTH.fullmatch(length):
        raise _bad("Content-Length is not a number.")


def _target(given: bytes) -> bytes:
    """Request target in origin-form, also when proxies send it in absolute-form (RFC 9112, 3.2.1 and 3.2.2)."""
    rest = _ABSOLUTE.sub(b"", given, count=1) if _ABSOLUTE.match(given) else given
    if rest != given and not rest.startswith(b"/"):
        rest = b"/" + rest
    if not rest.startswith(b"/") or b"#" in rest:
        raise _bad("The request's target is malformed.")
    return rest


def _bad(message: str) -> BadHead:
    return BadHead(HTTPStatus.BAD_REQUEST, message)
