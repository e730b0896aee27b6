"""Default security group rules as clients see them, and the rules that projects' groups get from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.store.replica import Replica
from controller.store.store import Store

from .conftest import Api
from .tenants import Cloud, Person

PATH = "/v2.0/default-security-group-rules"
NOBODY = "00000000-0000-4000-8000-000000000000"
SHOWN = {"id", "description", "remote_group_id", "remote_address_group_id", "direction", "protocol", "port_range_min",
         "port_range_max", "ethertype", "remote_ip_prefix", "used_in_default_sg", "used_in_non_default_sg"}  # fmt: skip
SSH = {"direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}


def listed(api: Api, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.call("GET", PATH + query).json["default_security_group_rules"]
    return found


def said(rules: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    return sorted(
        (each["direction"], each["ethertype"], str(each["remote_group_id"]), each["protocol"] or "") for each in rules
    )


def group(api: Api, **attributes: str) -> dict[str, Any]:
    return api.made("security-group", **attributes)


@pytest.fixture
def cloud(tmp_path: Path, store: Store, replica: Replica) -> Cloud:
    return Cloud(tmp_path, store, replica)


def test_the_first_list_of_a_store_has_upstreams_four(api: Api) -> None:
    built_in = listed(api)
    assert said(built_in) == [("egress", "IPv4", "None", ""), ("egress", "IPv6", "None", ""),
                              ("ingress", "IPv4", "PARENT", ""), ("ingress", "IPv6", "PARENT", "")]  # fmt: skip
    assert all(set(each) == SHOWN for each in built_in)
    assert {(each["direction"], each["used_in_default_sg"], each["used_in_non_default_sg"], each["description"])
            for each in built_in} == {
        ("egress", True, True, "Legacy default SG rule for egress traffic"),
        ("ingress", True, False, "Legacy default SG rule for ingress traffic"),
    }  # fmt: skip
    before = api.everything()
    assert listed(api) == built_in and api.everything() == before
    assert len(listed(api, "?used_in_non_default_sg=True")) == 2 == len(listed(api, "?remote_group_id=PARENT"))


def test_a_template_is_shown_as_it_was_made(api: Api) -> None:
    body = SSH | {"ethertype": "ipv4", "remote_ip_prefix": "10.0.0.9/8", "description": "d", "tenant_id": "x"}
    reply = api.call("POST", PATH, {"default_security_group_rule": body})
    made = reply.json["default_security_group_rule"]
    expected = body | {"ethertype": "IPv4", "remote_group_id": None, "remote_address_group_id": None,
                       "used_in_default_sg": False, "used_in_non_default_sg": True}  # fmt: skip
    del expected["tenant_id"]
    assert reply.status == 201 and made == expected | {"id": made["id"]}
    assert api.call("GET", f"{PATH}/{made['id']}").json == reply.json
    assert api.call("PUT", f"{PATH}/{made['id']}", {}).error == (405, "HTTPMethodNotAllowed")
    again = {"default_security_group_rule": body | {"used_in_default_sg": True}}
    assert api.call("POST", PATH, again).error == (409, "DefaultSecurityGroupRuleExists")
    assert api.call("DELETE", f"{PATH}/{made['id']}").status == 204
    assert api.call("GET", f"{PATH}/{made['id']}").error == (404, "DefaultSecurityGroupRuleNotFound")


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"direction": None}, (400, "HTTPBadRequest")), ({"used_in_default_sg": "yes"}, (400, "HTTPBadRequest")),
        ({"remote_group_id": "parent"}, (400, "HTTPBadRequest")),
        ({"remote_group_id": NOBODY}, (404, "SecurityGroupNotFound")),
        ({"remote_address_group_id": NOBODY}, (404, "AddressGroupNotFound")),
        ({"remote_group_id": "PARENT", "remote_ip_prefix": "10.0.0.0/8"}, (400, "SecurityGroupMultipleRemoteEntites")),
        ({"security_group_id": NOBODY}, (400, "HTTPBadRequest")), ({"name": "n"}, (400, "HTTPBadRequest")),
    ],
)  # fmt: skip
def test_what_no_template_can_be(api: Api, asked: dict[str, Any], error: tuple[int, str]) -> None:
    before = api.everything()
    assert api.call("POST", PATH, {"default_security_group_rule": SSH | asked}).error == error
    assert api.everything() == before


def of(person: Person, group: dict[str, Any]) -> list[tuple[str, ...]]:
    """Rules of a group, which itself is called PARENT."""
    (rules,) = person.call("GET", f"/v2.0/security-group-rules?security_group_id={group['id']}").json.values()
    return [(direction, version, remote.replace(group["id"], "PARENT"), protocol)
            for direction, version, remote, protocol in said(rules)]  # fmt: skip


def test_new_groups_get_what_the_operator_says_and_others_keep_their_rules(cloud: Cloud) -> None:
    red, operator = cloud.person("red", "member"), cloud.person("ops", "admin")
    before = group(red, name="before")
    for each in listed(operator):
        assert operator.call("DELETE", f"{PATH}/{each['id']}").status == 204
    for request in (SSH | {"remote_group_id": "PARENT"}, SSH | {"ethertype": "IPv6", "used_in_default_sg": True,
                                                             "used_in_non_default_sg": False}):  # fmt: skip
        assert operator.call("POST", PATH, {"default_security_group_rule": request}).status == 201
    assert of(red, group(red, name="after")) == [("ingress", "IPv4", "PARENT", "tcp")]
    assert of(red, before) == [("egress", "IPv4", "None", ""), ("egress", "IPv6", "None", "")]
    blue = cloud.person("blue", "member")
    (default,) = blue.call("GET", "/v2.0/security-groups").json["security_groups"]
    assert of(blue, default) == [("ingress", "IPv6", "None", "tcp")]
    described = blue.call("GET", "/v2.0/security-group-rules?description=").json["security_group_rules"]
    assert [each["security_group_id"] for each in described] == [default["id"]]


def test_everybody_reads_them_and_operators_write_them(cloud: Cloud) -> None:
    reader, member, operator = (
        cloud.person("red", "reader"),
        cloud.person("red", "member"),
        cloud.person("ops", "admin"),
    )
    assert len(listed(reader)) == 4 and listed(reader) == listed(operator)
    path = f"{PATH}/{listed(reader)[0]['id']}"
    assert reader.call("GET", path).status == 200
    assert member.call("POST", PATH, {"default_security_group_rule": SSH}).error == (403, "PolicyNotAuthorized")
    assert member.call("DELETE", path).error == (403, "PolicyNotAuthorized")
    assert "default_security_group_rule" not in operator.call("GET", "/v2.0/quotas/red").json["quota"]
