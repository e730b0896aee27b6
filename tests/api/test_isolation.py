"""A tenant can neither see, name, count nor time-probe what is another's: for them it does not exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from controller.store.replica import Replica
from controller.store.store import Store
from northbound.endpoint import Endpoint
from northbound.endpoints import ENDPOINTS, RULES

from .conftest import Reply
from .tenants import Cloud, Person, work

VIF = "3b1f0c52-64a4-4f0c-8d3e-5d3a0c1b7f11"
NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def cloud(tmp_path: Path, store: Store, replica: Replica) -> Cloud:
    return Cloud(tmp_path, store, replica)


@pytest.fixture
def red(cloud: Cloud) -> Person:
    return cloud.person("red", "member")


@pytest.fixture
def blue(cloud: Cloud) -> Person:
    return cloud.person("blue", "member")


@pytest.fixture
def reds(red: Person) -> dict[str, Any]:
    """Everything that a tenant can have, by the path of its kind."""
    network = red.made("network", name="secret-net")
    subnet = red.made("subnet", network_id=network["id"], ip_version=4, cidr="10.9.0.0/24", name="secret-sub")
    port = red.made("port", network_id=network["id"], name="secret-port")
    scope = red.made("address-scope", name="secret-scope", ip_version=4)
    pool = red.made("subnetpool", name="secret-pool", prefixes=["10.8.0.0/16"], default_prefixlen=24)
    policy = red.made("rbac-policy", object_type="network", object_id=network["id"], action="access_as_shared",
                      target_tenant="green")  # fmt: skip
    group = red.made("address-group", name="secret-group", addresses=["10.9.0.0/24"])
    return {"networks": network, "subnets": subnet, "ports": port, "address-scopes": scope, "subnetpools": pool,
            "address-groups": group, "rbac-policies": policy}  # fmt: skip


def same(one: Reply, other: Reply, named: str) -> bool:
    """Alike in all that an answer tells, but for the id that was asked for."""
    plain = [re.sub(rb"%s|%s" % (named.encode(), NOWHERE.encode()), b"ID", reply.body) for reply in (one, other)]
    return one.status == other.status and plain[0] == plain[1]


def test_lists_are_ones_own(blue: Person, reds: dict[str, Any]) -> None:
    for kind, row in reds.items():
        for query in ("", f"?id={row['id']}", "?name=secret-net&name=secret-port", "?project_id=red", "?limit=1",
                      "?sort_key=name", "?fields=id", "?tenant_id=red&name=x"):  # fmt: skip
            reply = blue.call("GET", f"/v2.0/{kind}{query}")
            nameless = kind == "rbac-policies" and ("name=" in query or "sort_key=name" in query)
            assert reply.status == (400 if nameless else 200), (kind, query)
            assert nameless or next(iter(reply.json.values())) == [], (kind, query)
            assert row["id"] not in reply.body.decode()
    for path in ("/v2.0/network-ip-availabilities", "/v2.0/quotas", "/v2.0/agents", "/v2.0/availability_zones"):
        reply = blue.call("GET", path)
        assert all(row["id"].encode() not in reply.body for row in reds.values())
        assert b"red" not in reply.body.replace(b"required", b"")


def test_what_is_anothers_is_as_what_is_not(blue: Person, reds: dict[str, Any]) -> None:
    before = blue.everything()
    for kind, row in reds.items():
        root = {"rbac-policies": "rbac_policy"}.get(kind, kind.replace("-", "_").removesuffix("s"))
        for method, suffix, body in [
            ("GET", "", None),
            ("GET", "?fields=id", None),
            ("PUT", "", {root: {"name": "mine"}}),
            ("PUT", "", {root: {}}),
            ("PUT", "", {root: {"shared": True}}),
            ("PUT", "", {root: {"revision_number": 1}}),
            ("PUT", "", b"not json"),
            ("DELETE", "", None),
            ("GET", "/tags", None),
            ("PUT", "/tags", {"tags": ["a"]}),
            ("PUT", "/tags/a", None),
            ("DELETE", "/tags", None),
            ("PATCH", "", None),
        ]:
            theirs = blue.call(method, f"/v2.0/{kind}/{row['id']}{suffix}", body)
            nothing = blue.call(method, f"/v2.0/{kind}/{NOWHERE}{suffix}", body)
            assert same(theirs, nothing, row["id"]), (method, kind, suffix, theirs.body, nothing.body)
            assert theirs.status in (400, 404, 405), (method, kind, suffix, theirs.body)
    assert blue.everything() == before


def test_what_is_anothers_cannot_be_referred_to(blue: Person, reds: dict[str, Any]) -> None:
    mine = blue.made("network")
    network, subnet, pool, scope = (
        reds[kind]["id"] for kind in ("networks", "subnets", "subnetpools", "address-scopes")
    )
    v4 = {"ip_version": 4}
    for kind, root, body, theirs in [
        ("ports", "port", {"network_id": network}, network),
        ("ports", "port", {"network_id": network, "fixed_ips": [{"subnet_id": subnet}]}, network),
        ("ports", "port", {"network_id": mine["id"], "fixed_ips": [{"subnet_id": subnet}]}, subnet),
        ("subnets", "subnet", {"network_id": network, "cidr": "10.7.0.0/24", **v4}, network),
        ("subnets", "subnet", {"network_id": mine["id"], "subnetpool_id": pool, **v4}, pool),
        ("subnetpools", "subnetpool", {"name": "p", "prefixes": ["10.0.0.0/8"], "address_scope_id": scope}, scope),
        ("rbac-policies", "rbac_policy", {"object_type": "network", "object_id": network, "target_tenant": "blue",
                                          "action": "access_as_shared"}, network),
    ]:  # fmt: skip
        changed = _replaced(body, theirs)
        refused = blue.call("POST", f"/v2.0/{kind}", {root: body})
        nothing = blue.call("POST", f"/v2.0/{kind}", {root: changed})
        assert same(refused, nothing, theirs), (kind, body, refused.body, nothing.body)
        assert refused.status in (400, 404), (kind, body, refused.body)


def _replaced(value: Any, old: str) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(each, old) for key, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, old) for each in value]
    return NOWHERE if value == old else value


def test_nobody_makes_things_in_another_project(blue: Person) -> None:
    before = blue.everything()
    for name in ("project_id", "tenant_id"):
        reply = blue.call("POST", "/v2.0/networks", {"network": {name: "red"}})
        assert reply.status in (400, 403)
    assert blue.everything() == before


@pytest.mark.parametrize("version", ["v1.0", "v1.1"])
def test_quantum_under_another_tenants_path(blue: Person, reds: dict[str, Any], version: str) -> None:
    network, port = reds["networks"]["id"], reds["ports"]["id"]
    before = blue.everything()
    for method, path, body in [
        ("GET", "networks", None),
        ("GET", "networks/detail", None),
        ("POST", "networks", {"network": {"name": "x"}}),
        ("GET", f"networks/{network}", None),
        ("PUT", f"networks/{network}", {"network": {"name": "x"}}),
        ("DELETE", f"networks/{network}", None),
        ("GET", f"networks/{network}/ports", None),
        ("POST", f"networks/{network}/ports", None),
        ("GET", f"networks/{network}/ports/{port}", None),
        ("DELETE", f"networks/{network}/ports/{port}", None),
        ("PUT", f"networks/{network}/ports/{port}/attachment", {"attachment": {"id": "x"}}),
        ("DELETE", f"networks/{network}/ports/{port}/attachment", None),
    ]:
        theirs = blue.call(method, f"/{version}/tenants/red/{path}", body)
        nobodys = blue.call(method, f"/{version}/tenants/nobody/{path}", body)
        assert theirs.status == nobodys.status == 404, (method, path)
        assert theirs.body.replace(b"/red/", b"/nobody/") == nobodys.body
        if "/" in path and "detail" not in path:  # and under one's own path it is not there either
            under_mine = blue.call(method, f"/{version}/tenants/blue/{path}", body)
            assert under_mine.status == (420 if version == "v1.0" else 404)
    assert blue.everything() == before


def test_an_interface_that_is_taken_does_not_tell_by_whom(red: Person, blue: Person) -> None:
    ports = {}
    for person, tenant in ((red, "red"), (blue, "blue")):
        networks = f"/v1.1/tenants/{tenant}/networks"
        network = person.call("POST", networks, {"network": {"name": "n"}}).json["network"]["id"]
        port = person.call("POST", f"{networks}/{network}/ports").json["port"]["id"]
        ports[tenant] = (f"{networks}/{network}/ports/{port}/attachment", port)
    assert red.call("PUT", ports["red"][0], {"attachment": {"id": VIF}}).status == 204
    refused = blue.call("PUT", ports["blue"][0], {"attachment": {"id": VIF}})
    assert refused.error == (409, "AlreadyAttached")
    assert ports["red"][1] not in refused.body.decode() and b"red" not in refused.body


def test_what_is_shared_is_seen_and_not_more(cloud: Cloud, red: Person, blue: Person, reds: dict[str, Any]) -> None:
    green = cloud.person("green", "member")  # with whom red shares its network
    network = reds["networks"]["id"]
    assert [row["id"] for row in green.call("GET", "/v2.0/networks").json["networks"]] == [network]
    assert green.call("GET", f"/v2.0/subnets/{reds['subnets']['id']}").status == 200
    assert green.call("GET", "/v2.0/ports").json["ports"] == []
    assert green.call("GET", f"/v2.0/ports/{reds['ports']['id']}").status == 404
    assert green.call("GET", "/v2.0/rbac-policies").json["rbac_policies"] == []
    assert green.call("DELETE", f"/v2.0/networks/{network}").error == (403, "PolicyNotAuthorized")
    port = green.made("port", network_id=network)
    assert red.call("GET", f"/v2.0/ports/{port['id']}").status == 200  # the network's owner sees who is on it
    assert green.call("GET", "/v2.0/networks?provider:segmentation_id=1").status == 400
    assert blue.call("GET", f"/v2.0/networks/{network}").status == 404


def test_the_operator_sees_everything(cloud: Cloud, reds: dict[str, Any]) -> None:
    operator = cloud.person("ops", "admin")
    for kind, row in reds.items():
        assert operator.call("GET", f"/v2.0/{kind}/{row['id']}").status == 200
    assert operator.call("GET", f"/v1.1/tenants/red/networks/{reds['networks']['id']}").status == 200


@pytest.mark.parametrize("kind", ["networks", "subnets", "ports", "subnetpools", "address-scopes", "address-groups",
                                  "rbac-policies"])  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_time_does_not_tell(blue: Person, reds: dict[str, Any], kind: str, method: str) -> None:
    """To ask for what is another's takes the same work, call by call, as to ask for what is not."""
    theirs = f"/v2.0/{kind}/{reds[kind]['id']}"
    body = {kind[:-1].replace("-", "_").replace("policie", "policy"): {}} if method == "PUT" else None
    assert work(blue, method, theirs, body) == work(blue, method, f"/v2.0/{kind}/{NOWHERE}", body)


@pytest.mark.parametrize("endpoint", [each for each in ENDPOINTS if each.rule], ids=lambda each: each.name)
def test_what_is_the_operators_is_not_a_tenants(blue: Person, endpoint: Endpoint) -> None:
    path = endpoint.path.replace("{id}", "s1")
    for query in ("", "?from=a&to=b", "?dry_run=true"):
        assert blue.call(endpoint.method, path + query).status == 403


def test_drops_are_told_to_the_ports_owner_and_to_operators(cloud: Cloud, blue: Person, reds: dict[str, Any]) -> None:
    """And a port of another project is as one that is not there, also where it is on a network of one's own."""
    path = f"/tenet/v1/ports/{reds['ports']['id']}/drops"
    assert blue.call("GET", path).status == blue.call("GET", f"/tenet/v1/ports/{NOWHERE}/drops").status == 404
    for person in (cloud.person("red", "member"), cloud.person("ops", "admin")):
        assert person.call("GET", path).json["drops"]["port_id"] == reds["ports"]["id"]


def test_counts_of_labels_are_told_to_their_project_and_to_operators(cloud: Cloud, blue: Person) -> None:
    label = cloud.person("red", "manager").made("metering/metering-label", name="secret-label")
    path = f"/tenet/v1/metering-labels/{label['id']}"
    assert blue.call("GET", path).status == blue.call("GET", f"/tenet/v1/metering-labels/{NOWHERE}").status == 404
    for person in (cloud.person("red", "member"), cloud.person("ops", "admin")):
        assert person.call("GET", path).json["metering"]["metering_label_id"] == label["id"]


def test_every_call_of_operators_is_among_those() -> None:
    """But for these, of which everybody may ask something."""
    assert {each.path for each in ENDPOINTS if not each.rule} == {
        "/healthz",
        "/readyz",
        "/tenet/v1/events",
        "/tenet/v1/ports/{id}/drops",
        "/tenet/v1/metering-labels/{id}",
    }
    assert {each.rule for each in ENDPOINTS} == {"", *RULES}
