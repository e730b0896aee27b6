"""The order of lists, and their pages."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Api

NAMES = ["b", "a", "c", "a", "d"]


@pytest.fixture
def networks(api: Api) -> list[dict[str, Any]]:
    return [api.made("network", name=name, admin_state_up=name != "c") for name in NAMES]


def listed(api: Api, query: str) -> dict[str, Any]:
    reply = api.call("GET", f"/v2.0/networks?{query}")
    assert reply.status == 200, reply.body
    found: dict[str, Any] = reply.json
    return found


def names(api: Api, query: str) -> str:
    return "".join(network["name"] for network in listed(api, query)["networks"])


def test_lists_are_sorted_by_each_key_in_its_direction(api: Api, networks: list[dict[str, Any]]) -> None:
    assert names(api, "sort_key=name") == "aabcd"
    assert names(api, "sort_key=name&sort_dir=desc") == "dcbaa"
    assert names(api, "sort_key=admin_state_up&sort_key=name&sort_dir=asc&sort_dir=desc") == "cdbaa"
    found = listed(api, "sort_key=name&sort_key=id&sort_dir=asc&sort_dir=desc&name=a")["networks"]
    assert [each["id"] for each in found] == sorted((each["id"] for each in found), reverse=True)
    for place, each in enumerate(networks):  # the first is written to most often
        for time in range(len(networks) - place):
            api.call("PUT", f"/v2.0/networks/{each['id']}", {"network": {"description": str(time)}})
    assert names(api, "sort_key=revision_number") == "".join(reversed(NAMES))


def test_what_has_no_order_sorts_nothing(api: Api, networks: list[dict[str, Any]]) -> None:
    for key in ("subnets", "tags"):
        assert api.call("GET", f"/v2.0/networks?sort_key={key}").error == (400, "HTTPBadRequest")


def test_null_comes_before_all_else(api: Api) -> None:
    for quota in (5, None, 3):
        api.made("subnetpool", prefixes=["10.0.0.0/8"], default_quota=quota)
    found = api.call("GET", "/v2.0/subnetpools?sort_key=default_quota").json["subnetpools"]
    assert [pool["default_quota"] for pool in found] == [None, 3, 5]


def follow(api: Api, query: str, rel: str) -> list[str]:
    """The names on each page, following the links of one kind."""
    pages, path = [], f"/v2.0/networks?{query}"
    while path:
        found = api.call("GET", path).json
        pages.append("".join(network["name"] for network in found["networks"]))
        links = {link["rel"]: link["href"] for link in found.get("networks_links", [])}
        path = links.get(rel, "").replace("http://localhost", "")
    return pages


def test_links_lead_through_all_pages_and_back(api: Api, networks: list[dict[str, Any]]) -> None:
    assert follow(api, "sort_key=name&limit=2", "next") == ["aa", "bc", "d"]
    assert follow(api, "sort_key=name&limit=2&page_reverse=True", "previous") == ["cd", "ab", "a"]
    assert follow(api, "sort_key=name&sort_dir=desc&limit=2&name=a&name=b&name=c", "next") == ["cb", "aa", ""]
    assert "networks_links" not in listed(api, "sort_key=name")
    assert "networks_links" not in listed(api, "sort_key=name&limit=0")
    (link,) = listed(api, "limit=10")["networks_links"]
    assert link["rel"] == "previous", "as OpenStack says it, of the first page too"


def test_a_marker_begins_after_itself(api: Api, networks: list[dict[str, Any]]) -> None:
    marker = networks[0]["id"]  # b
    assert names(api, f"sort_key=name&marker={marker}") == "cd"
    assert names(api, f"sort_key=name&limit=1&marker={marker}") == "c"
    assert names(api, f"sort_key=name&limit=1&marker={marker}&page_reverse=true") == "a"
    last = listed(api, "sort_key=name")["networks"][-1]["id"]
    beyond = listed(api, f"sort_key=name&limit=2&marker={last}")
    (link,) = beyond["networks_links"]
    assert (beyond["networks"], link["rel"]) == ([], "previous")
    assert [
        each["name"] for each in api.call("GET", link["href"].replace("http://localhost", "")).json["networks"]
    ] == [
        "c",
        "d",
    ]


def test_a_marker_that_is_not_in_the_list_is_not_found(api: Api, networks: list[dict[str, Any]]) -> None:
    gone = networks[0]["id"]
    assert api.call("GET", f"/v2.0/networks?name=a&marker={gone}").error == (404, "NetworkNotFound")
    api.call("DELETE", f"/v2.0/networks/{gone}")
    assert api.call("GET", f"/v2.0/networks?limit=2&marker={gone}").error == (404, "NetworkNotFound")
    assert api.call("GET", "/v2.0/networks?limit=2&marker=%00").error == (404, "NetworkNotFound")
