"""The description of the API is valid, and true."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from controller.model.rows import Physical, Switch, Tunnel
from controller.store.transaction import transact
from northbound.openapi import errors
from tests.api.conftest import Api
from tests.api.samples import asking, connect, creatable, outside, post, those_of
from tests.api.samples import path as path_of

ROOT = Path(__file__).parents[2]
IN_USE = re.compile("[A-Z][A-Za-z]+InUse")
REFUSALS = ("NotFound", "Conflict", "Exhausted", "Invalid", "Forbidden", "HttpError", "HostRefusal")


@pytest.fixture
def whole(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = api.call("GET", "/openapi.json").json
    return found


def fits(whole: dict[str, Any], template: str, method: str, status: int, body: object) -> None:
    """The body is one that the description has for this answer."""
    found = whole["paths"][template][method]["responses"][str(status)]
    if "$ref" in found:
        found = whole["components"]["responses"][found["$ref"].rpartition("/")[2]]
    schema = found["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": whole["components"]}).validate(body)


def test_it_is_valid_openapi(whole: dict[str, Any]) -> None:
    validate(whole)


def test_what_the_api_shows_is_what_it_says(api: Api, whole: dict[str, Any]) -> None:
    """Of every resource: as it is made, shown, listed and changed."""
    made = outside(asking(api))
    for resource in creatable():
        an = those_of(made)
        listed, template = path_of(resource, an), f"/v2.0/{resource.path}"
        reply = post(api, resource, an, 1)
        fits(whole, template, "post", 201, reply.json)
        made[resource.name] = reply.json[resource.name]
        made |= connect(asking(api), those_of(made), resource.name)
        there = f"{listed}/{made[resource.name]['id']}"
        fits(whole, f"{template}/{{id}}", "get", 200, api.call("GET", there).json)
        fits(whole, template, "get", 200, api.call("GET", f"{listed}?limit=1").json)
        if resource.update is not None:
            fits(whole, f"{template}/{{id}}", "put", 200, api.call("PUT", there, {resource.name: {}}).json)
        if resource.tagged:
            tags = api.call("PUT", f"{there}/tags", {"tags": ["a"]})
            fits(whole, f"{template}/{{id}}/tags", "put", 200, tags.json)
    available = api.call("GET", "/v2.0/network-ip-availabilities").json
    fits(whole, "/v2.0/network-ip-availabilities", "get", 200, available)


def test_what_is_set_is_shown_as_described(api: Api, whole: dict[str, Any]) -> None:
    network = api.made("network", name="n", availability_zone_hints=[])
    pool = api.made("subnetpool", name="p", prefixes=["10.9.0.0/16"], default_prefixlen=24)
    api.made("port", network_id=network["id"], binding__host_id="h", binding__profile={"a": 1})
    fits(whole, "/v2.0/ports", "get", 200, api.call("GET", "/v2.0/ports").json)
    more = api.call("PUT", f"/v2.0/subnetpools/{pool['id']}/add_prefixes", {"prefixes": ["10.8.0.0/16"]})
    fits(whole, "/v2.0/subnetpools/{id}/add_prefixes", "put", 200, more.json)


def test_hypervisors_are_shown_as_described(api: Api, whole: dict[str, Any]) -> None:
    switch = Switch(id="s", number=1, dpid=1, host="h", encap_ip="192.0.2.1", tunnels=(Tunnel("vxlan", 2),),
                    physical=(Physical("physnet1", 3, "br-ex"), Physical("physnet2", 4)))  # fmt: skip
    transact(api.context.store, api.context.replica, lambda tx: tx.put(switch))
    found = api.call("GET", "/v2.0/agents").json
    fits(whole, "/v2.0/agents", "get", 200, found)
    (agent,) = found["agents"]
    assert agent["configurations"]["bridge_mappings"] == {"physnet1": "br-ex", "physnet2": ""}


def test_what_is_described_as_taken_is_taken_and_nothing_else(api: Api, whole: dict[str, Any]) -> None:
    schemas = whole["components"]["schemas"]
    port = Draft202012Validator(schemas["PortCreate"])
    network_id = api.made("network")["id"]
    for body, good in (
        ({"network_id": network_id}, True),
        ({"network_id": network_id, "mac_address": None, "name": "x"}, True),
        ({}, False),
        ({"network_id": network_id, "name": 1}, False),
        ({"network_id": network_id, "name": "x" * 256}, False),
        ({"network_id": network_id, "name": "x\ny"}, False),
        ({"network_id": network_id, "status": "ACTIVE"}, False),
        ({"network_id": network_id, "fixed_ips": [{}]}, False),
        ({"network_id": network_id, "admin_state_up": "true"}, False),
    ):
        assert port.is_valid({"network_id": network_id, **body} if body else body) is good, body
        assert (api.call("POST", "/v2.0/ports", {"port": body}).status == 201) is good, body


def test_errors_are_as_described(api: Api, whole: dict[str, Any]) -> None:
    for reply, template, method in (
        (api.call("GET", "/v2.0/ports/none"), "/v2.0/ports/{id}", "get"),
        (api.call("POST", "/v2.0/ports", {"port": {}}), "/v2.0/ports", "post"),
        (api.call("GET", "/tenet/v1/switches/none"), "/tenet/v1/switches/{id}", "get"),
    ):
        fits(whole, template, method, reply.status, reply.json)


def kinds() -> Iterator[str]:
    """Types of errors that the source names where it raises them."""
    for path in [*(ROOT / "controller" / "intent").glob("*.py"), *(ROOT / "northbound").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REFUSALS:
                kind = node.args[1] if len(node.args) > 1 else None
                if isinstance(kind, ast.Constant) and isinstance(kind.value, str):
                    yield kind.value
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and IN_USE.fullmatch(node.value):
                yield node.value  # handed on to what raises it


def test_every_error_is_described() -> None:
    described = {kind for types in errors.TYPES.values() for kind in types}
    assert set(kinds()) - described == set()


def test_every_path_is_described(api: Api, whole: dict[str, Any]) -> None:
    """And every call that is described is there: a method that is not allowed would say which are."""
    for template, calls in whole["paths"].items():
        path = template.replace("{tenant}", "default").replace("{", "a-").replace("}", "")
        allowed = api.call("PATCH", path).headers["Allow"].split(", ")
        assert {method.upper() for method in calls} == set(allowed) - {"HEAD"}, template


def test_the_page_and_its_parts_come_from_here(api: Api) -> None:
    page = api.call("GET", "/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.headers["Content-Security-Policy"] == "default-src 'self'"
    loaded = re.findall(rb"""(?:src|href|action|url)\s*[=(]\s*["']?([^"'\s>)]+)""", page.body)
    assert loaded and [each for each in loaded if each.startswith((b"//", b"http"))] == []
    for name in ("page.js", "page.css"):
        assert f"/docs/{name}".encode() in page.body
        assert api.call("GET", f"/docs/{name}").status == 200
    assert api.call("GET", "/docs/..%2fdocument.py").status == 404
