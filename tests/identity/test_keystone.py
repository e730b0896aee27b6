"""Tenet asks a real Keystone who its callers are."""

from __future__ import annotations

import subprocess

import pytest

from tests.identity.cloud import Keystone, Tenet, User, openstack


def test_nobody_and_a_false_token_are_told_where_to_log_in(tenet: Tenet, keystone: Keystone) -> None:
    for token in ("", "false", "x" * 5_000):
        reply = tenet.call("GET", "/v2.0/networks", token=token)
        assert (reply.status, reply.json["NeutronError"]["type"]) == (401, "Unauthorized")
        assert reply.headers["www-authenticate"] == f'Keystone uri="{keystone.url}"'
        assert reply.headers["x-openstack-request-id"].startswith("req-")


def test_headers_that_only_keystone_may_say_are_not_believed(tenet: Tenet, keystone: Keystone, red: User) -> None:
    said = {"X-Roles": "admin", "X-Identity-Status": "Confirmed", "X-Project-Id": "another", "X-User-Id": "root"}
    assert tenet.call("GET", "/v2.0/networks", **said).status == 401
    token = keystone.token(red)
    assert tenet.call("GET", "/metrics", token=token, **said).status == 403
    made = tenet.call("POST", "/v2.0/networks", {"network": {"name": "mine"}}, token, **said).json["network"]
    assert made["project_id"] not in ("another", "default")
    assert tenet.call("DELETE", f"/v2.0/networks/{made['id']}", token=token).status == 204


def test_personas(tenet: Tenet, keystone: Keystone, red: User, red_reader: User, blue: User) -> None:
    member, reader, other = (keystone.token(user) for user in (red, red_reader, blue))
    operator = keystone.token(keystone.admin)
    network = tenet.call("POST", "/v2.0/networks", {"network": {"name": "persona"}}, member).json["network"]
    path = f"/v2.0/networks/{network['id']}"
    assert "provider:segmentation_id" not in network
    assert tenet.call("GET", path, token=reader).status == 200
    assert tenet.call("PUT", path, {"network": {"name": "x"}}, reader).status == 403
    assert tenet.call("GET", path, token=other).status == 404
    assert tenet.call("DELETE", path, token=other).status == 404
    assert tenet.call("GET", path, token=operator).json["network"]["provider:segmentation_id"] > 0
    assert tenet.call("DELETE", path, token=member).status == 204


def test_the_operator_of_the_whole_system_is_in_no_project(tenet: Tenet, keystone: Keystone, red: User) -> None:
    system = keystone.token(keystone.admin._replace(project=""))
    mine = tenet.call("POST", "/v2.0/networks", {"network": {}}, keystone.token(red)).json["network"]
    path = f"/v2.0/networks/{mine['id']}"
    assert tenet.call("GET", path, token=system).status == 200
    assert tenet.call("POST", "/v2.0/networks", {"network": {}}, system).status == 400
    theirs = {"network": {"project_id": mine["project_id"]}}
    made = tenet.call("POST", "/v2.0/networks", theirs, system).json["network"]
    for network in (made, mine):
        assert tenet.call("DELETE", f"/v2.0/networks/{network['id']}", token=system).status == 204


def test_the_tenant_of_a_path_of_quantum_is_the_tokens(tenet: Tenet, keystone: Keystone, red: User, blue: User) -> None:
    token = keystone.token(red)
    project = tenet.call("POST", "/v2.0/networks", {"network": {}}, token).json["network"]
    mine = f"/v1.1/tenants/{project['project_id']}/networks"
    assert tenet.call("GET", f"{mine}/{project['id']}", token=token).status == 200
    assert tenet.call("GET", f"{mine}/{project['id']}", token=keystone.token(blue)).status == 404
    assert tenet.call("DELETE", f"{mine}/{project['id']}", token=token).status == 204


def test_the_audit_log_names_the_user(tenet: Tenet, keystone: Keystone, red: User) -> None:
    token = keystone.token(red)
    reply = tenet.call("POST", "/v2.0/networks", {"network": {}}, token)
    network = reply.json["network"]
    line = next(line for line in tenet.log.read_text().splitlines() if reply.headers["x-openstack-request-id"] in line)
    assert "tenet.audit" in line and " from=127.0.0.1 " in line and f" project={network['project_id']} " in line
    assert " user=- " not in line and " roles=member,reader " in line and f" objects=+network/{network['id']}" in line
    assert token not in tenet.log.read_text()
    assert tenet.call("DELETE", f"/v2.0/networks/{network['id']}", token=token).status == 204


def test_openstacks_client(tenet: Tenet, keystone: Keystone, red: User, blue: User) -> None:
    network = openstack(keystone, red, "network", "create", "cli", "-f", "json")
    try:
        subnet = openstack(keystone, red, "subnet", "create", "cli-sub", "--network", "cli", "--subnet-range",
                           "10.5.0.0/24", "-f", "json")  # fmt: skip
        port = openstack(keystone, red, "port", "create", "cli-port", "--network", "cli", "-f", "json")
        assert port["fixed_ips"][0]["subnet_id"] == subnet["id"]
        assert [row["ID"] for row in openstack(keystone, red, "port", "list", "-f", "json")] == [port["id"]]
        assert openstack(keystone, blue, "network", "list", "-f", "json") == []
        with pytest.raises(subprocess.CalledProcessError) as refused:
            openstack(keystone, blue, "network", "show", network["id"], "-f", "json")
        assert "No Network found" in refused.value.stderr
    finally:
        for port in openstack(keystone, red, "port", "list", "--network", "cli", "-f", "json"):
            openstack(keystone, red, "port", "delete", port["ID"])
        openstack(keystone, red, "network", "delete", "cli")


def test_a_quota_is_what_the_operator_says(tenet: Tenet, keystone: Keystone, blue: User) -> None:
    token, operator = keystone.token(blue), keystone.token(keystone.admin)
    network = tenet.call("POST", "/v2.0/networks", {"network": {}}, token).json["network"]
    body = {"port": {"network_id": network["id"]}}
    made = [tenet.call("POST", "/v2.0/ports", body, token) for _ in range(4)]
    assert [reply.status for reply in made] == [201, 201, 201, 409]
    assert made[3].json["NeutronError"]["type"] == "OverQuota"
    quota = f"/v2.0/quotas/{network['project_id']}"
    assert tenet.call("PUT", quota, {"quota": {"port": 4}}, token).status == 403
    assert tenet.call("PUT", quota, {"quota": {"port": 4}}, operator).status == 200
    made[3] = tenet.call("POST", "/v2.0/ports", body, token)
    assert made[3].status == 201
    for reply in made:
        assert tenet.call("DELETE", f"/v2.0/ports/{reply.json['port']['id']}", token=token).status == 204
    assert tenet.call("DELETE", f"/v2.0/networks/{network['id']}", token=token).status == 204


def test_without_keystone_nobody_gets_in_and_health_is_still_told(tenet: Tenet, keystone: Keystone, red: User) -> None:
    """Last: Keystone is away for a while."""
    known, unseen = keystone.token(red), keystone.token(red)
    assert tenet.call("GET", "/v2.0/networks", token=known).status == 200
    keystone.stop()
    try:
        assert tenet.call("GET", "/healthz").status == 200
        assert tenet.call("GET", "/v2.0/networks", token=known).status == 200  # validated before
        reply = tenet.call("GET", "/v2.0/networks", token=unseen)
        assert (reply.status, reply.json["NeutronError"]["type"]) == (503, "ServiceUnavailable")
    finally:
        keystone.start()
    assert tenet.call("GET", "/v2.0/networks", token=unseen).status == 200
