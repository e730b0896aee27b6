"""Quantum v1.1: every row of its reference, in JSON."""

from __future__ import annotations

import pytest

from .conftest import Api
from .quantum import Tenant, last


@pytest.fixture
def red(api: Api) -> Tenant:
    return Tenant(api, "red")


@pytest.fixture
def blue(api: Api) -> Tenant:
    return Tenant(api, "blue")


# --- networks ---------------------------------------------------------------------------------------------------------


def test_networks(red: Tenant) -> None:
    created = red.call("POST", "networks", {"network": {"name": "x"}})
    assert created.status == 202
    row_id = created.json["network"]["id"]
    assert created.json == {"network": {"id": row_id}}
    shown = {"id": row_id, "name": "x", "op-status": "UP"}
    for path, body in (
        ("networks", {"networks": [{"id": row_id}]}),
        ("networks/detail", {"networks": [shown]}),
        (f"networks/{row_id}", {"network": shown}),
        (f"networks/{row_id}/detail", {"network": shown | {"ports": []}}),
    ):
        reply = red.call("GET", path)
        assert (reply.status, reply.json) == (200, body), path
    reply = red.call("PUT", f"networks/{row_id}", {"network": {"name": "y"}})
    assert (reply.status, reply.body) == (204, b"")
    assert red.call("GET", f"networks/{row_id}").json["network"]["name"] == "y"
    reply = red.call("DELETE", f"networks/{row_id}")
    assert (reply.status, reply.body) == (204, b"")
    assert red.call("GET", "networks").json == {"networks": []}


def test_the_detail_of_a_network_shows_its_ports_and_what_is_plugged(red: Tenant) -> None:
    network = red.network()
    free, plugged = red.port(network), red.port(network, port={"state": "ACTIVE"})
    red.call("PUT", f"{plugged}/attachment", {"attachment": {"id": "eth0"}})
    ports = red.call("GET", f"{network}/detail").json["network"]["ports"]
    assert sorted(ports, key=lambda port: str(port["state"])) == [
        {"id": last(plugged), "state": "ACTIVE", "op-status": "PROVISIONING", "attachment": {"id": "eth0"}},
        {"id": last(free), "state": "DOWN", "op-status": "DOWN"},
    ]


# --- ports ------------------------------------------------------------------------------------------------------------


def test_ports(red: Tenant) -> None:
    network = red.network()
    created = red.call("POST", f"{network}/ports", {"port": {"state": "ACTIVE"}})
    assert created.status == 202
    row_id = created.json["port"]["id"]
    assert created.json == {"port": {"id": row_id}}
    port = f"{network}/ports/{row_id}"
    shown = {"id": row_id, "state": "ACTIVE", "op-status": "PROVISIONING"}
    for path, body in (
        (f"{network}/ports", {"ports": [{"id": row_id}]}),
        (f"{network}/ports/detail", {"ports": [shown]}),
        (port, {"port": shown}),
        (f"{port}/detail", {"port": shown}),
    ):
        reply = red.call("GET", path)
        assert (reply.status, reply.json) == (200, body), path
    reply = red.call("PUT", port, {"port": {"state": "DOWN"}})
    assert (reply.status, reply.body) == (204, b"")
    assert red.call("GET", port).json["port"] == {"id": row_id, "state": "DOWN", "op-status": "DOWN"}
    reply = red.call("DELETE", port)
    assert (reply.status, reply.body) == (204, b"")
    assert red.call("GET", f"{network}/ports").json == {"ports": []}


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (None, "DOWN"),
        ({"port": {}}, "DOWN"),
        ({"port": {"state": "DOWN"}}, "DOWN"),
        ({"port": {"state": "ACTIVE"}}, "ACTIVE"),
    ],
)
def test_the_state_of_a_new_port(red: Tenant, body: object, state: str) -> None:
    network = red.network()
    reply = red.call("POST", f"{network}/ports", body)
    assert red.call("GET", f"{network}/ports/{reply.json['port']['id']}").json["port"]["state"] == state


@pytest.mark.parametrize(
    ("status", "op_status"), [("ACTIVE", "UP"), ("BUILD", "PROVISIONING"), ("DOWN", "DOWN"), ("ERROR", "UNKNOWN")]
)
def test_op_status(red: Tenant, monkeypatch: pytest.MonkeyPatch, status: str, op_status: str) -> None:
    port = red.port(red.network())
    monkeypatch.setattr(red.api.context.statuses, "port", lambda row: (status, ""))
    assert red.call("GET", port).json["port"]["op-status"] == op_status


# --- attachments ------------------------------------------------------------------------------------------------------


def test_attachments(red: Tenant) -> None:
    port = red.port(red.network())
    path = f"{port}/attachment"
    assert red.call("GET", path).json == {"attachment": {}}
    reply = red.call("PUT", path, {"attachment": {"id": "eth0"}})
    assert (reply.status, reply.body) == (204, b"")
    assert red.call("GET", path).json == {"attachment": {"id": "eth0"}}
    assert red.call("GET", f"{port}/detail").json["port"]["attachment"] == {"id": "eth0"}
    assert "attachment" not in red.call("GET", port).json["port"]
    for _ in range(2):
        reply = red.call("DELETE", path)
        assert (reply.status, reply.body) == (204, b"")
    assert red.call("GET", path).json == {"attachment": {}}
    assert "attachment" not in red.call("GET", f"{port}/detail").json["port"]


# --- filters ----------------------------------------------------------------------------------------------------------


def test_filters(red: Tenant) -> None:
    one, two = red.network("one"), red.network("two")
    a = red.port(one, port={"state": "ACTIVE"})
    b = red.port(one)
    c = red.port(two)
    red.call("PUT", f"{a}/attachment", {"attachment": {"id": "eth0"}})

    def networks(query: str) -> set[str]:
        return {f"networks/{found['id']}" for found in red.call("GET", f"networks?{query}").json["networks"]}

    def ports(query: str) -> set[str]:
        return {f"{one}/ports/{found['id']}" for found in red.call("GET", f"{one}/ports?{query}").json["ports"]}

    assert networks("name=one") == {one}
    assert networks("name=one&name=two") == {one, two}
    assert networks("op-status=UP") == {one, two}
    assert networks("op-status=DOWN") == set()
    assert networks("port-state=ACTIVE") == {one}
    assert networks("port-state=DOWN") == {one, two}
    assert networks("port-op-status=PROVISIONING") == {one}
    assert networks("attachment=eth0") == {one}
    assert networks("has-attachment=True") == {one}
    assert networks("has-attachment=false&port-state=ACTIVE") == set()
    assert networks(f"port={last(c)}") == {two}
    assert ports("") == {a, b}
    assert ports("port-state=ACTIVE") == {a}
    assert ports("port-op-status=DOWN") == {b}
    assert ports("op-status=PROVISIONING") == {a}
    assert ports("attachment=eth0") == {a}
    assert ports("has-attachment=False") == {b}
    assert ports(f"port={last(b)}") == {b}
    detail = red.call("GET", f"{one}/ports/detail?has-attachment=1").json["ports"]
    assert [port["id"] for port in detail] == [last(a)]
    assert red.call("GET", "networks/detail?name=two").json["networks"][0]["name"] == "two"
    assert red.call("GET", "networks?has-attachment=maybe").error == (400, "HTTPBadRequest")


# --- errors -----------------------------------------------------------------------------------------------------------

NOBODY = "00000000-0000-4000-8000-000000000000"


def test_what_is_not_there(red: Tenant, blue: Tenant) -> None:
    network = red.network()
    port = red.port(network)
    other = red.network()
    name, state, plug = {"network": {"name": "x"}}, {"port": {"state": "DOWN"}}, {"attachment": {"id": "eth0"}}
    calls = [("GET", "", None), ("GET", "/detail", None), ("PUT", "", name), ("DELETE", "", None)]
    calls += [("GET", "/ports", None), ("GET", "/ports/detail", None), ("POST", "/ports", None)]
    for tenant, missing in ((red, f"networks/{NOBODY}"), (red, "networks/x"), (blue, network)):
        for method, path, body in calls:
            assert tenant.call(method, missing + path, body).error == (404, "NetworkNotFound"), (method, path)
    calls = [("GET", "", None), ("GET", "/detail", None), ("PUT", "", state), ("DELETE", "", None)]
    calls += [("GET", "/attachment", None), ("PUT", "/attachment", plug), ("DELETE", "/attachment", None)]
    for missing in (f"{network}/ports/{NOBODY}", f"{other}/ports/{last(port)}"):
        for method, path, body in calls:
            assert red.call(method, missing + path, body).error == (404, "PortNotFound"), (method, path)
    for method, path, body in calls:
        assert blue.call(method, port + path, body).error == (404, "NetworkNotFound"), (method, path)
    assert red.call("GET", port).status == 200


def test_what_is_in_use(red: Tenant) -> None:
    network = red.network()
    port, second = red.port(network), red.port(network)
    red.call("PUT", f"{port}/attachment", {"attachment": {"id": "eth0"}})
    before = red.api.everything()
    assert red.call("DELETE", network).error == (409, "NetworkInUse")
    assert red.call("DELETE", port).error == (409, "PortInUse")
    assert red.call("PUT", f"{port}/attachment", {"attachment": {"id": "eth1"}}).error == (409, "PortInUse")
    assert red.call("PUT", f"{second}/attachment", {"attachment": {"id": "eth0"}}).error == (409, "AlreadyAttached")
    assert red.api.everything() == before
    red.call("DELETE", f"{port}/attachment")
    assert red.call("DELETE", network).status == 204
    assert red.api.everything()[1] == []


@pytest.mark.parametrize("state", ["UP", "active", "", 1, None, True, ["ACTIVE"]])
def test_a_state_that_is_none(red: Tenant, state: object) -> None:
    network = red.network()
    port = red.port(network)
    before = red.api.everything()
    assert red.call("PUT", port, {"port": {"state": state}}).error == (400, "RequestedStateInvalid")
    assert red.call("POST", f"{network}/ports", {"port": {"state": state}}).error == (400, "RequestedStateInvalid")
    assert red.api.everything() == before


def test_bodies_that_do_not_say_what_is_needed(red: Tenant) -> None:
    network = red.network()
    port = red.port(network)
    before = red.api.everything()
    for method, path, root, name in (
        ("POST", "networks", "network", "name"),
        ("PUT", network, "network", "name"),
        ("PUT", port, "port", "state"),
        ("PUT", f"{port}/attachment", "attachment", "id"),
    ):
        bodies: list[object] = [
            None,
            b"{",
            [],
            {},
            {"x": {}},
            {root: None},
            {root: []},
            {root: {}},
            {root: {name: "ACTIVE", "more": 1}},
            {root: {name: "ACTIVE"}, "more": 1},
        ]
        for body in bodies:
            assert red.call(method, path, body).error == (400, "HTTPBadRequest"), (method, path, body)
    names: list[object] = ["x" * 256, "a\0b", 5, None, {}]
    for bad in names:
        assert red.call("POST", "networks", {"network": {"name": bad}}).error == (400, "HTTPBadRequest")
        assert red.call("PUT", f"{port}/attachment", {"attachment": {"id": bad}}).error == (400, "HTTPBadRequest")
    assert red.call("PUT", f"{port}/attachment", {"attachment": {"id": ""}}).error == (400, "HTTPBadRequest")
    assert red.api.everything() == before


def test_paths_and_methods_that_are_not(red: Tenant) -> None:
    for path in ("nets", "networks/a/b", "networks//ports", "networks/a/ports/b/c", "networks.txt"):
        assert red.call("GET", path).error == (404, "HTTPNotFound"), path
    reply = red.call("PATCH", "networks")
    assert reply.error == (405, "HTTPMethodNotAllowed")
    assert reply.headers["Allow"] == "GET, POST, HEAD"
    assert red.call("POST", "networks/detail", {}).error == (405, "HTTPMethodNotAllowed")
    assert red.api.call("GET", f"/v1.1/tenants/{'x' * 256}/networks").error == (404, "HTTPNotFound")
    assert red.api.call("GET", "/v1.1/tenants/%00/networks").error == (404, "HTTPNotFound")


# --- one model, two APIs ----------------------------------------------------------------------------------------------


def test_v1_and_v2_see_each_others(red: Tenant, blue: Tenant) -> None:
    api = red.api
    network = red.network("n")
    shown = api.call("GET", f"/v2.0/networks/{last(network)}").json["network"]
    assert (shown["name"], shown["project_id"]) == ("n", "red")
    api.made("subnet", network_id=last(network), ip_version=4, cidr="10.0.0.0/24", project_id="red")
    port = red.port(network)
    red.call("PUT", f"{port}/attachment", {"attachment": {"id": "eth0"}})
    shown = api.call("GET", f"/v2.0/ports/{last(port)}").json["port"]
    assert (shown["fixed_ips"], shown["binding:profile"]) == ([], {"interface": "eth0"})
    made = api.made("port", network_id=last(network), project_id="red", binding__profile={"interface": "eth1"})
    assert made["fixed_ips"] != []
    path = f"{network}/ports/{made['id']}"
    assert red.call("GET", f"{path}/attachment").json == {"attachment": {"id": "eth1"}}
    assert red.call("DELETE", path).error == (409, "PortInUse")
    assert red.call("DELETE", f"{path}/attachment").status == 204
    assert red.call("DELETE", network).error == (409, "NetworkInUse")
    assert red.call("DELETE", path).status == 204
    assert blue.call("GET", "networks").json == {"networks": []}


def test_another_projects_port_on_the_tenants_network_does_not_exist(red: Tenant) -> None:
    network = red.network()
    port = red.api.made("port", network_id=last(network), project_id="blue")
    assert red.call("GET", f"{network}/ports").json == {"ports": []}
    assert red.call("GET", f"{network}/detail").json["network"]["ports"] == []
    assert red.call("GET", f"{network}/ports/{port['id']}").error == (404, "PortNotFound")


def test_version_and_extensions(api: Api) -> None:
    reply = api.call("GET", "/v1.1/")
    assert reply.json["version"]["id"] == "v1.1"
    assert api.call("GET", "/v1.1/extensions").json == {"extensions": []}
