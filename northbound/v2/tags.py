"""Tags of objects: all at once, several more, or one by one."""

from __future__ import annotations

from typing import Any, cast

from controller.intent import standard
from controller.model.rows import Standard
from controller.runtime.errors import NotFound
from controller.store.transaction import Transaction

from ..answer import Response, as_json
from ..ask import Ask, Handler
from ..body import json_body
from ..checks import Fault
from ..errors import bad_request
from ..resource import Resource
from ..structures import tag, tags
from .engine import Condition, found, missing
from .visibility import target


def collection(resource: Resource) -> dict[str, Handler]:
    return {
        "GET": lambda ask, row_id: show(resource, ask, row_id),
        "PUT": lambda ask, row_id: replace(resource, ask, row_id),
        "POST": lambda ask, row_id: add_several(resource, ask, row_id),
        "DELETE": lambda ask, row_id: clear(resource, ask, row_id),
    }


def member(resource: Resource) -> dict[str, Handler]:
    return {
        "GET": lambda ask, row_id, name: confirm(resource, ask, row_id, name),
        "PUT": lambda ask, row_id, name: add(resource, ask, row_id, name),
        "DELETE": lambda ask, row_id, name: remove(resource, ask, row_id, name),
    }


def show(resource: Resource, ask: Ask, row_id: str) -> Response:
    return as_json(200, {"tags": list(_allowed(resource, ask, row_id, "get").tags)})


def confirm(resource: Resource, ask: Ask, row_id: str, name: str) -> Response:
    if name not in _allowed(resource, ask, row_id, "get").tags:
        raise _missing(name)
    return Response(204)


def replace(resource: Resource, ask: Ask, row_id: str) -> Response:
    _allowed(resource, ask, row_id, "update")
    wanted = _read(ask)
    revision = _write(resource, ask, row_id, set(), wanted, True)
    return as_json(200, {"tags": sorted(wanted)}, revision)


def add_several(resource: Resource, ask: Ask, row_id: str) -> Response:
    _allowed(resource, ask, row_id, "create")
    return Response(201, revision=_write(resource, ask, row_id, set(), _read(ask)))


def add(resource: Resource, ask: Ask, row_id: str, name: str) -> Response:
    _allowed(resource, ask, row_id, "update")
    try:
        wanted = {tag(name)}
    except Fault as fault:
        raise bad_request(f"Invalid input for tag. Reason: {fault}.") from None
    return Response(201, revision=_write(resource, ask, row_id, set(), wanted))


def remove(resource: Resource, ask: Ask, row_id: str, name: str) -> Response:
    if name not in _allowed(resource, ask, row_id, "delete").tags:
        raise _missing(name)
    return Response(204, revision=_write(resource, ask, row_id, {name}, set()))


def clear(resource: Resource, ask: Ask, row_id: str) -> Response:
    _allowed(resource, ask, row_id, "delete")
    return Response(204, revision=_write(resource, ask, row_id, set(), set(), True))


def _allowed(resource: Resource, ask: Ask, row_id: str, verb: str) -> Standard:
    row = found(resource, ask, row_id)
    ask.context.policy.check(ask.caller, f"{verb}_{resource.plural}_tags", target(resource, ask, row))
    return cast("Standard", row)


def _read(ask: Ask) -> set[str]:
    body = json_body(ask.request)
    if not isinstance(body, dict) or set(body) != {"tags"}:
        raise bad_request('Invalid tags body: it must be {"tags": [...]}.')
    try:
        return set(tags(body["tags"]))
    except Fault as fault:
        raise bad_request(f"Invalid input for tags. Reason: {fault}.") from None


def _write(
    resource: Resource, ask: Ask, row_id: str, less: set[str], more: set[str], anew: bool = False
) -> int:  # fmt: skip
    condition = Condition.of(ask)

    def rules(tx: Transaction) -> None:
        condition.check(resource, tx, row_id)
        row: Any = tx.get(resource.kind, row_id)
        if row is None:
            raise missing(resource, row_id)
        there = set() if anew else set(row.tags) - less
        standard.change(tx, row, {"tags": standard.checked_tags([*there, *more])}, ask.means)

    return ask.transact(rules).revision


def _missing(name: str) -> NotFound:
    return NotFound(f"Tag {name[:64]} could not be found.", "TagNotFound")
