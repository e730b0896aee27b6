"""The calls that are not of a declared resource."""

from __future__ import annotations

from typing import Any

from .. import structures
from ..schema import Schema, of
from ..v1.dialect import Dialect
from . import errors
from .paths import DRY, ID, Call, answer, call, dry, parameter
from .resources import OBJECT, TEXT, TEXTS, WHOLE

Paths = dict[str, dict[str, Call]]
HOST = parameter("host", TEXT, "The binding's host.", "path")
PROJECT = parameter("project", TEXT, "The project.", "path")


def _get(
    tag: str, name: str, summary: str, *parameters: dict[str, Any], root: str = "NeutronError", shape: Schema = OBJECT
) -> Call:
    return call(tag, name, summary, answer(200, "As asked.", shape), errors.READ, parameters=parameters, root=root)


def _wrapped(root: str, schema: Schema) -> Schema:
    return {"type": "object", "properties": {root: schema}, "required": [root]}


def discovery() -> Paths:
    alias = parameter("alias", TEXT, "The extension's alias.", "path")
    return {
        "/": {"get": _get("discovery", "versions", "The versions of the API.", root="TenetError")},
        "/v2.0": {"get": _get("discovery", "resources", "The resources of v2.0.")},
        "/v2.0/extensions": {"get": _get("discovery", "listExtensions", "The extensions of v2.0.")},
        "/v2.0/extensions/{alias}": {"get": _get("discovery", "showExtension", "One extension.", alias)},
        "/v2.0/availability_zones": {"get": _get("discovery", "listAvailabilityZones", "Where networks can be.")},
        "/v2.0/service-providers": {"get": _get("discovery", "listServiceProviders", "An empty list.")},
    }


def quotas() -> Paths:
    whole = _wrapped("quota", OBJECT)
    wanted = _wrapped("quota", OBJECT)
    path = "/v2.0/quotas"
    return {
        path: {"get": _get("quotas", "listQuotas", "Quotas of projects that have some of their own.")},
        f"{path}/{{project}}": {
            "get": _get("quotas", "showQuota", "A project's quota.", PROJECT, shape=whole),
            "put": call("quotas", "updateQuota", "Set a project's quota.", answer(200, "As it is now.", whole),
                        errors.WRITE, parameters=(PROJECT, DRY), body=wanted),
            "delete": call("quotas", "deleteQuota", "Back to the defaults.", answer(204, "Done.") | dry(),
                           errors.WRITE, parameters=(PROJECT, DRY)),
        },
        f"{path}/{{project}}/default": {"get": _get("quotas", "defaultQuota", "The defaults.", PROJECT, shape=whole)},
        f"{path}/{{project}}/details": {"get": _get("quotas", "quotaDetails", "What is in use.", PROJECT, shape=whole)},
    }  # fmt: skip


def bindings() -> Paths:
    path = "/v2.0/ports/{id}/bindings"
    whole = _wrapped("binding", OBJECT)
    return {
        path: {
            "get": _get("ports", "listPortBindings", "The bindings of a port.", ID),
            "post": call("ports", "createPortBinding", "Bind the port to one host more.", answer(201, "Bound.", whole)
                         | dry(), errors.WRITE, parameters=(ID, DRY), body=whole),
        },
        f"{path}/{{host}}": {
            "get": _get("ports", "showPortBinding", "One binding.", ID, HOST, shape=whole),
            "put": call("ports", "updatePortBinding", "Change a binding's profile.", answer(200, "As it is.", whole),
                        errors.WRITE, parameters=(ID, HOST, DRY), body=whole),
            "delete": call("ports", "deletePortBinding", "Remove a binding.", answer(204, "Gone.") | dry(),
                           errors.WRITE, parameters=(ID, HOST, DRY)),
        },
        f"{path}/{{host}}/activate": {
            "put": call("ports", "activatePortBinding", "Make it the binding in force.", answer(200, "Active.", whole),
                        errors.WRITE, parameters=(ID, HOST, DRY)),
        },
    }  # fmt: skip


def prefixes() -> Paths:
    found: Paths = {}
    body: Schema = {"type": "object", "properties": {"prefixes": of(structures.prefixes)}, "required": ["prefixes"]}
    for name in ("add_prefixes", "remove_prefixes"):
        found[f"/v2.0/subnetpools/{{id}}/{name}"] = {
            "put": call("subnetpools", name, "Change the pool's prefixes.", answer(200, "All of them.", body),
                        errors.WRITE, parameters=(ID, DRY), body=body)}  # fmt: skip
    return found


def quantum(dialect: Dialect) -> Paths:
    """v1.0 and v1.1; their errors are in a form of their own, with the statuses of the dialect."""
    tag = dialect.version
    base = f"/{tag}/tenants/{{tenant}}"
    tenant = parameter("tenant", TEXT, "The tenant.", "path")
    network = parameter("network", TEXT, "The network's id.", "path")
    port = parameter("port", TEXT, "The port's id.", "path")
    statuses = sorted({400, 401, 403, 404, 405, 409, 411, 413, 415, 500, 503, *dialect.codes.values()})
    refusals = {str(each): {"description": "Refused."} for each in statuses}

    def one(name: str, status: int, *parameters: dict[str, Any], body: Schema | None = None) -> Call:
        more = () if status == 200 and body is None else (DRY,)
        said = answer(status, "Done.", OBJECT if status != 204 else None)
        answers = (dry() if more and status != 200 else {}) | said | refusals
        found = call(tag, f"{name}_{tag}", name, answers, (), parameters=(*parameters, *more), body=body)
        if name == "createPort":  # whose body may be missing
            found["requestBody"]["required"] = False
        return found

    def crud(kind: str, path: str, inner: dict[str, Any], outer: tuple[dict[str, Any], ...]) -> Paths:
        here = (*outer, inner)
        return {
            path: {"get": one(f"list{kind}s", 200, *outer),
                   "post": one(f"create{kind}", dialect.created, *outer, body=OBJECT)},
            f"{path}/detail": {"get": one(f"list{kind}sDetail", 200, *outer)},
            f"{path}/{{{inner['name']}}}": {
                "get": one(f"show{kind}", 200, *here),
                "put": one(f"update{kind}", 204, *here, body=OBJECT),
                "delete": one(f"delete{kind}", 204, *here),
            },
            f"{path}/{{{inner['name']}}}/detail": {"get": one(f"show{kind}Detail", 200, *here)},
        }  # fmt: skip

    here = (tenant, network, port)
    return {
        f"/{tag}": {"get": one("version", 200)},
        f"/{tag}/extensions": {"get": one("extensions", 200)},
        **crud("Network", f"{base}/networks", network, (tenant,)),
        **crud("Port", f"{base}/networks/{{network}}/ports", port, (tenant, network)),
        f"{base}/networks/{{network}}/ports/{{port}}/attachment": {
            "get": one("showAttachment", 200, *here),
            "put": one("plug", 204, *here, body=OBJECT),
            "delete": one("unplug", 204, *here),
        },
    }


def _done(name: str, what: str, status: int, *parameters: Any) -> Any:
    """A call of operators that changes something."""
    found = answer(status, "Done.", OBJECT) if status == 200 else answer(status, "Done.")
    return call("operators", name, what, found, errors.WRITE, parameters=parameters, root="TenetError")


def operators() -> Paths:
    path, root = "/tenet/v1/switches", "TenetError"
    after = parameter("after", WHOLE, "The id of the last event that is known.")
    stream = {"200": {"description": "Server-sent events, until either side ends it.",
                      "content": {"text/event-stream": {"schema": TEXT}}}}  # fmt: skip
    metrics = {"200": {"description": "In Prometheus' format.", "content": {"text/plain": {"schema": TEXT}}}}
    return {
        "/healthz": {"get": {**_get("operators", "health", "Whether the process serves.", root=root), "responses": {
            **answer(200, "It does.", OBJECT), **errors.of(root, (400, 405, 500))}}},
        "/readyz": {"get": {**_get("operators", "ready", "Whether to send requests here.", root=root), "responses": {
            **answer(200, "Yes.", OBJECT), **answer(503, "Rather not: why, for the operator.", OBJECT),
            **errors.of(root, (400, 405, 500))}}},
        "/metrics": {"get": call("operators", "metrics", "Metrics.", metrics, errors.READ, root=root)},
        path: {"get": _get("operators", "listSwitches", "The switches.", root=root)},
        f"{path}/{{id}}": {
            "get": _get("operators", "showSwitch", "One switch.", ID, root=root),
            "delete": call("operators", "removeSwitch", "Forget a switch that is gone for good.",
                           answer(204, "Forgotten."), errors.WRITE, parameters=(ID,), root=root),
        },
        f"{path}/{{id}}/flows": {"get": _get("operators", "listFlows", "Its flows and their owners.", ID, root=root)},
        "/tenet/v1/cluster": {"get": _get("operators", "showCluster", "Members, and what each masters.", root=root)},
        "/tenet/v1/cluster/accept-empty": {"post": _done("acceptEmpty", "Accept a model that has shrunk.", 204)},
        "/tenet/v1/cluster/members/{id}": {"delete": _done("forgetMember", "Remove a member that is gone.", 204, ID)},
        "/tenet/v1/cluster/members/{id}/drain": {
            "post": _done("drain", "Hand a member's switches to others.", 200, ID),
            "delete": _done("undrain", "Let a member have switches again.", 200, ID),
        },
        "/tenet/v1/links": {"get": _get("operators", "listLinks", "The wires between switches.", root=root)},
        "/tenet/v1/topology": {"get": _get("operators", "topology", "Switches, wires and ports.", root=root)},
        "/tenet/v1/trace": {"get": _get("operators", "trace", "What becomes of a frame between two ports.",
                                        parameter("from", TEXT, "A port: id, name or interface."),
                                        parameter("to", TEXT, "A port: id, name or interface."), root=root)},
        "/tenet/v1/unreachable": {"get": _get("operators", "unreachable", "Pairs that are not joined.", root=root)},
        "/tenet/v1/refused": {"get": _get("operators", "refused", "Connections that were refused.", root=root)},
        "/tenet/v1/events": {"get": call("events", "events", "What changes, as it changes.", stream,
                                         (*errors.READ, 410), parameters=(after,), root=root)},
    }  # fmt: skip


SCHEMAS: dict[str, Schema] = {
    "Link": {"type": "object", "properties": {"rel": TEXT, "href": {"type": "string", "format": "uri"}}},
    "Tags": {"type": "object", "properties": {"tags": {"type": "array", "items": of(structures.tag)}},
             "required": ["tags"], "additionalProperties": False},
    "Plan": {"type": "object", "required": ["objects"], "properties": {
        "objects": {"type": "array", "items": OBJECT, "description": "Each that would change."},
        "switches": {"type": "array", "description": "For operators only.", "items": {"type": "object", "properties": {
            "switch_id": TEXT, "host": TEXT, "added": TEXTS, "removed": TEXTS}}},
    }},
}  # fmt: skip
