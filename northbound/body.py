"""Request body: read within bounds."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
from webob import Request

from controller.runtime import hub

from .checks import shown
from .errors import HttpError, bad_request
from .wire.environ import HERE

MAX_BODY = 4 * 2**20  # bytes: 2,000 ports of 2 KB each
PATIENCE = 60.0  # seconds for all of a body
SMALL = 65_536  # bytes; of what is larger, no more than this is being read at a time:
MOST_COMING = 256 * 2**20
MOST_VALUES = 100_000  # in one body: 2,000 ports of 50 values each.  A reader of JSON gives no turns
SLICE = 0.005  # seconds of reading after which other green threads get their turn
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{,]', re.DOTALL)  # a string, ended or not, or a mark
_coming = 0
# A browser sends these two to any address without asking first, so that a page of anybody's could write to a controller
# on the reader's own machine.  JSON and XML it must ask for (the Fetch standard's CORS protocol).
JSON_TYPES = ("application/json",)

_decode = msgspec.json.Decoder().decode


def raw(request: Request) -> bytes:
    """The body's bytes.  Raises HttpError for one that is too large, cut short or of unknown length."""
    environ = request.environ
    if environ.get("HTTP_TRANSFER_ENCODING"):
        raise HttpError(411, "HTTPLengthRequired", "The body's length must be given as Content-Length.")
    length = environ.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdecimal()):
        raise bad_request("Content-Length is not a number.")
    if len(length) > 18 or int(length) > MAX_BODY:
        message = f"The body has more than {MAX_BODY} bytes, which is the most that is read."
        raise HttpError(413, "HTTPRequestEntityTooLarge", message, (("Connection", "close"),))
    wanted = int(length)
    try:
        source = environ["wsgi.input"]
        body = source.read(wanted) if wanted <= environ.get(HERE, 0) else _read(source, wanted)
    except TimeoutError:
        raise HttpError(408, "HTTPRequestTimeout", "The body came too slowly.", (("Connection", "close"),)) from None
    except OSError:
        raise bad_request("The body could not be read.") from None
    if len(body) < wanted:
        raise bad_request(f"The body ended after {len(body)} of {wanted} bytes.")
    return body


def _read(source: Any, wanted: int) -> bytes:
    """Raises TimeoutError when it takes too long, HttpError when too many large ones are being read."""
    global _coming
    large = wanted if wanted > SMALL else 0
    if _coming + large > MOST_COMING:
        raise HttpError(503, "ServiceUnavailable", "Too many large bodies are being read.", (("Retry-After", "10"),))
    _coming += large
    try:
        with hub.Timeout(PATIENCE, TimeoutError()):
            found: bytes = source.read(wanted)
            return found
    finally:
        _coming -= large


def media_type(request: Request) -> str:
    """The body's type without parameters, in lower case; "" when it is not given."""
    given: str = request.environ.get("CONTENT_TYPE") or ""
    return given.partition(";")[0].strip().lower()


def unsupported(given: str, supported: str) -> HttpError:
    return HttpError(415, "HTTPUnsupportedMediaType", f"Content-Type is {given or 'missing'!r}, not {supported}.")


def from_json(body: bytes) -> object:
    """Raises HttpError: not JSON, not UTF-8, nested too deep, a number too large, too many values, or a key that is
    there twice.
    """
    turns = hub.Turns(SLICE)
    if len(body) > SMALL and _values(body, turns) > MOST_VALUES:
        raise bad_request(f"The body has more than {MOST_VALUES} values, which is the most that is read.")
    try:
        found = _decode(body)
        if isinstance(found, dict | list):
            turns.give()
            if b"\\" in body or _colons(found, turns) != body.count(b":"):
                _look_for_duplicates(body.decode(), turns)
        return found
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad_request(f"Malformed request body: {error}.") from None
    except RecursionError:
        raise bad_request("Malformed request body: nested too deep.") from None


def _values(body: bytes, turns: hub.Turns) -> int:
    """How many values a body holds, about, as far as MOST_VALUES; without reading what is within strings."""
    count = sum(map(body.count, (b"[", b"{", b",")))
    if count <= MOST_VALUES:  # those in strings counted
        return count
    count = 0
    for number, token in enumerate(_TOKEN.finditer(body)):
        count += token[0][:1] != b'"'
        if count > MOST_VALUES:
            break
        if number % 1000 == 0:
            turns.give()
    return count


def _colons(found: object, turns: hub.Turns) -> int:
    """How many colons the shortest text of a JSON value has, if nothing in it is escaped: one a key, and those within.

    A text that has as many has no key twice: the value that was dropped for the other's sake would have had some more.
    """
    count, ahead = 0, [found]
    while ahead:
        value = ahead.pop()
        if isinstance(value, str):
            count += value.count(":")
        elif isinstance(value, dict):
            count += len(value) + sum([name.count(":") for name in value])
            ahead += value.values()
            turns.give()
        elif isinstance(value, list):
            ahead += value
    return count


def _look_for_duplicates(text: str, turns: hub.Turns) -> None:
    """Of two values under one key, readers take the first or the last (RFC 8259, 4): nobody shall depend on it."""

    def unique(pairs: list[tuple[str, Any]]) -> None:
        if len({name for name, _ in pairs}) < len(pairs):
            seen = set[str]()
            twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
            raise bad_request(f"Malformed request body: the key {shown(twice)} is there twice.")
        turns.give()

    json.JSONDecoder(object_pairs_hook=unique).decode(text)


def json_body(request: Request) -> object:
    body = raw(request)
    given = media_type(request)
    # No page may send a header of ours unasked: with it the above is no danger.  Where a client gives no type, as
    # some of OpenStack's do, the server says text/plain.
    implied = given in ("", "text/plain") and bool(request.environ.get("HTTP_X_AUTH_TOKEN"))
    if given not in JSON_TYPES and body and not implied:
        raise unsupported(given, JSON_TYPES[0])
    return from_json(body)
