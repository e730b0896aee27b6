"""Answer of a handler: a value that `app` turns into a response."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from controller.runtime import hub

JSON = "application/json"
SLICE = 0.005  # seconds of work on an answer after which other green threads get their turn
DEPTH = 4  # levels of a large body that are encoded apart: {"switches": [{"added": [...]}]}
LONG = 50  # items of a list that is encoded item by item
PIECE = 65_536  # bytes of a large body that are kept, and sent, together
_encode = msgspec.json.Encoder().encode


class Response(NamedTuple):
    """`revision`: of the store, at which a write is durable; 0 for a read."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    revision: int = 0
    stream: Iterable[bytes] | None = None  # instead of a body: as long as it lasts
    pieces: Sequence[bytes] = ()  # instead of a body: one that is large

    @property
    def length(self) -> int:
        """Bytes of the body."""
        return sum(map(len, self.pieces)) if self.pieces else len(self.body)


def as_json(status: int, body: object, revision: int = 0, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    return Response(status, _encode(body), JSON, headers, revision)


def as_json_list(
    status: int,
    name: str,
    items: Iterable[object],
    rest: Mapping[str, object] | None = None,
    revision: int = 0,
    headers: tuple[tuple[str, str], ...] = (),
) -> Response:
    """{name: [...], **rest}, encoded item by item as they come; others have their turn between two items."""
    pieces = list(_pieces(name, hub.taking_turns(items, SLICE), _encode(rest)[1:] if rest else b"}"))
    return Response(status, b"", JSON, headers, revision, pieces=pieces)


def _pieces(name: str, items: Iterable[object], end: bytes) -> Iterator[bytes]:
    piece = bytearray(b"{" + _encode(name) + b":[")
    empty = True
    for item in items:
        if not empty:
            piece += b","
        empty = False
        piece += _encode(item)
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece + b"]" + (b"," if end != b"}" else b"") + end)


def as_large_json(status: int, body: Mapping[str, object]) -> Response:
    """As `as_json`, of a body with long lists in it, encoded item by item with turns for others."""
    return Response(status, pieces=gathered(_encoded(body)))


def gathered(parts: Iterable[bytes]) -> list[bytes]:
    """The pieces of a large body from its parts as they come, with turns for others."""
    pieces: list[bytes] = []
    piece = bytearray()
    for part in hub.taking_turns(parts, SLICE):
        piece += part
        if len(piece) >= PIECE:
            pieces.append(bytes(piece))
            piece.clear()
    return [*pieces, bytes(piece)]


def _encoded(value: object, depth: int = DEPTH) -> Iterator[bytes]:
    """The same JSON in parts: dictionaries by their values, lists by their items, down to `depth`."""
    mark = b""
    if depth and isinstance(value, dict):
        yield b"{"
        for name, held in value.items():
            yield mark + _encode(name) + b":"
            yield from _encoded(held, depth - 1)
            mark = b","
        yield b"}"
    elif depth and isinstance(value, list):
        yield b"["
        for item in value:
            yield mark
            yield from _encoded(item, depth - 1) if _is_large(item) else (_encode(item),)
            mark = b","
        yield b"]"
    else:
        yield _encode(value)


def _is_large(item: object) -> bool:
    return isinstance(item, dict) and any(isinstance(held, list) and len(held) > LONG for held in item.values())
