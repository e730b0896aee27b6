"""What one project lets another use, and that of all else it knows nothing."""

from __future__ import annotations

from typing import Any

import pytest
from webob import Request

from controller.store.replica import Replica
from controller.store.store import Store
from northbound.auth import Caller

from .conftest import Api, Reply, plain_context

SHAREABLE: dict[str, dict[str, Any]] = {
    "network": {}, "subnetpool": {"prefixes": ["10.0.0.0/8"]}, "address_scope": {"ip_version": 4},
}  # fmt: skip


class Tenants:
    """Whoever names a project is of it; the operator is whoever names none."""

    def who(self, request: Request) -> Caller:
        project = request.headers.get("X-Project-Id", "")
        return Caller(project or "admin", operator=not project)


@pytest.fixture
def api(store: Store, replica: Replica) -> Api:
    return Api(plain_context(store, replica, identity=Tenants()))


def post(api: Api, project: str, kind: str, **attributes: Any) -> Reply:
    plural = {"rbac_policy": "rbac-policies", "address_scope": "address-scopes"}.get(kind, f"{kind}s")
    return api.call("POST", f"/v2.0/{plural}", {kind: attributes}, X_Project_Id=project)


def made(api: Api, project: str, kind: str, **attributes: Any) -> dict[str, Any]:
    reply = post(api, project, kind, **attributes)
    assert reply.status == 201, reply.body
    found: dict[str, Any] = reply.json[kind]
    return found


def seen(api: Api, project: str, plural: str) -> list[str]:
    found = api.call("GET", f"/v2.0/{plural}", X_Project_Id=project).json
    return sorted(each["id"] for each in found[plural.replace("-", "_")])


def share(api: Api, owner: str, kind: str, object_id: str, target: str, action: str = "access_as_shared") -> Reply:
    return post(api, owner, "rbac_policy", object_type=kind, object_id=object_id, target_tenant=target, action=action)


def test_what_is_anothers_does_not_exist(api: Api) -> None:
    network = made(api, "red", "network")
    subnet = made(api, "red", "subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24")
    port = made(api, "red", "port", network_id=network["id"])
    pool = made(api, "red", "subnetpool", prefixes=["10.0.0.0/8"])
    scope = made(api, "red", "address_scope", ip_version=4)
    policy = share(api, "red", "network", network["id"], "green").json["rbac_policy"]
    for plural, row in (("networks", network), ("subnets", subnet), ("ports", port), ("subnetpools", pool),
                        ("address-scopes", scope), ("rbac-policies", policy)):  # fmt: skip
        root = plural[:-1].replace("-", "_").replace("policie", "policy")
        assert seen(api, "red", plural) == [row["id"]]
        assert seen(api, "blue", plural) == []
        for method, body in (("GET", None), ("PUT", {root: {}}), ("DELETE", None)):
            there = api.call(method, f"/v2.0/{plural}/{row['id']}", body, X_Project_Id="blue")
            nowhere = api.call(method, f"/v2.0/{plural}/{row['id'][::-1]}", body, X_Project_Id="blue")
            assert there.status == nowhere.status == 404
            assert there.json["NeutronError"]["type"] == nowhere.json["NeutronError"]["type"]
        assert api.call("GET", f"/v2.0/{plural}?id={row['id']}", X_Project_Id="blue").json == {
            plural.replace("-", "_"): []
        }
        marker = api.call("GET", f"/v2.0/{plural}?limit=1&marker={row['id']}", X_Project_Id="blue")
        assert marker.status == 404
    for kind, attributes in (
        ("subnet", {"network_id": network["id"], "ip_version": 4, "cidr": "10.1.0.0/24"}),
        ("port", {"network_id": network["id"]}),
        ("subnetpool", {"prefixes": ["10.0.0.0/8"], "address_scope_id": scope["id"]}),
    ):
        assert post(api, "blue", kind, **attributes).status == 404
    assert share(api, "blue", "network", network["id"], "blue").error == (404, "NetworkNotFound")
    mine = made(api, "blue", "network")
    taken = {"network_id": mine["id"], "ip_version": 4, "subnetpool_id": pool["id"]}
    assert post(api, "blue", "subnet", **taken).error == (404, "SubnetPoolNotFound")
    request = {"network_id": mine["id"], "fixed_ips": [{"subnet_id": subnet["id"]}]}
    nobodys = {"network_id": mine["id"], "fixed_ips": [{"subnet_id": subnet["id"][::-1]}]}
    assert post(api, "blue", "port", **request).status == post(api, "blue", "port", **nobodys).status == 400


def test_a_shared_network_is_seen_and_used(api: Api) -> None:
    network = made(api, "red", "network")
    subnet = made(api, "red", "subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24")
    policy = share(api, "red", "network", network["id"], "blue").json["rbac_policy"]
    shown = api.call("GET", f"/v2.0/networks/{network['id']}", X_Project_Id="blue").json["network"]
    assert shown["shared"] is True
    assert seen(api, "blue", "subnets") == [subnet["id"]]
    assert seen(api, "green", "networks") == []
    port = made(api, "blue", "port", network_id=network["id"])
    theirs = made(api, "red", "port", network_id=network["id"])
    assert seen(api, "blue", "ports") == [port["id"]]
    assert seen(api, "red", "ports") == sorted([port["id"], theirs["id"]])  # the network is its own
    path = f"/v2.0/rbac-policies/{policy['id']}"
    assert api.call("DELETE", path, X_Project_Id="red").error == (409, "RbacPolicyInUse")
    moved = {"rbac_policy": {"target_tenant": "green"}}
    assert api.call("PUT", path, moved, X_Project_Id="red").error == (409, "RbacPolicyInUse")
    everybody = share(api, "red", "network", network["id"], "*").json["rbac_policy"]
    assert api.call("DELETE", path, X_Project_Id="red").status == 204
    assert seen(api, "green", "networks") == [network["id"]]
    api.call("DELETE", f"/v2.0/ports/{port['id']}", X_Project_Id="blue")
    assert api.call("DELETE", f"/v2.0/rbac-policies/{everybody['id']}", X_Project_Id="red").status == 204
    assert seen(api, "blue", "networks") == []


def test_the_shared_attribute_is_a_policy_for_everybody(api: Api) -> None:
    network = made(api, "", "network", shared=True)
    assert network["shared"] is True
    assert seen(api, "blue", "networks") == [network["id"]]
    port = made(api, "blue", "port", network_id=network["id"])
    path = f"/v2.0/networks/{network['id']}"
    assert api.call("PUT", path, {"network": {"shared": False}}).error == (409, "InvalidSharedSetting")
    api.call("DELETE", f"/v2.0/ports/{port['id']}")
    assert api.call("PUT", path, {"network": {"shared": False}}).json["network"]["shared"] is False
    assert api.call("GET", "/v2.0/rbac-policies").json == {"rbac_policies": []}
    assert seen(api, "blue", "networks") == []


def test_policies_go_with_their_network_and_are_not_there_twice(api: Api) -> None:
    network = made(api, "red", "network")
    assert share(api, "red", "network", network["id"], "blue").status == 201
    assert share(api, "red", "network", network["id"], "blue").error == (409, "DuplicateRbacPolicy")
    assert share(api, "red", "network", network["id"], "a/b/").status == 201
    assert share(api, "red", "network", network["id"], "b", "other").error == (400, "InvalidRbacPolicyAction")
    api.call("DELETE", f"/v2.0/networks/{network['id']}", X_Project_Id="red")
    assert api.call("GET", "/v2.0/rbac-policies").json == {"rbac_policies": []}
    assert [row.key for row in api.everything()[1]] == []


def test_external_networks_are_seen_and_not_plugged_into(api: Api) -> None:
    network = made(api, "", "network", **{"router:external": True})
    made(api, "", "subnet", network_id=network["id"], ip_version=4, cidr="192.0.2.0/24")
    assert seen(api, "blue", "networks") == [network["id"]]
    assert seen(api, "blue", "subnets") == []
    assert post(api, "blue", "port", network_id=network["id"]).error == (403, "PolicyNotAuthorized")
    (policy,) = api.call("GET", "/v2.0/rbac-policies").json["rbac_policies"]
    assert (policy["action"], policy["target_tenant"]) == ("access_as_external", "*")
    assert api.call("DELETE", f"/v2.0/rbac-policies/{policy['id']}").status == 204
    path = f"/v2.0/networks/{network['id']}"
    assert api.call("GET", path).json["network"]["router:external"] is False
    assert seen(api, "blue", "networks") == []
    assert share(api, "", "network", network["id"], "blue", "access_as_external").status == 201
    assert api.call("GET", path).json["network"]["router:external"] is True
    assert seen(api, "blue", "networks") == [network["id"]]


def test_a_shared_pool_and_scope_are_used(api: Api) -> None:
    scope = made(api, "red", "address_scope", ip_version=4)
    pool = made(api, "red", "subnetpool", prefixes=["10.0.0.0/8"], default_prefixlen=24, address_scope_id=scope["id"])
    assert share(api, "red", "subnetpool", pool["id"], "blue").error == (400, "InvalidInput")  # nor sees the scope
    of_scope = share(api, "red", "address_scope", scope["id"], "blue").json["rbac_policy"]
    of_pool = share(api, "red", "subnetpool", pool["id"], "blue").json["rbac_policy"]
    moved = {"rbac_policy": {"target_tenant": "green"}}
    assert api.call("PUT", f"/v2.0/rbac-policies/{of_pool['id']}", moved).error == (400, "InvalidInput")
    network = made(api, "blue", "network")
    subnet = made(api, "blue", "subnet", network_id=network["id"], ip_version=4, subnetpool_id=pool["id"])
    mine = made(api, "blue", "subnetpool", prefixes=["11.0.0.0/8"], address_scope_id=scope["id"])
    for policy in (of_pool, of_scope):
        path = f"/v2.0/rbac-policies/{policy['id']}"
        assert api.call("DELETE", path, X_Project_Id="red").error == (409, "RbacPolicyInUse")
    api.call("DELETE", f"/v2.0/subnets/{subnet['id']}", X_Project_Id="blue")
    api.call("DELETE", f"/v2.0/subnetpools/{mine['id']}", X_Project_Id="blue")
    for policy in (of_pool, of_scope):
        assert api.call("DELETE", f"/v2.0/rbac-policies/{policy['id']}", X_Project_Id="red").status == 204
    assert seen(api, "blue", "subnetpools") == seen(api, "blue", "address-scopes") == []


@pytest.mark.parametrize("kind", ["network", "subnetpool", "address_scope"])
def test_who_may_use_an_object_does_not_share_it(api: Api, kind: str) -> None:
    made(api, "red", "address_scope", ip_version=4)  # which has nothing to do with it
    row = made(api, "red", kind, **SHAREABLE[kind])
    assert share(api, "red", kind, row["id"], "blue").status == 201
    assert share(api, "blue", kind, row["id"], "green").error == (400, "InvalidInput")
    assert seen(api, "blue", "rbac-policies") == []
    assert share(api, "", kind, row["id"], "green").status == 201


@pytest.mark.parametrize("kind", ["network", "subnetpool", "address_scope"])
def test_sharing_is_a_change_of_the_object(api: Api, kind: str) -> None:
    row = made(api, "red", kind, **SHAREABLE[kind])
    path = f"/v2.0/{kind.replace('_', '-')}s/{row['id']}"

    def revision() -> int:
        return int(api.call("GET", path).json[kind]["revision_number"])

    seen_at = [row["revision_number"]]
    policy = share(api, "red", kind, row["id"], "blue").json["rbac_policy"]
    seen_at.append(revision())
    api.call("PUT", f"/v2.0/rbac-policies/{policy['id']}", {"rbac_policy": {"target_tenant": "green"}})
    seen_at.append(revision())
    api.call("DELETE", f"/v2.0/rbac-policies/{policy['id']}")
    seen_at.append(revision())
    if kind != "subnetpool":
        api.call("PUT", path, {kind: {"shared": True}})
        seen_at.append(revision())
    assert seen_at == sorted(set(seen_at))


def test_a_pool_in_anothers_scope_keeps_its_prefixes(api: Api) -> None:
    scope = made(api, "red", "address_scope", ip_version=4)
    share(api, "red", "address_scope", scope["id"], "blue")
    pool = made(api, "blue", "subnetpool", prefixes=["10.0.0.0/8"], address_scope_id=scope["id"])
    path = f"/v2.0/subnetpools/{pool['id']}"
    more = {"prefixes": ["10.0.0.0/8", "11.0.0.0/8"]}
    refused = (400, "IllegalSubnetPoolUpdate")
    assert api.call("PUT", path, {"subnetpool": more}, X_Project_Id="blue").error == refused
    assert api.call("PUT", path, {"subnetpool": {"address_scope_id": None}}, X_Project_Id="blue").error == refused
    assert api.call("PUT", f"{path}/add_prefixes", more, X_Project_Id="blue").error == refused
    assert api.call("PUT", path, {"subnetpool": {"name": "n"}}, X_Project_Id="blue").status == 200
    assert api.call("PUT", path, {"subnetpool": more}).json["subnetpool"]["prefixes"] == ["10.0.0.0/7"]


def test_only_the_operator_makes_things_for_others(api: Api) -> None:
    assert post(api, "red", "network", project_id="blue").error == (400, "HTTPBadRequest")
    assert made(api, "", "network", project_id="blue")["project_id"] == "blue"
