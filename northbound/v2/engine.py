"""Engine of v2.0: create, list, show, update and delete, for any declared resource."""

from __future__ import annotations

import logging
import re
from collections import ChainMap
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from controller.intent.env import Means
from controller.model.rows import KINDS, Row, Standard
from controller.runtime import hub
from controller.runtime.errors import Forbidden, NotFound, Refused, Unavailable
from controller.store.transaction import Transaction

from ..answer import SLICE, Response, as_json, as_json_list
from ..ask import Ask, Handler
from ..body import json_body
from ..checks import is_project
from ..errors import HttpError, bad_request
from ..resource import PROJECT, Asked, May, Resource, read, refuse
from . import filters, lists, visibility

log = logging.getLogger("tenet.api")
MAX_BULK = 2_000  # objects in one request: they are one commit, which every member takes in in one go


def collection(resource: Resource) -> dict[str, Handler]:
    """Of a resource below another one, the handlers get the id of that first."""
    handlers: dict[str, Handler] = {"GET": lambda ask, *above: list_all(resource, ask, *above)}
    if resource.create:
        handlers["POST"] = lambda ask, *above: create(resource, ask, *above)
    return handlers


def member(resource: Resource) -> dict[str, Handler]:
    handlers: dict[str, Handler] = {"GET": lambda ask, row_id: show(resource, ask, row_id)}
    if resource.update:
        handlers["PUT"] = lambda ask, row_id: update(resource, ask, row_id)
    if resource.delete:
        handlers["DELETE"] = lambda ask, row_id: delete(resource, ask, row_id)
    elif resource.forget:
        handlers["DELETE"] = lambda ask, row_id: forget(resource, ask, row_id)
    return below(resource, handlers)


def below(resource: Resource, handlers: Mapping[str, Handler]) -> dict[str, Handler]:
    """Handlers of one object, which is looked for below its parent where it has one."""
    if resource.parent is None:
        return dict(handlers)
    return {method: _checked(resource, handler) for method, handler in handlers.items()}


def _checked(resource: Resource, handler: Handler) -> Handler:
    def handled(ask: Ask, above: str, name: str, *more: str) -> Response:
        _parent(resource, ask, above)
        row = resource.part(ask.view.model, above, name)
        if row is None:
            raise missing(resource, name)
        return handler(ask, row.row_id, *more)

    return handled


def _parent(resource: Resource, ask: Ask, above: str) -> None:
    """Raises NotFound for a parent that the caller does not see."""
    if resource.parent is not None:
        found(resource.parent, ask, above)


# --- reading ----------------------------------------------------------------------------------------------------------


def list_all(resource: Resource, ask: Ask, above: str = "") -> Response:
    _parent(resource, ask, above)
    query = ask.query()
    seed(resource, ask, query)
    names = filters.fields(resource, query)
    page = lists.Page(resource, query)
    view = ask.view
    hidden = visibility.hidden(resource, ask)
    found = filters.Selection(resource, view, query, hidden, above)
    if not visibility.may_list(resource, ask):
        rows = page.of([])
    elif page.limit and not lists.sorts(query) and not visibility.judges(resource, ask):
        rows = page.first(found)
    else:
        rows = visibility.judged(resource, ask, list(found.rows()))
        rows = page.of(lists.ordered(resource, view, rows, query, hidden))
    shown = visibility.each_shown(resource, ask, rows, names)
    return as_json_list(200, resource.plural, shown, page.links(ask.request, rows))


def seed(resource: Resource, ask: Ask, query: Mapping[str, Sequence[str]]) -> None:
    """Make what every project has for the one that asks, or that an operator asks about, when it has none yet.

    A read is answered also while the store takes no writes.
    """
    if resource.seed is None:
        return
    project = ask.caller.project_id
    if ask.caller.operator:
        project = next((values[0] for name in PROJECT if (values := query.get(name))), project)
    if not is_project(project) or resource.seed.there(ask.view.model, project):
        return
    made = resource.seed.make
    try:
        ask.transact(lambda tx: made(tx, project, ask.means))
    except Unavailable as error:
        log.warning("project %s is without its default %s: %s", project, resource.name, error)


def show(resource: Resource, ask: Ask, row_id: str) -> Response:
    row = found(resource, ask, row_id)
    names = filters.fields(resource, ask.query())
    return as_json(200, {resource.name: visibility.shown(resource, ask, [row], names)[0]})


def found(resource: Resource, ask: Ask, row_id: str) -> Row:
    """A row that the caller may see.  Raises NotFound for any other."""
    view = ask.view
    row = view.model.get(resource.kind, row_id)
    if not visibility.there(view, resource.kind, row) or row is None:
        raise missing(resource, row_id)
    try:
        ask.context.policy.check(ask.caller, f"get_{resource.policy_name}", visibility.target(resource, ask, row))
    except Forbidden:
        raise missing(resource, row_id) from None
    return row


# --- writing ----------------------------------------------------------------------------------------------------------


def create(resource: Resource, ask: Ask, above: str = "") -> Response:
    """One object, or with {plural: [...]} many: all of them or none."""
    _parent(resource, ask, above)
    body = json_body(ask.request)
    if isinstance(body, dict) and set(body) == {resource.plural}:
        items = _unwrapped(resource, body[resource.plural])
        wanted = _read_bulk(resource, items)
        bulk = True
    else:
        wanted = [_read_one(resource, body, May.CREATE)]
        items = [body[resource.name]] if isinstance(body, dict) else []
        bulk = False
    wanted = [Asked(_project(ask, asked.project_id), asked.request) for asked in wanted]
    for item, asked in hub.taking_turns(zip(items, wanted, strict=True), SLICE):
        _allow_create(resource, ask, item, asked.project_id, above)
        if above and resource.on is not None:
            asked.request[resource.on.field] = above
    rows, revision = ask.transact(_creation(resource, wanted, ask.means))
    headers = _wait(resource, ask, revision, rows)
    shown = visibility.each_shown(resource, ask, (now(ask, row) for row in rows))
    if bulk:
        return as_json_list(201, resource.plural, shown, None, revision, headers)
    return as_json(201, {resource.name: next(shown)}, revision, headers)


def update(resource: Resource, ask: Ask, row_id: str) -> Response:
    """A body that cannot be is refused before it is asked whether the object is there, as in OpenStack."""
    body = json_body(ask.request)
    asked = _read_one(resource, body, May.UPDATE)
    row = found(resource, ask, row_id)
    item: dict[str, Any] = body[resource.name] if isinstance(body, dict) else {}
    changed = ChainMap(item, visibility.target(resource, ask, row))  # type: ignore[arg-type]  # it is read, no more
    allow(resource, ask, row, f"update_{resource.policy_name}", changed, item)
    condition = Condition.of(ask)

    def rules(tx: Transaction) -> Row:
        condition.check(resource, tx, row_id)
        assert resource.update is not None  # or there would be no PUT
        return resource.update(tx, row_id, asked.request, ask.means)

    row, revision = ask.transact(rules)
    headers = _wait(resource, ask, revision, [row])
    shown = visibility.shown(resource, ask, [now(ask, row)])[0]
    return as_json(200, {resource.name: shown}, revision, headers)


def delete(resource: Resource, ask: Ask, row_id: str) -> Response:
    row = found(resource, ask, row_id)
    allow(resource, ask, row, f"delete_{resource.policy_name}", visibility.target(resource, ask, row))
    condition = Condition.of(ask)

    def rules(tx: Transaction) -> None:
        condition.check(resource, tx, row_id)
        assert resource.delete is not None  # or there would be no DELETE
        resource.delete(tx, row_id, ask.means)

    revision = ask.transact(rules).revision
    return Response(204, headers=ask.wait(revision, ()), revision=revision)


def forget(resource: Resource, ask: Ask, row_id: str) -> Response:
    row = found(resource, ask, row_id)
    ask.context.policy.check(ask.caller, f"delete_{resource.policy_name}", visibility.target(resource, ask, row))
    ask.refuse_dry_run()
    assert resource.forget is not None  # or there would be no DELETE
    resource.forget(ask, row_id)
    return Response(204)


class Condition(NamedTuple):
    """The If-Match header: `revision_number=N` (the extension revision-if-match); None where there is none."""

    revision: int | None

    @classmethod
    def of(cls, ask: Ask) -> Condition:
        given: str = ask.request.environ.get("HTTP_IF_MATCH", "*").strip()
        if given == "*":
            return cls(None)
        matched = re.fullmatch(r"revision_number=([0-9]{1,18})", given)
        if not matched:
            raise bad_request("If-Match must be of the form revision_number=N.")
        return cls(int(matched[1]))

    def check(self, resource: Resource, tx: Transaction, row_id: str) -> None:
        """Raises HttpError (412); within the transaction, so that what was checked is what is written to."""
        row = tx.get(resource.kind, row_id)
        if self.revision is None or row is None:
            return
        if isinstance(row, Standard) and tx.model.revision_of(row) == self.revision:
            return
        raise HttpError(
            412, "RevisionNumberConstraintFailed", f"Constrained to {self.revision}, but current revision is another."
        )


def _creation(resource: Resource, wanted: Sequence[Asked], means: Means) -> Callable[[Transaction], list[Row]]:
    def rules(tx: Transaction) -> list[Row]:
        rows = []
        for place, (project_id, request) in hub.taking_turns(enumerate(wanted), SLICE):
            try:
                assert resource.create is not None  # or there would be no POST
                rows.append(resource.create(tx, project_id, request, means))
            except Refused as refused:
                if len(wanted) > 1:
                    refused.detail = refused.detail or f"{resource.plural}[{place}]"
                raise
        return rows

    return rules


# --- who may ----------------------------------------------------------------------------------------------------------


def _project(ask: Ask, project_id: str) -> str:
    if project_id not in ("", ask.caller.project_id) and not ask.caller.operator:
        raise bad_request(
            "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin "
            "privileges."
        )
    if not (project_id or ask.caller.project_id):
        raise bad_request("Running without a project: 'project_id' must be specified.")
    return project_id or ask.caller.project_id


def allow(
    resource: Resource, ask: Ask, row: Row, action: str, target: Mapping[str, Any], attributes: Collection[str] = ()
) -> None:
    """Raises Forbidden, or NotFound to guests of a resource that is `missing_to_guests`."""
    try:
        ask.context.policy.check(ask.caller, action, target, attributes)
    except Forbidden:
        if resource.missing_to_guests and getattr(row, "project_id", "") != ask.caller.project_id:
            raise missing(resource, row.row_id) from None
        raise


def _allow_create(resource: Resource, ask: Ask, item: Mapping[str, Any], project_id: str, above: str) -> None:
    """What refers to a network that the caller does not see is NotFound before it is Forbidden."""
    on = resource.on
    on_id = above or (item.get(on.field) if on is not None else None)
    if on is not None and isinstance(on_id, str):
        kind = KINDS[on.to]
        if not visibility.there(ask.view, kind, ask.view.model.get(kind, on_id)):
            raise NotFound(f"{kind.__name__} {on_id[:64]} could not be found.", f"{kind.__name__}NotFound")
    said = {**item, "project_id": project_id, "tenant_id": project_id}
    whole = visibility.RuleTarget(said, resource, ask, on_id if isinstance(on_id, str) else "")
    ask.context.policy.check(ask.caller, f"create_{resource.policy_name}", whole, item)


def _read_one(resource: Resource, body: object, may: May) -> Asked:
    if not isinstance(body, dict) or set(body) != {resource.name}:
        raise bad_request(f"Unable to find '{resource.name}' in request body, or more than that is in it.")
    faults: dict[str, str] = {}
    asked = read(resource, body[resource.name], may, resource.name, faults)
    refuse(faults)
    return asked


def _unwrapped(resource: Resource, items: Any) -> Any:
    """Each item of a bulk may be {name: object}, as OpenStack's server takes it too."""
    if not isinstance(items, list):
        return items
    return [item[resource.name] if isinstance(item, dict) and set(item) == {resource.name} else item for item in items]


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
    each = hub.taking_turns(enumerate(items), SLICE)
    wanted = [read(resource, item, May.CREATE, f"{where}[{place}]", faults) for place, item in each]
    refuse(faults)
    return wanted


def _wait(resource: Resource, ask: Ask, revision: int, rows: Sequence[Row]) -> tuple[tuple[str, str], ...]:
    return ask.wait(revision, [row.row_id for row in rows] if resource.confirmed else ())


def now(ask: Ask, row: Row) -> Row:
    """The row as it is by now; as it was written, when it is gone already."""
    return ask.view.model.get(type(row), row.row_id) or row


def missing(resource: Resource, row_id: str) -> NotFound:
    title = resource.name.replace("_", " ").capitalize()
    return NotFound(f"{title} {row_id[:64]} could not be found.", resource.not_found)
