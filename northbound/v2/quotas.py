"""Quotas: each project's limits, what of them is in use, and the defaults."""

from __future__ import annotations

from typing import Any

from controller.intent import quotas
from controller.model.rows import Quota
from controller.model.rows.base import QUOTAS
from controller.runtime.errors import NotFound

from ..answer import Response, as_json
from ..ask import Ask
from ..body import json_body
from ..checks import Fault, boolean, filled, is_project
from ..errors import bad_request
from ..routes import RouteTable
from ..structures import limits

SWITCHES = ("check_limit", "force")
NOT_LIMITS = ("project_id", "tenant_id", *SWITCHES)  # what some clients say beside the limits


def add(routes: RouteTable) -> None:
    routes.add("v2.0/quotas", {"GET": list_all})
    # which is what clients ask about themselves
    routes.add("v2.0/quotas/tenant", {"GET": whose})
    routes.add("v2.0/quotas/project", {"GET": whose})
    routes.add("v2.0/quotas/*", {"GET": show, "PUT": update, "DELETE": delete})
    routes.add("v2.0/quotas/*/default", {"GET": defaults})
    routes.add("v2.0/quotas/*/details", {"GET": details})


def list_all(ask: Ask) -> Response:
    """Of projects that have limits of their own."""
    own = ask.caller.project_id
    rows = ask.view.model.rows(Quota)
    projects = sorted(rows) if ask.caller.operator else [own] if own in rows else []
    found = [_shown(ask, each) | {"project_id": each, "tenant_id": each} for each in projects]
    return as_json(200, {"quotas": found})


def whose(ask: Ask) -> Response:
    project = ask.caller.project_id
    return as_json(200, {"tenant": {"tenant_id": project}, "project": {"project_id": project}})


def show(ask: Ask, project_id: str) -> Response:
    _allow(ask, project_id, "get")
    return as_json(200, {"quota": _shown(ask, project_id)})


def defaults(ask: Ask, project_id: str) -> Response:
    _allow(ask, project_id, "get")
    return as_json(200, {"quota": _defaults(ask)})


def details(ask: Ask, project_id: str) -> Response:
    _allow(ask, project_id, "get")
    found = {
        name: {"limit": limit, "used": quotas.used(ask.view.model, project_id, name), "reserved": 0}
        for name, limit in _shown(ask, project_id).items()
    }
    return as_json(200, {"quota": found})


def update(ask: Ask, project_id: str) -> Response:
    _allow(ask, project_id, "update")
    body = json_body(ask.request)
    if not isinstance(body, dict) or set(body) != {"quota"}:
        raise bad_request("Unable to find 'quota' in request body, or more than that is in it.")
    try:
        filled(project_id)
        forced, given = _forced(body["quota"])
        request = limits(list(QUOTAS))(given)
    except Fault as fault:
        raise bad_request(f"Invalid input for quota. Reason: {fault}.") from None
    revision = ask.transact(lambda tx: quotas.change(tx, project_id, request, forced)).revision
    return as_json(200, {"quota": _shown(ask, project_id)}, revision)


def delete(ask: Ask, project_id: str) -> Response:
    _allow(ask, project_id, "delete")
    return Response(204, revision=ask.transact(lambda tx: quotas.reset(tx, project_id)).revision)


def _forced(given: object) -> tuple[bool, object]:
    """Whether limits may be below what is in use, and the limits: without what some clients repeat of the path.

    The extension quota-check-limit-default: checked unless `force` is true; `check_limit` asks for what is so anyhow.
    """
    if not isinstance(given, dict):
        return False, given
    forced, checked = (boolean(given.get(name, False)) for name in ("force", "check_limit"))
    return forced and not checked, {name: value for name, value in given.items() if name not in NOT_LIMITS}


def _shown(ask: Ask, project_id: str) -> dict[str, int]:
    return quotas.limits(ask.view.model.get(Quota, project_id), _defaults(ask))


def _defaults(ask: Ask) -> dict[str, int]:
    return quotas.defaults(ask.context.limits)


def _sees(ask: Ask, project_id: str) -> bool:
    return ask.caller.operator or ask.caller.project_id == project_id


def _allow(ask: Ask, project_id: str, verb: str) -> None:
    """Another project's quota does not exist; neither does that of what cannot be a project."""
    if not _sees(ask, project_id) or not is_project(project_id):
        raise NotFound(f"Quota for project {project_id[:64]} could not be found.", "ProjectQuotaNotFound")
    whose: dict[str, Any] = {"project_id": project_id, "tenant_id": project_id}
    ask.context.policy.check(ask.caller, f"{verb}_quota", whose)
