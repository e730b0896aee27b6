"""Member actions beside CRUD, as resources declare them: PUT PATH/ID/ACTION."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

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
    there = target(resource, ask, row)
    allow(resource, ask, row, action.name, there)
    item = _unwrapped(action, json_body(ask.request))
    request = _read(action, item)
    if action.parts:
        allow(resource, ask, row, action.name, ChainMap(item, there), item)  # type: ignore[arg-type]  # it is read
    condition = Condition.of(ask)

    def rules(tx: Transaction) -> Any:
        condition.check(resource, tx, row_id)
        return action.run(tx, row_id, request, ask.means)

    changed, revision = ask.transact(rules)
    headers = ask.wait(revision, ())
    if action.answer is not None:
        return as_json(200, action.answer(ask.view, changed), revision, headers)
    return as_json(200, {resource.name: shown(resource, ask, [now(ask, changed)])[0]}, revision, headers)


def _unwrapped(action: MemberAction, body: object) -> dict[str, Any]:
    """The attributes of a body.  Raises HttpError for others than the action takes."""
    if action.root:
        body = body.get(action.root) if isinstance(body, dict) and set(body) == {action.root} else None
    given = set(body) if isinstance(body, dict) else set()
    if not isinstance(body, dict) or not (
        given and given <= set(action.takes) if action.choice else given == set(action.takes)
    ):
        names = (" or " if action.choice else ", ").join(repr(name) for name in action.takes)
        raise bad_request(f"Unable to find {names} in request body, or more than that is in it.")
    return body


def _read(action: MemberAction, body: Mapping[str, Any]) -> Mapping[str, Any]:
    request: dict[str, Any] = {}
    for name in body:
        try:
            request[name] = action.takes[name](body[name])
        except Fault as fault:
            raise bad_request(f"Invalid input for {name}. Reason: {fault}.") from None
    return request
