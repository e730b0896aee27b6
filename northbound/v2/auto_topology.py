"""`/auto-allocated-topology/PROJECT`: the project's network with a way out, made by the first GET."""

from __future__ import annotations

from controller.intent import auto_topology
from controller.runtime.errors import NotFound
from controller.store.transaction import Transaction

from ..answer import Response, as_json
from ..ask import Ask
from ..checks import is_project
from ..errors import bad_request
from ..routes import RouteTable

DRY_RUN = "dry-run"  # as a field: only whether one could be made
OWN = "None"  # what clients say for "my project"


def add(routes: RouteTable) -> None:
    routes.add("v2.0/auto-allocated-topology/*", {"GET": get, "DELETE": delete})


def get(ask: Ask, project_id: str) -> Response:
    """Who may not create networks and routers gets what is there already, and makes nothing."""
    project = _allowed(ask, project_id, "get")
    fields = ask.query().get("fields", [])
    if DRY_RUN in fields:
        auto_topology.check(Transaction(ask.view.model))
        return _shown("dry-run=pass", project)
    if fields:
        raise bad_request("Bad auto_allocate request: Unrecognized field.")
    there = auto_topology.there(ask.view.model, project)
    if there is not None:
        return _shown(there.network_id, project)
    whose = {"project_id": project, "tenant_id": project}
    for action in ("create_network", "create_subnet", "create_router", "add_router_interface"):
        ask.context.policy.check(ask.caller, action, {**whose, "network:project_id": project})
    made, revision = ask.transact(lambda tx: auto_topology.get(tx, project, ask.means))
    return _shown(made.network_id, project, revision)


def delete(ask: Ask, project_id: str) -> Response:
    project = _allowed(ask, project_id, "delete")
    outcome = ask.transact(lambda tx: auto_topology.delete(tx, project, ask.means))
    return Response(204, revision=outcome.revision)


def _shown(network_id: str, project: str, revision: int = 0) -> Response:
    shown = {"id": network_id, "project_id": project, "tenant_id": project}
    return as_json(200, {"auto_allocated_topology": shown}, revision)


def _allowed(ask: Ask, project_id: str, verb: str) -> str:
    """The project that is meant.  That of others does not exist, nor what cannot be a project."""
    project = ask.caller.project_id if project_id == OWN else project_id
    if not (ask.caller.operator or project == ask.caller.project_id) or not is_project(project):
        raise NotFound(f"Project {project_id[:64]} could not be found.", "NotFound")
    whose = {"project_id": project, "tenant_id": project}
    ask.context.policy.check(ask.caller, f"{verb}_auto_allocated_topology", whose)
    return project
