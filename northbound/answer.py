"""What a handler returns: a value that `app` turns into a response."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

JSON = "application/json"
_encode = msgspec.json.Encoder().encode


class Answer(NamedTuple):
    """`revision`: of the store, at which a write is durable; 0 for a read."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    revision: int = 0


def as_json(status: int, body: object, revision: int = 0, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(status, _encode(body), JSON, headers, revision)
