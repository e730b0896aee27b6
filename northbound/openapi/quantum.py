"""OpenAPI paths of v1.0 and v1.1: their errors are in a form of their own, with the statuses of the dialect."""

from __future__ import annotations

from typing import Any

from .. import checks
from ..schema import OBJECT, Schema, closed, either, of
from ..schema import SHOWN_TEXT as TEXT
from ..v1.dialect import Dialect
from ..v1.formats import XML
from ..v1.views import STATES
from .paths import DRY, Call, answer, call, dry, parameter

Paths = dict[str, dict[str, Call]]
ALWAYS = (400, 401, 403, 404, 405, 408, 409, 411, 413, 415, 421, 500, 503)
NETWORK = closed({"network": closed({"name": of(checks.text)}, "name")}, "network")
STATE: Schema = closed({"state": either(*STATES)})
NEW_PORT = closed({"port": STATE}, "port")
PORT = closed({"port": {**STATE, "required": ["state"]}}, "port")
ATTACHMENT = closed({"attachment": closed({"id": of(checks.filled)}, "id")}, "attachment")
ERRORS = {"v1.0": "QuantumFault", "v1.1": "QuantumError"}


def schemas() -> dict[str, Schema]:
    """How each says that something is wrong."""
    fault = closed({"code": {"type": "integer"}, "message": TEXT, "detail": TEXT}, "code", "message", "detail")
    error = closed({"type": TEXT, "message": TEXT, "detail": TEXT}, "type", "message", "detail")
    named: Schema = {"type": "object", "additionalProperties": fault, "minProperties": 1, "maxProperties": 1}
    return {"QuantumFault": named, "QuantumError": closed({"QuantumError": error}, "QuantumError")}


def of_dialect(dialect: Dialect) -> Paths:
    tag = dialect.version
    base = f"/{tag}/tenants/{{tenant}}"
    tenant = parameter("tenant", TEXT, "The tenant.", "path")
    network = parameter("network", TEXT, "The network's id.", "path")
    port = parameter("port", TEXT, "The port's id.", "path")
    here = (tenant, network, port)
    return {
        f"/{tag}": {"get": _one(dialect, "version", 200)},
        f"/{tag}/extensions": {"get": _one(dialect, "extensions", 200)},
        **_crud(dialect, "Network", f"{base}/networks", network, (tenant,), (NETWORK, NETWORK)),
        **_crud(dialect, "Port", f"{base}/networks/{{network}}/ports", port, (tenant, network), (NEW_PORT, PORT)),
        f"{base}/networks/{{network}}/ports/{{port}}/attachment": {
            "get": _one(dialect, "showAttachment", 200, *here),
            "put": _one(dialect, "plug", 204, *here, body=ATTACHMENT),
            "delete": _one(dialect, "unplug", 204, *here),
        },
    }


def _crud(
    dialect: Dialect, kind: str, path: str, inner: dict[str, Any], outer: tuple[dict[str, Any], ...],
    bodies: tuple[Schema, Schema],
) -> Paths:  # fmt: skip
    """`bodies`: of a POST and of a PUT."""
    here = (*outer, inner)
    return {
        path: {
            "get": _one(dialect, f"list{kind}s", 200, *outer),
            "post": _one(dialect, f"create{kind}", dialect.created, *outer, body=bodies[0]),
        },
        f"{path}/detail": {"get": _one(dialect, f"list{kind}sDetail", 200, *outer)},
        f"{path}/{{{inner['name']}}}": {
            "get": _one(dialect, f"show{kind}", 200, *here),
            "put": _one(dialect, f"update{kind}", 204, *here, body=bodies[1]),
            "delete": _one(dialect, f"delete{kind}", 204, *here),
        },
        f"{path}/{{{inner['name']}}}/detail": {"get": _one(dialect, f"show{kind}Detail", 200, *here)},
    }


def _one(dialect: Dialect, name: str, status: int, *parameters: dict[str, Any], body: Schema | None = None) -> Call:
    tag = dialect.version
    more = () if status == 200 and body is None else (DRY,)
    said = answer(status, "Done.", OBJECT if status != 204 else None)
    for each in said.values():
        if "content" in each:
            each["content"][XML] = {}
    answers = (dry() if more and status != 200 else {}) | said | _refusals(dialect)
    found = call(tag, f"{name}_{tag}", name, answers, (), parameters=(*parameters, *more), body=body)
    if name == "createPort":  # whose body may be missing
        found["requestBody"]["required"] = False
    return found


def _refusals(dialect: Dialect) -> dict[str, Any]:
    shape = {"$ref": f"#/components/schemas/{ERRORS[dialect.version]}"}
    content = {"application/json": {"schema": shape}, XML: {}}
    return {
        str(status): {"description": "Refused.", "content": content}
        for status in sorted({*ALWAYS, *dialect.codes.values()})
    }
