"""Response to a dry run."""

from __future__ import annotations

from typing import Any

from controller.model.overlay import Overlay
from controller.model.rows import Router, Row
from controller.runtime import hub
from controller.runtime.errors import Forbidden

from .answer import SLICE, Response, as_large_json
from .ask import Ask
from .dry_run import Changed, told
from .reachability import reachability
from .resource import ResourceView
from .v2 import visibility
from .v2.catalogue import resource_of


def answer(ask: Ask, changes: Changed) -> Response:
    """Every object that would change and, for operators, every flow.

    Others have their turn between the two and not within either, which looks at the model of one moment.
    """
    turns = hub.Turns(SLICE)
    view = ask.view
    after_all = ResourceView(Overlay(view.model, changes), view.statuses, view.caller, view.naming)
    found = [_object(ask, after_all, *each) for each in told(changes)]
    shown: dict[str, Any] = {"objects": [each for each in found if each is not None]}
    if joined := _reachability(ask, after_all, changes):
        shown["reachability"] = joined
    turns.give()
    if _sees_switches(ask):
        shown["switches"] = ask.context.preview(changes)
    return as_large_json(200, shown)


def _object(ask: Ask, after_all: ResourceView, change: str, row: Row, after: Row | None) -> dict[str, Any] | None:
    view = ask.view
    resource = resource_of(type(row))
    seen = view if change == "delete" else after_all
    if not visibility.sees(seen, row) or (resource is not None and not visibility.judged(resource, ask, [row], seen)):
        return None
    found: dict[str, Any] = {"change": change, "kind": row.kind_name(), "id": row.row_id}
    if resource is not None and after is not None:
        found[resource.name] = visibility.shown(resource, ask, [row], (), after_all)[0]
    return found


def _reachability(ask: Ask, after_all: ResourceView, changes: Changed) -> list[dict[str, Any]]:
    """Of the routers that the caller sees."""
    model, after = ask.view.model, after_all.model
    joined = reachability(model, after, changes)
    rows = [(each, after.get(Router, each["router_id"]) or model.get(Router, each["router_id"])) for each in joined]
    return [each for each, row in rows if row is not None and visibility.sees(ask.view, row)]


def _sees_switches(ask: Ask) -> bool:
    try:
        ask.context.policy.check(ask.caller, "get_switch", {})
    except Forbidden:
        return False
    return True
