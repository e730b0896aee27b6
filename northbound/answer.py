"""What a handler returns: a value that `app` turns into a response."""

from __future__ import annotations

from collections.abc import Iterable
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
    stream: Iterable[bytes] | None = None  # instead of a body: as long as it lasts


def as_json(status: int, body: object, revision: int = 0, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(status, _encode(body), JSON, headers, revision)
