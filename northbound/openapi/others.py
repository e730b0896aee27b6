"""OpenAPI paths of calls that are of no declared resource."""

from __future__ import annotations

from typing import Any

from controller.model.rows.base import QUOTAS

from .. import checks, structures
from ..endpoint import Endpoint
from ..endpoints import ENDPOINTS
from ..schema import OBJECT, TEXTS, Schema, closed, either, of
from ..schema import SHOWN_TEXT as TEXT
from ..v2.quotas import NOT_LIMITS, SWITCHES
from . import errors
from .paths import DRY, ID, Call, answer, call, dry, or_plan, parameter

Paths = dict[str, dict[str, Call]]
HOST = parameter("host", TEXT, "The binding's host.", "path")
PROJECT = parameter("project", of(checks.filled), "The project.", "path")


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
        "/v2.0/service-providers": {
            "get": _get("discovery", "listServiceProviders", "What service profiles may name as their driver.")
        },
        "/v2.0/log/loggable-resources": {
            "get": _get("logs", "listLoggableResources", "The kinds of objects whose decisions can be logged.")
        },
        "/v2.0/floatingip_pools": {
            "get": _get("floatingips", "listFloatingipPools", "Subnets that floating IPs have their addresses from.")
        },
    }


def quotas() -> Paths:
    whole = _wrapped("quota", OBJECT)
    beside = {name: of(checks.boolean) if name in SWITCHES else {} for name in NOT_LIMITS}
    limits = of(structures.limits([*QUOTAS]))["properties"] | beside
    wanted = closed({"quota": closed(limits)}, "quota")
    path = "/v2.0/quotas"
    return {
        path: {"get": _get("quotas", "listQuotas", "Quotas of projects that have some of their own.")},
        f"{path}/{{project}}": {
            "get": _get("quotas", "showQuota", "A project's quota.", PROJECT, shape=whole),
            "put": call("quotas", "updateQuota", "Set a project's quota.", or_plan("As it is now.", whole),
                        errors.WRITE, parameters=(PROJECT, DRY), body=wanted),
            "delete": call("quotas", "deleteQuota", "Back to the defaults.", answer(204, "Done.") | dry(),
                           errors.WRITE, parameters=(PROJECT, DRY)),
        },
        f"{path}/{{project}}/default": {"get": _get("quotas", "defaultQuota", "The defaults.", PROJECT, shape=whole)},
        f"{path}/{{project}}/details": {"get": _get("quotas", "quotaDetails", "What is in use.", PROJECT, shape=whole)},
    }  # fmt: skip


def auto_topology() -> Paths:
    whole = _wrapped("auto_allocated_topology", closed({"id": TEXT, "project_id": TEXT, "tenant_id": TEXT}))
    check = parameter("fields", TEXTS, "dry-run: only whether one could be made.")
    tag = "auto-allocated-topology"
    return {
        "/v2.0/auto-allocated-topology/{project}": {
            "get": call(tag, "getAutoAllocatedTopology", "The project's network with a way out: made now if need be.",
                        answer(200, "It.", whole), (*errors.READ, 409), parameters=(PROJECT, check)),
            "delete": call(tag, "deleteAutoAllocatedTopology", "Remove that network and its router.",
                           answer(204, "Gone.") | dry(), errors.WRITE, parameters=(PROJECT, DRY)),
        },
    }  # fmt: skip


def bindings() -> Paths:
    path = "/v2.0/ports/{id}/bindings"
    whole = _wrapped("binding", OBJECT)
    parts = {"vnic_type": either("normal"), "profile": of(structures.profile), "project_id": {}, "tenant_id": {}}
    made = closed({"binding": closed({"host": of(checks.filled), **parts}, "host")}, "binding")
    changed = closed({"binding": closed({"host": TEXT, **parts})}, "binding")
    return {
        path: {
            "get": _get("ports", "listPortBindings", "The bindings of a port.", ID),
            "post": call("ports", "createPortBinding", "Bind the port to one host more.", answer(201, "Bound.", whole)
                         | dry(), errors.WRITE, parameters=(ID, DRY), body=made),
        },
        f"{path}/{{host}}": {
            "get": _get("ports", "showPortBinding", "One binding.", ID, HOST, shape=whole),
            "put": call("ports", "updatePortBinding", "Change a binding's profile.", or_plan("As it is.", whole),
                        errors.WRITE, parameters=(ID, HOST, DRY), body=changed),
            "delete": call("ports", "deletePortBinding", "Remove a binding.", answer(204, "Gone.") | dry(),
                           errors.WRITE, parameters=(ID, HOST, DRY)),
        },
        f"{path}/{{host}}/activate": {
            "put": call("ports", "activatePortBinding", "Make it the binding in force.", or_plan("Active.", whole),
                        errors.WRITE, parameters=(ID, HOST, DRY)),
        },
    }  # fmt: skip


def flavors() -> Paths:
    path = "/v2.0/flavors/{id}/service_profiles"
    profile = parameter("profile", TEXT, "The service profile's id.", "path")
    whole = _wrapped("service_profile", OBJECT)
    wanted = closed({"service_profile": closed({"id": of(checks.uuid), "project_id": {}, "tenant_id": {}}, "id")},
                    "service_profile")  # fmt: skip
    return {
        path: {
            "get": _get("flavors", "listFlavorProfiles", "The service profiles of a flavor.", ID),
            "post": call("flavors", "associateFlavorProfile", "Let a flavor consist of a profile more.",
                         answer(201, "Associated.", whole) | dry(), errors.WRITE, parameters=(ID, DRY), body=wanted),
        },
        f"{path}/{{profile}}": {
            "get": _get("flavors", "showFlavorProfile", "One of them.", ID, profile, shape=whole),
            "delete": call("flavors", "dissociateFlavorProfile", "Take a profile out of a flavor.",
                           answer(204, "Gone.") | dry(), errors.WRITE, parameters=(ID, profile, DRY)),
        },
    }  # fmt: skip


def l3_agents() -> Paths:
    path = "/v2.0/agents/{id}/l3-routers"
    router = parameter("router", TEXT, "The router's id.", "path")
    return {
        "/v2.0/routers/{id}/l3-agents": {
            "get": _get("routers", "listRouterAgents", "The hosts that may be the router's gateway.", ID)
        },
        path: {
            "get": _get("agents", "listAgentRouters", "The routers that the host may be the gateway of.", ID),
            "post": call("agents", "addAgentRouter", "Refused: the controller chooses.", {}, errors.WRITE,
                         parameters=(ID,)),
        },
        f"{path}/{{router}}": {
            method: call("agents", f"{method}AgentRouter", "Refused: the controller chooses.", {}, errors.WRITE,
                         parameters=(ID, router))
            for method in ("put", "delete")
        },
    }  # fmt: skip


def dhcp_agents() -> Paths:
    path = "/v2.0/agents/{id}/dhcp-networks"
    network = parameter("network", TEXT, "The network's id.", "path")
    return {
        "/v2.0/networks/{id}/dhcp-agents": {
            "get": _get("networks", "listNetworkAgents", "The hosts at which the network's DHCP is answered.", ID)
        },
        path: {
            "get": _get("agents", "listAgentNetworks", "The networks whose DHCP is answered at the host.", ID),
            "post": call("agents", "addAgentNetwork", "Refused: it follows from ports.", {}, errors.WRITE,
                         parameters=(ID,)),
        },
        f"{path}/{{network}}": {
            "delete": call("agents", "deleteAgentNetwork", "Refused: it follows from ports.", {}, errors.WRITE,
                           parameters=(ID, network))
        },
    }  # fmt: skip


def operators() -> Paths:
    found: Paths = {}
    for endpoint in ENDPOINTS:
        found.setdefault(endpoint.path, {})[endpoint.method.lower()] = _endpoint(endpoint)
    return found


_PLACES = {"number": "A switch's number.", "key": "The key of a logical port of that switch."}


def _endpoint(endpoint: Endpoint) -> Call:
    content = {"content": {endpoint.media: {"schema": endpoint.shape}}} if endpoint.shape is not None else {}
    answers = {str(endpoint.status): {"description": endpoint.about, **content}}
    for status, about in endpoint.answers.items():
        answers |= answer(status, about, OBJECT)
    usual = errors.WRITE if endpoint.writes else errors.READ
    refusals = [each for each in (*usual, *endpoint.refusals) if each not in endpoint.without]
    parameters = [ID if name == "id" else parameter(name, TEXT, _PLACES[name], "path") for name in endpoint.parameters]
    parameters += [
        parameter(name, schema, about, required=required) for name, about, schema, required in endpoint.query
    ]
    tag = "events" if endpoint.media == "text/event-stream" else "operators"
    return call(tag, endpoint.name, endpoint.summary, answers, refusals, parameters=parameters, root="TenetError")


_PAIRS: Schema = {"type": "array", "items": {**TEXTS, "minItems": 2, "maxItems": 2}}
SCHEMAS: dict[str, Schema] = {
    "Link": {"type": "object", "properties": {"rel": TEXT, "href": {"type": "string", "format": "uri"}}},
    "Tags": closed({"tags": of(structures.tags)}, "tags"),
    "Plan": {"type": "object", "required": ["objects"], "properties": {
        "objects": {"type": "array", "items": OBJECT, "description": "Each that would change."},
        "reachability": {
            "type": "array", "description": "Pairs of networks that a router would join, and would no longer.",
            "items": {"type": "object", "properties": {"router_id": TEXT, "given": _PAIRS, "taken": _PAIRS}}},
        "switches": {"type": "array", "description": "For operators only.", "items": {"type": "object", "properties": {
            "switch_id": TEXT, "host": TEXT, "added": TEXTS, "removed": TEXTS}}},
    }},
}  # fmt: skip
