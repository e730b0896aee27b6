"""Bindings of a port to several hosts, of which one counts."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Api


@pytest.fixture
def path(api: Api) -> str:
    port = api.made("port", network_id=api.made("network")["id"], binding__host_id="h1", binding__profile={"a": 1})
    return f"/v2.0/ports/{port['id']}"


def hosts(api: Api, path: str) -> dict[str, tuple[str, Any]]:
    found = api.call("GET", f"{path}/bindings").json["bindings"]
    return {each["host"]: (each["status"], each["profile"]) for each in found}


def test_a_migration(api: Api, path: str) -> None:
    assert hosts(api, path) == {"h1": ("ACTIVE", {"a": 1})}
    made = api.call("POST", f"{path}/bindings", {"binding": {"host": "h2", "profile": {"b": 2}}})
    assert made.status == 201
    assert made.json["binding"]["vif_type"] == "ovs"
    assert hosts(api, path) == {"h1": ("ACTIVE", {"a": 1}), "h2": ("INACTIVE", {"b": 2})}
    assert api.call("GET", path).json["port"]["binding:host_id"] == "h1"
    assert api.call("PUT", f"{path}/bindings/h2/activate").json["binding"]["status"] == "ACTIVE"
    assert hosts(api, path) == {"h1": ("INACTIVE", {"a": 1}), "h2": ("ACTIVE", {"b": 2})}
    assert api.call("GET", path).json["port"]["binding:host_id"] == "h2"
    assert api.call("DELETE", f"{path}/bindings/h1").status == 204
    assert hosts(api, path) == {"h2": ("ACTIVE", {"b": 2})}
    found = api.call("GET", f"{path}/bindings?status=INACTIVE").json["bindings"]
    assert found == []


def test_what_changes_of_a_binding(api: Api, path: str) -> None:
    api.call("POST", f"{path}/bindings", {"binding": {"host": "h2"}})
    changed = api.call("PUT", f"{path}/bindings/h2", {"binding": {"profile": {"c": 3}}}).json["binding"]
    assert changed["profile"] == {"c": 3}
    api.call("PUT", f"{path}/bindings/h1", {"binding": {"profile": {}}})
    assert hosts(api, path) == {"h1": ("ACTIVE", {}), "h2": ("INACTIVE", {"c": 3})}
    api.call("PUT", path, {"port": {"binding:host_id": "h2"}})
    assert hosts(api, path) == {"h2": ("ACTIVE", {})}
    assert api.call("DELETE", f"{path}/bindings/h2").status == 204
    assert api.call("GET", path).json["port"]["binding:host_id"] == ""


def test_what_cannot_be(api: Api, path: str) -> None:
    api.call("POST", f"{path}/bindings", {"binding": {"host": "h2"}})
    before = api.everything()
    for body in ({}, {"binding": []}, {"binding": {}}, {"binding": {"host": ""}}, {"binding": {"host": "h", "x": 1}},
                 {"binding": {"host": "h", "vnic_type": "direct"}}, {"binding": {"host": "h", "profile": 1}},
                 {"binding": {"host": "h", "profile": {"interface": "e"}}}):  # fmt: skip
        assert api.call("POST", f"{path}/bindings", body).error == (400, "HTTPBadRequest"), body
    for host in ("h1", "h2"):
        again = api.call("POST", f"{path}/bindings", {"binding": {"host": host}})
        assert again.error == (409, "PortBindingAlreadyExists")
    assert api.call("PUT", f"{path}/bindings/h1/activate").error == (409, "PortBindingAlreadyActive")
    for method, where in (("GET", "h9"), ("PUT", "h9/activate"), ("DELETE", "h9")):
        assert api.call(method, f"{path}/bindings/{where}").error == (404, "PortBindingNotFound")
    assert api.call("GET", "/v2.0/ports/no/bindings").error == (404, "PortNotFound")
    assert api.everything() == before
