"""Member actions beside CRUD, as resources declare them: PUT PATH/ID/ACTION."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.model.rows import Row
from controller.store.transaction import Transaction

from ..answer import Response, as_json
from ..ask import Ask, Handler
from ..body import json_body
from ..checks import Fault
from ..errors import bad_request
from ..resource import MemberAction, Resource
from .engine import Condition, allow, found, now
from .visibility import shown, target


def handlers(resource: Resource, action: MemberAction) -> dict[str, Handler]:
    return {"PUT": lambda ask, row_id: _run(resource, action, ask, row_id)}


def _run(resource: Resource, action: MemberAction, ask: Ask, row_id: str) -> Response:
    row = found(resource, ask, row_id)
    allow(resource, ask, row, action.name, target(resource, ask, row))
    request = _read(action, json_body(ask.request))
    condition = Condition.of(ask)

    def rules(tx: Transaction) -> Row:
        condition.check(resource, tx, row_id)
        return action.run(tx, row_id, request, ask.means)

    changed, revision = ask.transact(rules)
    if action.answer is not None:
        return as_json(200, action.answer(ask.view, changed), revision)
    return as_json(200, {resource.name: shown(resource, ask, [now(ask, changed)])[0]}, revision)


def _read(action: MemberAction, body: object) -> Mapping[str, Any]:
    if not isinstance(body, dict) or set(body) != set(action.takes):
        names = ", ".join(repr(name) for name in action.takes)
        raise bad_request(f"Unable to find {names} in request body, or more than that is in it.")
    request: dict[str, Any] = {}
    for name, check in action.takes.items():
        try:
            request[name] = check(body[name])
        except Fault as fault:
            raise bad_request(f"Invalid input for {name}. Reason: {fault}.") from None
    return request
