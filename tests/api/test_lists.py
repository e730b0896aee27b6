"""Lists: filters on every attribute, repeated ones, `fields`."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Api


@pytest.fixture
def ports(api: Api) -> list[dict[str, Any]]:
    one, two = api.made("network", name="one"), api.made("network", name="two")
    for network, cidr in ((one, "10.0.0.0/24"), (two, "10.0.1.0/24")):
        api.made("subnet", network_id=network["id"], ip_version=4, cidr=cidr)
    return [
        api.made("port", network_id=one["id"], name="a", project_id="red", fixed_ips=[{"ip_address": "10.0.0.5"}]),
        api.made("port", network_id=one["id"], name="b", project_id="blue", admin_state_up=False),
        api.made("port", network_id=two["id"], name="a", project_id="blue", device_owner="compute:x"),
    ]


def names(api: Api, query: str) -> list[str]:
    reply = api.call("GET", f"/v2.0/ports?{query}")
    assert reply.status == 200, reply.body
    return sorted(f"{port['project_id']} {port['name']}" for port in reply.json["ports"])


def test_filters_are_equalities_of_which_all_hold(api: Api, ports: list[dict[str, Any]]) -> None:
    assert names(api, "") == ["blue a", "blue b", "red a"]
    assert names(api, "name=a") == ["blue a", "red a"]
    assert names(api, "name=a&project_id=blue") == ["blue a"]
    assert names(api, "tenant_id=red") == ["red a"]
    assert names(api, "name=a&name=b&project_id=blue") == ["blue a", "blue b"]
    assert names(api, f"network_id={ports[2]['network_id']}") == ["blue a"]
    assert names(api, f"id={ports[0]['id']}&id={ports[1]['id']}") == ["blue b", "red a"]
    assert names(api, f"mac_address={ports[1]['mac_address']}") == ["blue b"]
    assert names(api, "admin_state_up=False") == ["blue b"]
    assert names(api, "admin_state_up=true&status=BUILD") == ["blue a", "red a"]
    assert names(api, "device_owner=compute:x") == ["blue a"]
    assert names(api, "device_owner=") == ["blue b", "red a"]
    assert names(api, "fixed_ips=ip_address=10.0.0.5") == ["red a"]
    assert names(api, "fixed_ips=ip_address%3D10.0.0.5") == ["red a"]
    assert names(api, f"fixed_ips=subnet_id={ports[2]['fixed_ips'][0]['subnet_id']}") == ["blue a"]
    assert names(api, "name=nobody") == []
    assert names(api, "id=x&network_id=y") == []


def test_fields_are_those_asked_for(api: Api, ports: list[dict[str, Any]]) -> None:
    reply = api.call("GET", "/v2.0/ports?name=b&fields=name&fields=status")
    assert reply.json == {"ports": [{"name": "b", "status": "DOWN"}]}
    reply = api.call("GET", f"/v2.0/ports/{ports[0]['id']}?fields=id")
    assert reply.json == {"port": {"id": ports[0]["id"]}}


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "limit=-1",
        "limit=x",
        "sort_key=colour",
        "sort_key=fixed_ips",
        "sort_key=name&sort_dir=up",
        "sort_dir=asc",
        "page_reverse=maybe",
        "changed_since=yesterday",
        "changed_since=0001-01-01T00:00:00%2B23:59",
        "changed_since=9999-12-31T23:59:59-23:59",
        "name=%ff",
        "&".join(["name=a"] * 201),
    ],
)
def test_a_query_that_means_nothing_is_refused(api: Api, ports: list[dict[str, Any]], query: str) -> None:
    assert api.call("GET", f"/v2.0/ports?{query}").error == (400, "HTTPBadRequest")


def test_lists_are_ordered_by_id(api: Api, ports: list[dict[str, Any]]) -> None:
    for query in ("", "?project_id=blue&project_id=red"):
        ids = [port["id"] for port in api.call("GET", f"/v2.0/ports{query}").json["ports"]]
        assert len(ids) == 3
        assert ids == sorted(ids)
