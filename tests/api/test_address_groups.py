"""Address groups as clients see them: canonical prefixes, the calls that change them, sharing."""

from __future__ import annotations

from typing import Any

import pytest

from controller.intent.address_groups import MOST_ADDED, MOST_ADDRESSES

from .conftest import Api

NOWHERE = "/v2.0/address-groups/00000000-0000-4000-8000-000000000000"


def change(api: Api, group: dict[str, Any], action: str, *addresses: object) -> Any:
    return api.call("PUT", f"/v2.0/address-groups/{group['id']}/{action}", {"addresses": list(addresses)})


def addresses(api: Api, group: dict[str, Any]) -> list[str]:
    found: list[str] = api.call("GET", f"/v2.0/address-groups/{group['id']}").json["address_group"]["addresses"]
    return found


def test_a_group_is_shown_as_it_was_made(api: Api) -> None:
    made = api.made("address-group", name="g", description="d",
                    addresses=["192.168.0.10/24", "2001:DB8::f00/64", "10.1.2.3/32", "192.168.0.11/24"])  # fmt: skip
    expected = {"name": "g", "description": "d", "shared": False, "project_id": made["tenant_id"],
                "addresses": ["10.1.2.3/32", "192.168.0.0/24", "2001:db8::/64"]}  # fmt: skip
    assert {name: made[name] for name in expected} == expected
    assert set(made) == {*expected, "id", "tenant_id", "created_at", "updated_at", "revision_number"}
    for none in ({}, {"addresses": None}, {"addresses": []}):
        assert api.made("address-group", **none)["addresses"] == []


@pytest.mark.parametrize("wrong", ["10.20.30.40", "this is no address", "10.0.0.0/33", "::/129", "10.0.0.0/x", "", 5,
                                   None, {}, ["10.0.0.0/8"]])  # fmt: skip
def test_what_no_address_can_be(api: Api, wrong: object) -> None:
    group, before = api.made("address-group", addresses=["10.0.0.0/8"]), api.everything()
    body = {"address_group": {"addresses": ["10.1.0.0/16", wrong]}}
    assert api.call("POST", "/v2.0/address-groups", body).error == (400, "HTTPBadRequest")
    if wrong != "10.20.30.40":  # a single address can be added and removed
        assert change(api, group, "add_addresses", "10.1.0.0/16", wrong).error == (400, "HTTPBadRequest")
        assert change(api, group, "remove_addresses", "10.0.0.0/8", wrong).error == (400, "HTTPBadRequest")
    assert api.everything() == before


@pytest.mark.parametrize("body", [{}, {"addresses": None}, {"addresses": "10.0.0.0/8"}, {"addresses": [], "name": "n"},
                                  {"address_group": {"addresses": []}}, []])  # fmt: skip
def test_what_no_change_of_addresses_can_be(api: Api, body: object) -> None:
    group = api.made("address-group")
    for action in ("add_addresses", "remove_addresses"):
        reply = api.call("PUT", f"/v2.0/address-groups/{group['id']}/{action}", body)
        assert reply.error == (400, "HTTPBadRequest")


def test_addresses_are_changed_by_their_own_calls_alone(api: Api) -> None:
    group = api.made("address-group", addresses=["10.0.0.0/8"])
    path = f"/v2.0/address-groups/{group['id']}"
    for body in ({"addresses": ["10.0.0.0/8"]}, {"shared": True}, {"number": 1}):
        assert api.call("PUT", path, {"address_group": body}).error == (400, "HTTPBadRequest")
    assert api.call("POST", "/v2.0/address-groups", {"address_group": {"shared": False}}).error == (
        400, "HTTPBadRequest"
    )  # fmt: skip
    assert api.call("PUT", path, {"address_group": {"name": "n"}}).json["address_group"]["name"] == "n"


def test_addresses_are_added_and_removed(api: Api) -> None:
    group = api.made("address-group", addresses=["10.0.0.0/8"])
    added = change(api, group, "add_addresses", "192.0.2.1", "192.0.2.1/32", "2001:db8::1", "10.0.0.5/16")
    whole = ["10.0.0.0/16", "10.0.0.0/8", "192.0.2.1/32", "2001:db8::1/128"]
    assert added.status == 200 and added.json["address_group"]["addresses"] == whole
    assert added.json["address_group"]["revision_number"] == group["revision_number"] + 1
    assert added.json == api.call("GET", f"/v2.0/address-groups/{group['id']}").json
    assert change(api, group, "add_addresses", "10.9.0.0/16", "192.0.2.1").error == (400, "AddressesAlreadyExist")
    assert change(api, group, "remove_addresses", "192.0.2.1", "192.0.2.2").error == (404, "AddressesNotFound")
    assert addresses(api, group) == whole
    assert change(api, group, "remove_addresses", "10.1.2.3/8", "2001:db8::1/128").status == 200
    assert addresses(api, group) == ["10.0.0.0/16", "192.0.2.1/32"]
    for action in ("add_addresses", "remove_addresses"):
        assert api.call("PUT", f"{NOWHERE}/{action}", {"addresses": []}).error == (404, "AddressGroupNotFound")


def test_a_request_and_a_group_have_an_end(api: Api) -> None:
    def some(count: int, first: int = 0) -> list[str]:
        return [f"10.{number >> 8}.{number & 255}.0/24" for number in range(first, first + count)]

    body = {"address_group": {"addresses": some(MOST_ADDED + 1)}}
    assert api.call("POST", "/v2.0/address-groups", body).error == (400, "HTTPBadRequest")
    group = api.made("address-group", addresses=some(MOST_ADDED))
    assert change(api, group, "add_addresses", *some(MOST_ADDED + 1, 1000)).error == (400, "HTTPBadRequest")
    for first in range(MOST_ADDED, MOST_ADDRESSES, MOST_ADDED):
        reply = change(api, group, "add_addresses", *some(min(MOST_ADDED, MOST_ADDRESSES - first), first))
        assert reply.status == 200
    assert len(addresses(api, group)) == MOST_ADDRESSES
    assert change(api, group, "add_addresses", "11.0.0.0/8").error == (400, "InvalidInput")


def test_the_operator_makes_groups_for_others(api: Api) -> None:
    assert api.made("address-group", project_id="red")["project_id"] == "red"
    assert [each["project_id"] for each in api.call("GET", "/v2.0/address-groups?project_id=red").json["address_groups"]
            ] == ["red"]  # fmt: skip
