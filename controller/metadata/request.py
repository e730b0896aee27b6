"""HTTP/1.x requests of instances, read with bounds; what is not plain is refused (RFC 9112)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple, Protocol
from urllib.parse import unquote

MOST_HEAD = 8192  # bytes of the request line and the header fields
MOST_FIELDS = 64
MOST_BODY = 4096  # bytes
_LINE = re.compile(r"([A-Z]{1,16}) (/[!-~]{0,2047}|\*) HTTP/1\.([01])")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}):([\t -~\x80-\xff]*)")
_END = b"\r\n\r\n"


class Source(Protocol):
    """A socket that waits no longer than the caller allows."""

    def recv(self, most: int, /) -> bytes: ...


class BadRequest(Exception):
    """A request that is not answered as asked.  `status`: of HTTP."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class InstanceRequest(NamedTuple):
    """`target`: path and query as sent; `path`: without the query, decoded.  Names of fields are in lower case."""

    method: str
    target: str
    path: str
    fields: Mapping[str, str]
    body: bytes
    lasting: bool  # the connection may be used again


def read(source: Source, rest: bytearray) -> InstanceRequest | None:
    """The next request, None at the end.  `rest`: what was received beyond the last one.  Raises BadRequest."""
    while (at := rest.find(_END)) < 0:
        if len(rest) > MOST_HEAD:
            raise BadRequest(431)
        more = source.recv(4096)
        if not more:
            if rest.strip():
                raise BadRequest(400)
            return None
        rest += more
    if at > MOST_HEAD:
        raise BadRequest(431)
    head, fields = _head(bytes(rest[:at]))
    del rest[: at + len(_END)]
    length = _length(fields)
    while len(rest) < length:
        more = source.recv(4096)
        if not more:
            raise BadRequest(400)
        rest += more
    body = bytes(rest[:length])
    del rest[:length]
    method, target, minor = head
    options = {part.strip().lower() for part in fields.get("connection", "").split(",")}
    lasting = "close" not in options and (minor == "1" or "keep-alive" in options)
    return InstanceRequest(method, target, unquote(target.partition("?")[0]), fields, body, lasting)


def _head(head: bytes) -> tuple[tuple[str, str, str], dict[str, str]]:
    line, *lines = head.decode("latin-1").split("\r\n")
    found = _LINE.fullmatch(line)
    if found is None or len(lines) > MOST_FIELDS:
        raise BadRequest(400 if found is None else 431)
    fields: dict[str, str] = {}
    for each in lines:
        field = _FIELD.fullmatch(each)
        if field is None or (field[1].lower() in fields and field[1].lower() in ("content-length", "host")):
            raise BadRequest(400)
        fields[field[1].lower()] = field[2].strip(" \t")
    return (found[1], found[2], found[3]), fields


def _length(fields: Mapping[str, str]) -> int:
    if "transfer-encoding" in fields:
        raise BadRequest(501)
    said = fields.get("content-length", "0")
    if not (said.isascii() and said.isdecimal() and len(said) < 8):
        raise BadRequest(400)
    if int(said) > MOST_BODY:
        raise BadRequest(413)
    return int(said)
