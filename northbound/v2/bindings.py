"""Port bindings: `/ports/ID/bindings` (the extension binding-extended)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from controller.intent import bindings
from controller.model.rows import Binding, Port
from controller.runtime.errors import Invalid
from controller.store.transaction import Transaction

from ..answer import Response, as_json
from ..ask import Ask
from ..body import json_body
from ..checks import Fault, filled, one_of
from ..errors import bad_request
from ..resource import BAD_REQUEST
from ..routes import RouteTable
from ..structures import profile
from .engine import found
from .ports import PORTS, VIF_DETAILS
from .visibility import target

ATTRIBUTES = ("host", "vnic_type", "profile")


def add(routes: RouteTable) -> None:
    path = "v2.0/ports/*/bindings"
    routes.add(path, {"GET": list_all, "POST": create})
    routes.add(f"{path}/*", {"GET": show, "PUT": update, "DELETE": delete})
    routes.add(f"{path}/*/activate", {"PUT": activate})


def list_all(ask: Ask, port_id: str) -> Response:
    port = _allowed(ask, port_id, "get")
    query = ask.query()
    shown = [_shown(*each) for each in bindings.of(port)]
    unknown = sorted(query.keys() - {"fields", *(shown[0] if shown else ("host",))})
    if unknown:
        raise Invalid(f"{[name[:64] for name in unknown]} is invalid attribute for filtering.", BAD_REQUEST)
    return as_json(200, {"bindings": [each for each in shown if _asked(each, query)]})


def show(ask: Ask, port_id: str, host: str) -> Response:
    port = _allowed(ask, port_id, "get")
    return as_json(200, {"binding": _shown(*bindings.find(port, host))})


def create(ask: Ask, port_id: str) -> Response:
    _allowed(ask, port_id, "create")
    given = _body(ask, ("host",))
    request = Binding(_checked("host", filled, given["host"]), _profile(given))
    return _written(ask, 201, request.host, lambda tx: bindings.create(tx, port_id, request, ask.means))


def update(ask: Ask, port_id: str, host: str) -> Response:
    _allowed(ask, port_id, "update")
    given = _body(ask, ())
    if given.get("host", host) != host:
        raise bad_request("Cannot update read-only attribute host.")
    if "profile" not in given:
        return show(ask, port_id, host)
    return _written(ask, 200, host, lambda tx: bindings.update(tx, port_id, host, _profile(given), ask.means))


def delete(ask: Ask, port_id: str, host: str) -> Response:
    _allowed(ask, port_id, "delete")
    outcome = ask.transact(lambda tx: bindings.delete(tx, port_id, host, ask.means))
    return Response(204, revision=outcome.revision)


def activate(ask: Ask, port_id: str, host: str) -> Response:
    _allowed(ask, port_id, "update")
    return _written(ask, 200, host, lambda tx: bindings.activate(tx, port_id, host, ask.means))


def _written(ask: Ask, status: int, host: str, rules: Callable[[Transaction], Port]) -> Response:
    port, revision = ask.transact(rules)
    return as_json(status, {"binding": _shown(*bindings.find(port, host))}, revision)


def _shown(binding: Binding, active: bool) -> dict[str, Any]:
    return {
        "host": binding.host,
        "profile": msgspec.json.decode(binding.profile) if binding.profile else {},
        "vif_type": "ovs",
        "vif_details": dict(VIF_DETAILS),
        "vnic_type": "normal",
        "status": "ACTIVE" if active else "INACTIVE",
    }


def _asked(shown: dict[str, Any], query: dict[str, list[str]]) -> bool:
    return all(str(shown[name]) in values for name, values in query.items() if name != "fields")


def _allowed(ask: Ask, port_id: str, verb: str) -> Port:
    row = found(PORTS, ask, port_id)
    ask.context.policy.check(ask.caller, f"{verb}_port_binding", target(PORTS, ask, row))
    assert isinstance(row, Port)
    return row


def _body(ask: Ask, required: tuple[str, ...]) -> dict[str, Any]:
    body = json_body(ask.request)
    if not isinstance(body, dict) or set(body) != {"binding"} or not isinstance(body["binding"], dict):
        raise bad_request("Unable to find 'binding' in request body, or more than that is in it.")
    given: dict[str, Any] = body["binding"]
    unknown = sorted(given.keys() - {*ATTRIBUTES, "project_id", "tenant_id"})
    if unknown:
        raise bad_request(f"Unrecognized attribute(s) {unknown[0][:64]!r}.")
    for name in required:
        if name not in given:
            raise bad_request(f"Invalid input for {name}. Reason: is required, and not specified.")
    _checked("vnic_type", one_of("normal"), given.get("vnic_type", "normal"))
    return given


def _profile(given: dict[str, Any]) -> str:
    checked: dict[str, str] = _checked("profile", profile, given.get("profile"))
    if checked["interface_id"]:
        raise bad_request("Invalid input for profile. Reason: 'interface' is the port's, in its binding:profile.")
    return checked["profile"]


def _checked(name: str, check: Callable[[object], Any], value: object) -> Any:
    try:
        return check(value)
    except Fault as fault:
        raise bad_request(f"Invalid input for {name}. Reason: {fault}.") from None
