"""Event stream (GET /tenet/v1/events): server-sent events (the HTML standard, 9.2) of what the caller may see."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from controller.intent.audience import ChangeRecord
from controller.intent.visibility import among
from controller.model.rows import GatewayRanking, Port
from controller.publish.feed import FeedEntry, Position, follow
from controller.runtime import hub
from controller.runtime.errors import Compacted

from . import event_ids
from .answer import SLICE, Response
from .ask import Ask
from .auth import Caller
from .errors import HttpError, bad_request
from .stream_reader import StreamReader
from .v2 import filters, visibility
from .v2.catalogue import resource_of
from .v2.ports import PORTS

PATIENCE = 15.0  # seconds without an event after which a comment shows that the stream lives
CATCH_UP = 5.0  # seconds in which a member must have reached the revision that a reader comes with
TOGETHER = 100  # ports whose statuses are told in one event
LASTS = 600.0  # seconds; then the client comes again, and is asked again who it is
_encode = msgspec.json.Encoder().encode


class Start(NamedTuple):
    """`known`: what this process has told up to there, the client has been told; else by another member, or before a
    restart.
    """

    position: Position
    known: bool


def stream(ask: Ask) -> Response:
    """From `after` or the header Last-Event-ID on; from now on without either."""
    start = _start(ask)
    _catch_up(ask, start.position.revision)
    try:
        ask.context.events.after(start.position)
    except Compacted:
        raise _gone() from None
    refusal = ask.context.streams.refusal(ask.caller)
    if refusal:
        raise HttpError(503, "ServiceUnavailable", refusal, (("Retry-After", "10"),))
    return Response(
        200, content_type="text/event-stream", headers=(("Cache-Control", "no-store"),), stream=_lines(ask, start)
    )


def _gone() -> HttpError:
    return HttpError(
        410, "EventsGone", "Events that far back are no longer kept: list everything, then go on from now."
    )


def _catch_up(ask: Ask, revision: int) -> None:
    """Wait until this process knows what the reader knows: what it would say of earlier would take the reader back.

    Raises HttpError: 410 for a revision that the only process has not made, 503 where other members may have.
    """
    replica = ask.context.replica
    if ask.context.cluster is None and revision > replica.model.revision:
        raise _gone()
    if not replica.wait(revision, CATCH_UP):
        raise HttpError(503, "ServiceUnavailable", "This member has not come so far.", (("Retry-After", "1"),))


def _start(ask: Ask) -> Start:
    query = ask.query()
    unknown = sorted(query.keys() - {"after"})
    if unknown:
        raise bad_request(f"{unknown[0][:64]!r} is not a parameter of this.")
    events = ask.context.events
    said = ask.request.headers.get("Last-Event-ID") or query.get("after", [""])[-1]
    if not said:
        return Start(events.last, True)
    if ask.caller.operator:
        found = event_ids.read_plain(said)
    elif event_ids.PLAIN.fullmatch(said):  # which, tried one by one, would tell how many commits there are
        raise _gone()
    else:
        found = event_ids.read_sealed(_key(ask), said)
    if found is None:
        raise bad_request("after must be the id of an event; for operators also a revision.")
    if found.process == events.process:
        return Start(found.position, True)
    return Start(Position(found.position.revision), ask.context.cluster is None)


def _lines(ask: Ask, start: Start) -> Iterator[bytes]:
    context = ask.context
    reader = StreamReader(context.identity, ask.request, ask.caller)
    events, position = context.events, start.position
    with context.streams.open(ask.caller):
        try:
            yield b": " + _id(ask, position).encode() + b"\n\n"
            if not start.known:  # and it is not before the last of these: a reader that comes again before starts anew
                for entry in (there := events.after(position)):
                    yield _event(ask, entry._replace(statuses=()), _said(ask, entry.position, ""))
                position = there[-1].position if there else position
                yield from _all_statuses(ask, position)
            yield from _followed(ask, reader, position)
        except Compacted:
            yield b"event: gone\ndata: {}\n\n"


def _followed(ask: Ask, reader: StreamReader, position: Position) -> Iterator[bytes]:
    """Until it has lasted, or the reader is no longer who it was.  Raises Compacted."""
    spoken = time.monotonic()
    patience = min(PATIENCE, ask.context.identity.again)
    for each in follow(ask.context.events, position, patience, spoken + LASTS):
        if not reader.is_known():
            return
        line = b"" if each is None else _event(ask, each)
        if not line and time.monotonic() - spoken >= PATIENCE:
            line = b":\n\n"
        if line:
            yield line
            spoken = time.monotonic()


def _all_statuses(ask: Ask, position: Position) -> Iterator[bytes]:
    """Of every port that the caller sees: what another member has told last, this one does not know.

    Each is looked at and told in one step, so that whatever it is later is an event after `position`.  A reader that
    comes again after some of them starts anew.
    """
    ports = [row.row_id for row in filters.select(PORTS, ask.view, {})]
    for start in hub.taking_turns(range(0, len(ports), TOGETHER), SLICE):
        there = [port for port_id in ports[start : start + TOGETHER] if (port := ask.view.model.get(Port, port_id))]
        ask.context.events.look_at(there)
        statuses = tuple((port, *ask.view.statuses.port(port)) for port in there)
        is_last = start + TOGETHER >= len(ports)
        yield _event(ask, FeedEntry(position, (), statuses), "" if is_last else _said(ask, position, ""))


def _id(ask: Ask, position: Position) -> str:
    """With the process that counts, where it is not a revision alone, or where there are several processes."""
    counts = position.number or ask.context.cluster is not None
    return _said(ask, position, ask.context.events.process if counts else "")


def _said(ask: Ask, position: Position, process: str) -> str:
    if ask.caller.operator:
        return event_ids.plain(position, process)
    return event_ids.sealed(_key(ask), position, process)


def _key(ask: Ask) -> bytes:
    return event_ids.shared_key(ask.context.store, ask.context.replica)


def _event(ask: Ask, entry: FeedEntry, name: str = "") -> bytes:
    """One event, with another id where `name` is given; nothing when the caller may see none of it."""
    changes = [shown for each in entry.rows if (shown := _change(ask, each)) is not None]
    ports = entry.statuses if entry.statuses and visibility.may_list(PORTS, ask) else ()
    statuses = [{"id": port.id, "status": status} for port, status, _ in ports if visibility.may_get(PORTS, ask, port)]
    event, data = ("change", {"changes": changes}) if changes else ("status", {"ports": statuses})
    if entry.packet is not None and (ask.caller.operator or ask.caller.project_id in entry.packet.projects):
        event, data = "log", {"packets": [entry.packet.said]}
    elif ask.caller.operator and not changes and (moves := _gateway_moves(entry)):
        event, data = "gateway_moved", {"gateways": moves}
    elif not changes and not statuses:
        return b""
    said: dict[str, Any] = {"revision": entry.position.revision, **data} if ask.caller.operator else data
    return f"id: {name or _id(ask, entry.position)}\nevent: {event}\ndata: ".encode() + _encode(said) + b"\n\n"


def _gateway_moves(entry: FeedEntry) -> list[dict[str, str]]:
    """Routers whose gateway another switch has become; for operators, since tenants know of no switches."""
    found = []
    for each in entry.rows:
        former, switch = (
            next(iter(row.switches), "") if isinstance(row, GatewayRanking) else "" for row in (each.before, each.after)
        )
        row = each.after or each.before
        if row is not None and former != switch:
            found.append({"router_id": row.row_id, "switch": switch, "former": former})
    return found


def _change(ask: Ask, told: ChangeRecord) -> dict[str, Any] | None:
    """What the caller is told of an object: its content only while the caller sees it, that it has gone (for all, or
    for the caller) also when it has seen it.
    """
    row = told.after or told.before
    resource = resource_of(type(row)) if row is not None else None
    if (
        row is None
        or resource is None
        or not visibility.may_list(resource, ask)
        or not visibility.judged(resource, ask, [row])
    ):
        return None
    caller = ask.caller
    saw = told.before is not None and (caller.operator or among(caller.project_id, told.saw))
    sees = told.after is not None and (caller.operator or among(caller.project_id, told.sees))
    found: dict[str, Any] = {"kind": row.kind_name(), "id": row.row_id}
    if not sees:
        return {"change": "delete", **found} if saw else None
    if not visibility.sees(ask.view, row) or (saw and not _concerns(caller, told)):
        return None
    if isinstance(row, Port):
        ask.context.events.look_at([row])
    shown = visibility.shown(resource, ask, [row])[0]
    return {"change": "update" if saw else "create", **found, resource.name: shown}


def _concerns(caller: Caller, told: ChangeRecord) -> bool:
    return told.whom is None or caller.operator or among(caller.project_id, told.whom)
