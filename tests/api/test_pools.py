"""Subnet pools, address scopes, and subnets that are cut from them."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Api


def pool(api: Api, **attributes: Any) -> dict[str, Any]:
    return api.made("subnetpool", **({"prefixes": ["10.0.0.0/16"], "default_prefixlen": 24} | attributes))


def cut(api: Api, of: dict[str, Any], network: dict[str, Any] | None = None, **attributes: Any) -> Any:
    network = network or api.made("network")
    body = {"network_id": network["id"], "ip_version": of["ip_version"], "subnetpool_id": of["id"]} | attributes
    return api.call("POST", "/v2.0/subnets", {"subnet": body})


def test_a_pool_is_shown_as_it_was_made(api: Api) -> None:
    made = api.made("subnetpool", prefixes=["10.1.0.0/16", "10.0.0.0/16"], min_prefixlen="20", name="p")
    expected = {
        "prefixes": ["10.0.0.0/15"], "ip_version": 4, "min_prefixlen": "20", "default_prefixlen": "20",
        "max_prefixlen": "32", "default_quota": None, "is_default": False, "shared": False, "address_scope_id": None,
    }  # fmt: skip
    assert {name: made[name] for name in expected} == expected
    six = api.made("subnetpool", prefixes=["2001:DB8::1/32"])
    assert (six["prefixes"], six["min_prefixlen"], six["max_prefixlen"]) == (["2001:db8::/32"], "64", "128")


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ({"prefixes": []}, (400, "EmptySubnetPoolPrefixList")),
        ({"prefixes": ["10.0.0.0/8", "2001:db8::/32"]}, (400, "PrefixVersionMismatch")),
        *(({"prefixes": [wrong]}, (400, "HTTPBadRequest")) for wrong in ("10.0.0.1", "10.0.0.0/33", "x/8", 5,
                                                                         "10.0.0.0/255.0.0.0")),
        ({"min_prefixlen": 25}, (400, "IllegalSubnetPoolPrefixBounds")),
        ({"max_prefixlen": 23}, (400, "IllegalSubnetPoolPrefixBounds")),
        ({"max_prefixlen": 33}, (400, "IllegalSubnetPoolPrefixBounds")),
        ({"default_quota": -1}, (400, "HTTPBadRequest")),
        ({"address_scope_id": "00000000-0000-4000-8000-000000000000"}, (404, "AddressScopeNotFound")),
    ],
)  # fmt: skip
def test_what_no_pool_can_be(api: Api, attributes: dict[str, Any], error: tuple[int, str]) -> None:
    before = api.everything()
    body = {"prefixes": ["10.0.0.0/16"], "default_prefixlen": 24} | attributes
    assert api.call("POST", "/v2.0/subnetpools", {"subnetpool": body}).error == error
    assert api.everything() == before


def test_a_body_that_cannot_be_is_refused_before_the_pool_is_looked_for(api: Api) -> None:
    nowhere = "/v2.0/subnetpools/00000000-0000-4000-8000-000000000000"
    assert api.call("PUT", nowhere, {"subnetpool": {"shared": True}}).error == (400, "HTTPBadRequest")
    assert api.call("PUT", nowhere, {"subnetpool": {"name": "n"}}).error == (404, "SubnetPoolNotFound")


def test_subnets_are_cut_from_a_pool_and_never_overlap(api: Api) -> None:
    of = pool(api)
    cidrs = [cut(api, of).json["subnet"]["cidr"] for _ in range(3)]
    cidrs.append(cut(api, of, prefixlen=20).json["subnet"]["cidr"])
    cidrs.append(cut(api, of).json["subnet"]["cidr"])
    assert cidrs == ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "10.0.16.0/20", "10.0.3.0/24"]
    assert cut(api, of, cidr="10.0.99.0/24").json["subnet"]["cidr"] == "10.0.99.0/24"
    assert cut(api, of, cidr="10.0.99.128/25").error == (409, "SubnetAllocationError")
    assert cut(api, of, cidr="10.1.0.0/24").error == (409, "SubnetAllocationError")
    assert cut(api, of, prefixlen=16).error == (409, "SubnetAllocationError")


def test_a_deleted_subnet_gives_back_its_prefix(api: Api) -> None:
    of = pool(api, prefixes=["10.0.0.0/23"])
    subnets = [cut(api, of).json["subnet"] for _ in range(2)]
    assert cut(api, of).error == (409, "SubnetAllocationError")
    assert api.call("DELETE", f"/v2.0/subnetpools/{of['id']}").error == (400, "SubnetPoolDeleteError")
    assert api.call("DELETE", f"/v2.0/subnets/{subnets[0]['id']}").status == 204
    assert cut(api, of).json["subnet"]["cidr"] == "10.0.0.0/24"
    api.call("DELETE", f"/v2.0/networks/{subnets[1]['network_id']}")
    again = cut(api, of)
    assert again.json["subnet"]["cidr"] == "10.0.1.0/24"


def test_lengths_are_bounded(api: Api) -> None:
    of = pool(api, min_prefixlen=22, max_prefixlen=26)
    assert cut(api, of, prefixlen=21).error == (400, "MinPrefixSubnetAllocationError")
    assert cut(api, of, prefixlen=27).error == (400, "MaxPrefixSubnetAllocationError")
    assert cut(api, of, cidr="10.0.0.0/27").error == (400, "MaxPrefixSubnetAllocationError")
    assert cut(api, of, ip_version=6).error == (400, "BadRequest")
    assert cut(api, of, cidr="10.0.0.0/24", prefixlen=24).error == (400, "BadRequest")


def test_a_pools_quota_bounds_each_project(api: Api) -> None:
    of = pool(api, default_quota=512)
    assert [cut(api, of).status for _ in range(3)] == [201, 201, 409]
    assert cut(api, of).error == (409, "SubnetPoolQuotaExceeded")
    assert cut(api, of, project_id="other").status == 201


def test_a_networks_subnets_are_of_one_pool(api: Api) -> None:
    of, network = pool(api), api.made("network")
    assert cut(api, of, network).status == 201
    assert cut(api, pool(api, prefixes=["10.9.0.0/16"]), network).error == (400, "NetworkSubnetPoolAffinityError")
    body = {"network_id": network["id"], "ip_version": 4, "cidr": "192.0.2.0/24"}
    assert api.call("POST", "/v2.0/subnets", {"subnet": body}).error == (400, "NetworkSubnetPoolAffinityError")


def test_the_default_pool(api: Api) -> None:
    of = pool(api, is_default=True)
    again = {"subnetpool": {"prefixes": ["10.1.0.0/16"], "is_default": True}}
    assert api.call("POST", "/v2.0/subnetpools", again).error == (400, "InvalidInput")
    body = {"network_id": api.made("network")["id"], "ip_version": 4, "use_default_subnetpool": True}
    made = api.call("POST", "/v2.0/subnets", {"subnet": body}).json["subnet"]
    assert (made["subnetpool_id"], made["cidr"]) == (of["id"], "10.0.0.0/24")
    assert "use_default_subnetpool" not in made
    assert api.call("PUT", f"/v2.0/subnetpools/{of['id']}", {"subnetpool": {"is_default": False}}).status == 200
    assert api.call("POST", "/v2.0/subnetpools", again).status == 201


def test_prefixes_are_added_and_taken_away(api: Api) -> None:
    of = pool(api)
    path = f"/v2.0/subnetpools/{of['id']}"
    changed = api.call("PUT", path, {"subnetpool": {"prefixes": ["10.0.0.0/15"]}}).json["subnetpool"]
    assert changed["prefixes"] == ["10.0.0.0/15"]
    fewer = {"subnetpool": {"prefixes": ["10.1.0.0/16"]}}
    assert api.call("PUT", path, fewer).error == (400, "IllegalSubnetPoolPrefixUpdate")
    cut(api, of)
    assert api.call("PUT", f"{path}/add_prefixes", {"prefixes": ["10.8.0.0/16"]}).json == {
        "prefixes": ["10.0.0.0/15", "10.8.0.0/16"]
    }
    assert api.call("PUT", f"{path}/remove_prefixes", {"prefixes": ["10.1.0.0/16"]}).json == {
        "prefixes": ["10.0.0.0/16", "10.8.0.0/16"]
    }
    used = {"prefixes": ["10.0.0.0/17"]}
    assert api.call("PUT", f"{path}/remove_prefixes", used).error == (409, "IllegalSubnetPoolPrefixUpdate")


def test_within_a_scope_no_address_is_twice(api: Api) -> None:
    scope = api.made("address-scope", ip_version=4, name="s")
    of = pool(api, address_scope_id=scope["id"])
    same = {"subnetpool": {"prefixes": ["10.0.128.0/17"], "address_scope_id": scope["id"]}}
    assert api.call("POST", "/v2.0/subnetpools", same).error == (409, "AddressScopePrefixConflict")
    six = {"subnetpool": {"prefixes": ["2001:db8::/32"], "address_scope_id": scope["id"]}}
    assert api.call("POST", "/v2.0/subnetpools", six).error == (
        400,
        "IllegalSubnetPoolIpVersionAssociationToAddressScope",
    )
    network = api.made("network")
    cut(api, of, network)
    shown = api.call("GET", f"/v2.0/networks/{network['id']}").json["network"]
    assert (shown["ipv4_address_scope"], shown["ipv6_address_scope"]) == (scope["id"], None)
    path = f"/v2.0/address-scopes/{scope['id']}"
    assert api.call("DELETE", path).error == (409, "AddressScopeInUse")
    api.call("PUT", f"/v2.0/subnetpools/{of['id']}", {"subnetpool": {"address_scope_id": None}})
    assert api.call("POST", "/v2.0/subnetpools", same).status == 201
    api.call("PUT", path, {"address_scope": {"shared": True}})
    assert api.call("PUT", path, {"address_scope": {"shared": False}}).error == (400, "AddressScopeUpdateError")
