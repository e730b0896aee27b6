"""OpenAPI document (https://spec.openapis.org/oas/v3.1.1), and the page that shows it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from ..answer import JSON, Response
from ..ask import Ask
from ..errors import not_found
from ..v1.dialect import V10, V11
from ..v2.catalogue import RESOURCES
from . import errors, others, paths, resources
from .quantum import of_dialect
from .quantum import schemas as schemas_of_quantum

VERSION = "2.0"
PAGE = Path(__file__).with_name("page")
TYPES = {"index.html": "text/html; charset=utf-8", "page.js": "text/javascript; charset=utf-8",
         "page.css": "text/css; charset=utf-8"}  # fmt: skip
# The page runs what comes from here and nothing else.
SAFE = (("Content-Security-Policy", "default-src 'self'"), ("X-Content-Type-Options", "nosniff"))


def document(quantum: bool = True) -> dict[str, Any]:
    calls: dict[str, Any] = {}
    schemas: dict[str, Any] = {"NeutronError": errors.schema("NeutronError"), "TenetError": errors.schema("TenetError")}
    for resource in RESOURCES:
        calls |= paths.of(resource)
        schemas |= resources.schemas(resource)
    for group in (others.bindings, others.flavors, others.l3_agents, others.dhcp_agents, others.auto_topology,
                  others.quotas, others.discovery, others.operators):  # fmt: skip
        for path, methods in group().items():
            calls[path] = calls.get(path, {}) | methods
    if quantum:
        calls |= of_dialect(V10) | of_dialect(V11)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tenet",
            "version": VERSION,
            "description": "Multi-tenant virtual networks: OpenStack's Networking API v2.0, "
            + ("Quantum's v1.0 and v1.1, " if quantum else "")
            + "and what is Tenet's own.",
        },
        "security": [{"token": []}, {}],
        "paths": calls,
        "components": {
            "schemas": schemas | others.SCHEMAS | schemas_of_quantum(),
            "responses": errors.responses("NeutronError") | errors.responses("TenetError"),
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}},
        },
    }


@cache
def _encoded(quantum: bool) -> bytes:
    return msgspec.json.encode(document(quantum))


def show(ask: Ask) -> Response:
    return Response(200, _encoded(ask.context.quantum), JSON)


def page(ask: Ask, name: str = "index.html") -> Response:
    if name not in TYPES:
        raise not_found(ask.request.path_info)
    return Response(200, (PAGE / name).read_bytes(), TYPES[name], SAFE)
