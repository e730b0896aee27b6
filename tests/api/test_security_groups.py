"""Security groups over HTTP: shapes, forms of values, the default group, sharing, and two members at once."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from controller.runtime.errors import Unavailable
from controller.store.replica import Replica
from controller.store.store import Store

from .conftest import Api, plain_context
from .tenants import Cloud, Person
from .test_concurrency import at_once

RULES = "/v2.0/security-group-rules"
GROUPS = "/v2.0/security-groups"


def listed(person: Api, path: str = GROUPS) -> list[dict[str, Any]]:
    (found,) = person.call("GET", path).json.values()
    return list(found)


@pytest.fixture
def cloud(tmp_path: Path, store: Store, replica: Replica) -> Cloud:
    return Cloud(tmp_path, store, replica)


# --- shapes -----------------------------------------------------------------------------------------------------------


def test_a_group_is_shown_with_its_rules(api: Api) -> None:
    group = api.made("security-group", name="web")
    rule = api.made("security-group-rule", security_group_id=group["id"], direction="ingress", protocol="TCP",
                    port_range_min="80", port_range_max=443, remote_ip_prefix="10.0.0.7", description="d")  # fmt: skip
    shown = api.call("GET", f"{GROUPS}/{group['id']}").json["security_group"]
    assert rule in shown["security_group_rules"] and len(shown["security_group_rules"]) == 3
    assert shown["revision_number"] == group["revision_number"] + 1
    assert group.keys() == {
        "id", "name", "project_id", "tenant_id", "stateful", "shared", "security_group_rules", "tags", "description",
        "created_at", "updated_at", "revision_number",
    }  # fmt: skip
    assert {name: value for name, value in rule.items() if not name.endswith(("_at", "id", "revision_number"))} == {
        "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 80, "port_range_max": 443,
        "remote_ip_prefix": "10.0.0.7/32", "normalized_cidr": "10.0.0.7/32", "belongs_to_default_sg": False,
        "description": "d",
    }  # fmt: skip
    assert rule["remote_group_id"] is None and rule["remote_address_group_id"] is None
    of_default = next(each for each in listed(api) if each["name"] == "default")["security_group_rules"]
    assert all(each["belongs_to_default_sg"] for each in of_default)
    assert {each["remote_group_id"] for each in of_default if each["direction"] == "ingress"} == {
        of_default[0]["security_group_id"]
    }


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"protocol": None}, {"protocol": None}),
        ({"protocol": "any"}, {"protocol": None}),
        ({"protocol": 6}, {"protocol": "6"}),
        ({"protocol": "51"}, {"protocol": "51"}),
        ({"protocol": "ICMPv6", "ethertype": "ipv6"}, {"protocol": "ipv6-icmp", "ethertype": "IPv6"}),
        ({"protocol": "udp", "port_range_min": 1, "port_range_max": "65535"}, {"port_range_max": None}),
        ({"remote_ip_prefix": ""}, {"remote_ip_prefix": None, "normalized_cidr": None}),
        ({"remote_ip_prefix": "2001:DB8::1/32", "ethertype": "IPv6"},
         {"remote_ip_prefix": "2001:db8::1/32", "normalized_cidr": "2001:db8::/32"}),
        ({"remote_ip_prefix": "10.0.0.1/255.0.0.0"}, {"remote_ip_prefix": "10.0.0.1/8"}),
    ],
)  # fmt: skip
def test_forms_of_values(api: Api, given: dict[str, Any], shown: dict[str, Any]) -> None:
    group = api.made("security-group")
    rule = api.made("security-group-rule", security_group_id=group["id"], direction="ingress", **given)
    assert {name: rule[name] for name in shown} == shown


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"protocol": "nothing"}, (400, "SecurityGroupRuleInvalidProtocol")),
        ({"protocol": 256}, (400, "SecurityGroupRuleInvalidProtocol")),
        ({"protocol": "-1"}, (400, "SecurityGroupRuleInvalidProtocol")),
        ({"protocol": True}, (400, "SecurityGroupRuleInvalidProtocol")),
        ({"ethertype": "ARP"}, (400, "SecurityGroupRuleInvalidEtherType")),
        ({"port_range_min": 65536}, (400, "SecurityGroupInvalidPortValue")),
        ({"port_range_max": "x"}, (400, "SecurityGroupInvalidPortValue")),
        ({"remote_ip_prefix": "10.0.0.0/33"}, (400, "InvalidCIDR")),
        ({"remote_ip_prefix": "fe80::1%eth0/64"}, (400, "InvalidCIDR")),
        ({"direction": "both"}, (400, "HTTPBadRequest")),
        ({"direction": None}, (400, "HTTPBadRequest")),
        ({"normalized_cidr": "10.0.0.0/8"}, (400, "HTTPBadRequest")),
        ({"protocol": "x", "ethertype": "x"}, (400, "HTTPBadRequest")),  # two faults of two types
        ({"protocol": "tcp", "port_range_min": 1}, (400, "SecurityGroupInvalidPortRange")),
        ({"security_group_id": "00000000-0000-4000-8000-000000000000"}, (404, "SecurityGroupNotFound")),
    ],
)
def test_what_cannot_be_is_refused_by_upstreams_type(api: Api, given: dict[str, Any], error: tuple[int, str]) -> None:
    group = api.made("security-group")
    before = api.everything()
    request = {"security_group_id": group["id"], "direction": "ingress"} | given
    assert api.call("POST", RULES, {"security_group_rule": request}).error == error
    assert api.everything() == before


def test_a_rule_is_not_changed_but_made_anew(api: Api) -> None:
    group = api.made("security-group")
    rule = api.made("security-group-rule", security_group_id=group["id"], direction="egress", protocol="tcp")
    assert api.call("PUT", f"{RULES}/{rule['id']}", {"security_group_rule": {"protocol": "udp"}}).status == 405
    assert api.call("PUT", f"{RULES}/{rule['id']}/tags/a").status == 404


def test_ports_are_found_by_their_groups(api: Api) -> None:
    network, group = api.made("network"), api.made("security-group")
    mine = api.made("port", network_id=network["id"], security_groups=[group["id"]])
    api.made("port", network_id=network["id"])
    found = listed(api, f"/v2.0/ports?security_groups={group['id']}")
    assert [each["id"] for each in found] == [mine["id"]]
    assert api.call("DELETE", f"{GROUPS}/{group['id']}").error == (409, "SecurityGroupInUse")
    same = {"port": {"security_groups": [group["id"], group["id"]]}}
    assert api.call("PUT", f"/v2.0/ports/{mine['id']}", same).error == (400, "HTTPBadRequest")
    none = api.call("PUT", f"/v2.0/ports/{mine['id']}", {"port": {"security_groups": None}}).json["port"]
    assert none["security_groups"] == [] and none["revision_number"] == mine["revision_number"] + 1


def test_a_thousand_rules_are_one_commit_and_one_change_of_their_group(api: Api) -> None:
    group = api.made("security-group")
    requests = [{"security_group_id": group["id"], "direction": "ingress", "protocol": "tcp", "port_range_min": number,
               "port_range_max": number} for number in range(1, 1001)]  # fmt: skip
    before = api.context.replica.model.revision
    reply = api.call("POST", RULES, {"security_group_rules": requests})
    assert reply.status == 201 and len(reply.json["security_group_rules"]) == 1000
    assert api.context.replica.model.revision == before + 1
    shown = api.call("GET", f"{GROUPS}/{group['id']}").json["security_group"]
    assert len(shown["security_group_rules"]) == 1002
    assert shown["revision_number"] == group["revision_number"] + 1
    again = api.call("POST", RULES, {"security_group_rules": [requests[7]] * 2})
    assert again.error == (409, "SecurityGroupRuleExists")


# --- the default group ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [GROUPS, f"{GROUPS}?name=x", f"{RULES}?limit=1"])
def test_whoever_reads_a_list_has_a_default_group(cloud: Cloud, path: str) -> None:
    reader = cloud.person("red", "reader")
    reader.call("GET", path)
    (group,) = listed(reader)
    assert (group["name"], group["project_id"], len(group["security_group_rules"])) == ("default", "red", 4)


def test_a_tenant_makes_none_for_others_and_an_operator_does(cloud: Cloud) -> None:
    red, operator = cloud.person("red", "member"), cloud.person("ops", "admin")
    assert listed(red, f"{GROUPS}?project_id=blue") == []
    assert {each["project_id"] for each in listed(operator)} == {"red", "ops"}
    (blues,) = listed(operator, f"{GROUPS}?tenant_id=blue")
    assert blues["project_id"] == "blue"
    listed(operator, f"{GROUPS}?project_id=%00")
    listed(operator, f"{GROUPS}?project_id=")
    assert {each["project_id"] for each in listed(operator)} == {"red", "ops", "blue"}


def test_a_read_is_answered_while_the_store_takes_no_writes(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*given: object) -> None:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(api.context.store, "commit", away)
    assert listed(api) == []
    assert "project default is without its default security_group: the disk is full" in caplog.text
    monkeypatch.undo()
    assert len(listed(api)) == 1


def test_first_requests_at_several_members_make_one_default_group(store: Store, replica: Replica) -> None:
    replicas = [replica, *(Replica(store) for _ in range(3))]
    for each in replicas[1:]:
        each.start()
    apis = [Api(plain_context(store, each)) for each in replicas]
    network = apis[0].made("network")
    for each in replicas:
        each.wait(replica.model.revision)
    body = {"port": {"network_id": network["id"]}}
    asked: list[tuple[str, str, Any]] = [("GET", GROUPS, None), ("POST", "/v2.0/ports", body), ("GET", RULES, None),
                                         ("POST", GROUPS, {"security_group": {"name": "own"}})]  # fmt: skip
    replies = at_once([partial(at.call, *call) for at, call in zip(apis, asked, strict=True)])
    assert [reply.status for reply in replies] == [200, 201, 200, 201]
    replica.wait(max(each.model.revision for each in replicas))
    (default,) = listed(apis[0], f"{GROUPS}?name=default")
    assert sorted(each["name"] for each in listed(apis[0])) == ["default", "own"]
    assert replies[1].json["port"]["security_groups"] == [default["id"]]
    for each in replicas[1:]:
        each.stop()


# --- races ------------------------------------------------------------------------------------------------------------


def test_a_group_that_is_deleted_while_a_port_and_a_rule_come(api: Api) -> None:
    """Either the delete is refused or the port is not made: never a port, or a rule, of a group that is gone."""
    network = api.made("network")["id"]
    seen = set()
    for order in range(10):
        group, other = api.made("security-group")["id"], api.made("security-group")["id"]
        port = {"port": {"network_id": network, "security_groups": [group]}}
        rule = {"security_group_rule": {"security_group_id": other, "direction": "ingress", "remote_group_id": group}}
        calls = [partial(api.call, "DELETE", f"{GROUPS}/{group}"), partial(api.call, "POST", "/v2.0/ports", port),
                 partial(api.call, "POST", RULES, rule)]  # fmt: skip
        calls = calls[order % 3 :] + calls[: order % 3]
        statuses = [reply.status for reply in at_once(calls)]
        deleted, made, ruled = (statuses[(place - order) % 3] for place in range(3))
        assert (deleted, made) in ((204, 404), (409, 201)), statuses
        naming = listed(api, f"{RULES}?remote_group_id={group}")
        assert bool(naming) == (deleted == 409 and ruled == 201)
        seen.add(deleted)
    assert len(seen) == 2


def test_of_the_same_rule_at_once_one_is_made(api: Api) -> None:
    group = api.made("security-group")
    body = {"security_group_rule": {"security_group_id": group["id"], "direction": "ingress", "protocol": "tcp"}}
    replies = at_once([lambda: api.call("POST", RULES, body)] * 10)
    assert Counter(reply.status for reply in replies) == {201: 1, 409: 9}


# --- sharing ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def shared(cloud: Cloud) -> tuple[Person, Person, dict[str, Any]]:
    """red, who owns a group with a rule of its own; blue, with whom it is shared; the group."""
    red, blue = cloud.person("red", "member"), cloud.person("blue", "member")
    group = red.made("security-group", name="web")
    red.made("security-group-rule", security_group_id=group["id"], direction="ingress", protocol="tcp")
    red.made("rbac-policy", object_type="security_group", object_id=group["id"], action="access_as_shared",
             target_tenant="blue")  # fmt: skip
    return red, blue, red.call("GET", f"{GROUPS}/{group['id']}").json["security_group"]


def test_a_shared_group_is_seen_with_its_rules_and_used(shared: tuple[Person, Person, dict[str, Any]]) -> None:
    red, blue, group = shared
    seen = blue.call("GET", f"{GROUPS}/{group['id']}").json["security_group"]
    assert (group["shared"], seen) == (False, group | {"shared": True})
    assert [each["id"] for each in listed(blue, f"{GROUPS}?shared=true")] == [group["id"]]
    assert len(listed(blue, f"{RULES}?security_group_id={group['id']}")) == 3
    port = blue.made("port", network_id=blue.made("network")["id"], security_groups=[group["id"]])
    assert port["security_groups"] == [group["id"]]
    own = blue.made("security-group")
    named = blue.made("security-group-rule", security_group_id=own["id"], direction="ingress",
                      remote_group_id=group["id"])  # fmt: skip
    (policy,) = listed(red, "/v2.0/rbac-policies")
    for path in (f"/v2.0/ports/{port['id']}", f"{RULES}/{named['id']}"):
        assert red.call("DELETE", f"/v2.0/rbac-policies/{policy['id']}").error == (409, "RbacPolicyInUse")
        assert blue.call("DELETE", path).status == 204
    assert red.call("DELETE", f"/v2.0/rbac-policies/{policy['id']}").status == 204
    assert blue.call("GET", f"{GROUPS}/{group['id']}").error == (404, "SecurityGroupNotFound")


def test_a_shared_group_is_its_owners_to_change(shared: tuple[Person, Person, dict[str, Any]]) -> None:
    _, blue, group = shared
    request = {"security_group_id": group["id"], "direction": "ingress", "protocol": "udp"}
    assert blue.call("POST", RULES, {"security_group_rule": request}).status == 403
    for rule in group["security_group_rules"]:
        assert blue.call("DELETE", f"{RULES}/{rule['id']}").status == 403
    assert blue.call("DELETE", f"{GROUPS}/{group['id']}").status == 403
