"""Create, list, show, update and delete, for any declared resource."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from controller.errors import NotFound, Refused
from controller.intent.means import Means
from controller.model.kinds import Port, Row
from controller.store.transaction import Transaction

from ..answer import Answer, as_json
from ..ask import Ask, Handler
from ..body import json_body
from ..errors import HttpError, bad_request
from ..resource import Asked, May, Resource, read, refuse
from . import filters

MAX_BULK = 2_000  # objects in one request: their rules run in one go, during which nobody else is served


def collection(resource: Resource) -> dict[str, Handler]:
    return {
        "GET": lambda ask: list_all(resource, ask),
        "POST": lambda ask: create(resource, ask),
    }


def member(resource: Resource) -> dict[str, Handler]:
    return {
        "GET": lambda ask, row_id: show(resource, ask, row_id),
        "PUT": lambda ask, row_id: update(resource, ask, row_id),
        "DELETE": lambda ask, row_id: delete(resource, ask, row_id),
    }


# --- reading ----------------------------------------------------------------------------------------------------------


def list_all(resource: Resource, ask: Ask) -> Answer:
    query = ask.query()
    names = filters.fields(resource, query)
    view = ask.view
    return as_json(
        200, {resource.plural: [resource.show(view, row, names) for row in filters.select(resource, view, query)]}
    )


def show(resource: Resource, ask: Ask, row_id: str) -> Answer:
    row = ask.view.model.get(resource.kind, row_id)
    if row is None:
        raise missing(resource, row_id)
    names = filters.fields(resource, ask.query())
    return as_json(200, {resource.name: resource.show(ask.view, row, names)})


# --- writing ----------------------------------------------------------------------------------------------------------


def create(resource: Resource, ask: Ask) -> Answer:
    """One object, or with {plural: [...]} many: all of them or none."""
    body = json_body(ask.request)
    if isinstance(body, dict) and set(body) == {resource.plural}:
        wanted = _read_bulk(resource, body[resource.plural])
        bulk = True
    else:
        wanted = [_read_one(resource, body, May.CREATE)]
        bulk = False
    wanted = [Asked(asked.project_id or ask.caller.project_id, asked.wish) for asked in wanted]
    rows, revision = ask.transact(_creation(resource, wanted, ask.means))
    headers = _wait(resource, ask, revision, rows)
    shown = [resource.show(ask.view, _now(ask, row)) for row in rows]
    return as_json(201, {resource.plural: shown} if bulk else {resource.name: shown[0]}, revision, headers)


def update(resource: Resource, ask: Ask, row_id: str) -> Answer:
    _required(resource, ask, row_id)
    asked = _read_one(resource, json_body(ask.request), May.UPDATE)
    row, revision = ask.transact(lambda tx: resource.update(tx, row_id, asked.wish, ask.means))
    headers = _wait(resource, ask, revision, [row])
    return as_json(200, {resource.name: resource.show(ask.view, _now(ask, row))}, revision, headers)


def delete(resource: Resource, ask: Ask, row_id: str) -> Answer:
    _required(resource, ask, row_id)
    outcome = ask.transact(lambda tx: resource.delete(tx, row_id, ask.means))
    return Answer(204, headers=ask.wait(outcome.revision, ()), revision=outcome.revision)


def _creation(resource: Resource, wanted: Sequence[Asked], means: Means) -> Callable[[Transaction], list[Row]]:
    def rules(tx: Transaction) -> list[Row]:
        rows = []
        for place, (project_id, wish) in enumerate(wanted):
            try:
                rows.append(resource.create(tx, project_id, wish, means))
            except Refused as refused:
                if len(wanted) > 1:
                    refused.detail = refused.detail or f"{resource.plural}[{place}]"
                raise
        return rows

    return rules


def _read_one(resource: Resource, body: object, may: May) -> Asked:
    if not isinstance(body, dict) or set(body) != {resource.name}:
        raise bad_request(f"Unable to find '{resource.name}' in request body, or more than that is in it.")
    faults: dict[str, str] = {}
    asked = read(resource, body[resource.name], may, resource.name, faults)
    refuse(faults)
    return asked


def _read_bulk(resource: Resource, items: object) -> list[Asked]:
    if not isinstance(items, list) or not items:
        raise bad_request(f"Resources required: '{resource.plural}' must be a list with something in it.")
    if len(items) > MAX_BULK:
        raise HttpError(
            413,
            "HTTPRequestEntityTooLarge",
            f"{len(items)} {resource.plural} in one request are more than {MAX_BULK}.",
        )
    faults: dict[str, str] = {}
    where = resource.plural
    wanted = [read(resource, item, May.CREATE, f"{where}[{place}]", faults) for place, item in enumerate(items)]
    refuse(faults)
    return wanted


def _wait(resource: Resource, ask: Ask, revision: int, rows: Sequence[Row]) -> tuple[tuple[str, str], ...]:
    return ask.wait(revision, [row.row_id for row in rows] if resource.kind is Port else ())


def _now(ask: Ask, row: Row) -> Row:
    """The row as it is by now; as it was written, when it is gone already."""
    return ask.view.model.get(type(row), row.row_id) or row


def _required(resource: Resource, ask: Ask, row_id: str) -> None:
    if ask.view.model.get(resource.kind, row_id) is None:
        raise missing(resource, row_id)


def missing(resource: Resource, row_id: str) -> NotFound:
    return NotFound(f"{resource.name.capitalize()} {row_id[:64]} could not be found.", resource.not_found)
