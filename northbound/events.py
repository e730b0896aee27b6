"""GET /tenet/v1/events: what changes, as server-sent events (the HTML standard, 9.2), of what the caller may see."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import msgspec

from controller import hub
from controller.errors import Compacted
from controller.events import Entry, Position, follow
from controller.model.kinds import Row

from .answer import Answer
from .ask import Ask
from .errors import HttpError, bad_request
from .preview import BY_KIND
from .v2 import filters, sight

PATIENCE = 15.0  # seconds without an event after which a comment shows that the stream lives
LASTS = 600.0  # seconds; then the client comes again, and is asked again who it is
STREAMS = 500  # of one process
_POSITION = re.compile(r"(\d{1,15})(?:\.(\d{1,15}))?")
_encode = msgspec.json.Encoder().encode
_open: set[object] = set()


def stream(ask: Ask) -> Answer:
    """From `after` or the header Last-Event-ID on; from now on without either."""
    position = _position(ask)
    try:
        ask.context.events.after(position)
    except Compacted:
        raise _gone() from None
    if len(_open) >= STREAMS:
        raise HttpError(503, "ServiceUnavailable", "Too many streams are open.", (("Retry-After", "10"),))
    ask.request.environ[hub.GATHERED] = 0  # each event as it comes
    return Answer(
        200, content_type="text/event-stream", headers=(("Cache-Control", "no-store"),), stream=_lines(ask, position)
    )


def _gone() -> HttpError:
    return HttpError(
        410, "EventsGone", "Events that far back are no longer kept: list everything, then go on from now."
    )


def _position(ask: Ask) -> Position:
    query = ask.query()
    unknown = sorted(query.keys() - {"after"})
    if unknown:
        raise bad_request(f"{unknown[0][:64]!r} is not a parameter of this.")
    said = ask.request.headers.get("Last-Event-ID") or query.get("after", [""])[-1]
    if not said:
        return ask.context.events.last
    found = _POSITION.fullmatch(said)
    if not found or not said.isascii():
        raise bad_request("after must be a revision, or the id of an event.")
    return Position(int(found[1]), int(found[2] or 0))


def _lines(ask: Ask, position: Position) -> Iterator[bytes]:
    token = object()
    _open.add(token)
    try:
        yield b": " + _id(position).encode() + b"\n\n"
        for entry in follow(ask.context.events, position, PATIENCE, time.monotonic() + LASTS):
            line = b":\n\n" if entry is None else _event(ask, entry)
            if line:
                yield line
    except Compacted:
        yield b"event: gone\ndata: {}\n\n"
    finally:
        _open.discard(token)


def _id(position: Position) -> str:
    return f"{position.revision}.{position.number}" if position.number else str(position.revision)


def _event(ask: Ask, entry: Entry) -> bytes:
    """One event; nothing when the caller may see none of it."""
    changes = [shown for before, after in entry.rows if (shown := _change(ask, before, after)) is not None]
    statuses = [
        {"id": port.id, "status": status} for port, status, _ in entry.statuses if filters.visible(ask.view, port)
    ]
    if not changes and not statuses:
        return b""
    name, data = ("change", {"changes": changes}) if changes else ("status", {"ports": statuses})
    said: dict[str, Any] = {"revision": entry.position.revision, **data}
    return f"id: {_id(entry.position)}\nevent: {name}\ndata: ".encode() + _encode(said) + b"\n\n"


def _change(ask: Ask, before: Row | None, after: Row | None) -> dict[str, Any] | None:
    row = after or before
    resource = BY_KIND.get(type(row)) if row is not None else None
    if row is None or resource is None or before == after or not sight.visible(resource, ask, row):
        return None
    change = "create" if before is None else "delete" if after is None else "update"
    found: dict[str, Any] = {"change": change, "kind": row.kind_name(), "id": row.row_id}
    if after is not None:
        found[resource.name] = sight.shown(resource, ask, [after])[0]
    return found
