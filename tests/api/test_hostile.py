"""Any JSON at all, as a body of any write: never a 5xx, and a 4xx changes nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from webob import Request

from .conftest import Api
from .quantum import Tenant

VALUES: list[Any] = [
    "", "x", "10.0.0.5", "10.0.0.0/24", "2001:db8::/64", "2001:db8::5", "02:00:00:00:00:01", "vxlan", "normal",
    "ACTIVE", "x" * 256, "\0", "a/", "port/x", "../x", "☃", 0, 1, 4, 6, -1, 2**24, 2**70, 1.5, True, False, None,
    "00000000-0000-4000-8000-000000000000",
]  # fmt: skip
KEYS = [
    "name", "id", "network_id", "project_id", "tenant_id", "cidr", "ip_version", "gateway_ip", "allocation_pools",
    "start", "end", "fixed_ips", "subnet_id", "ip_address", "mac_address", "admin_state_up", "binding:host_id",
    "binding:profile", "interface", "provider:segmentation_id", "provider:network_type", "enable_dhcp", "state",
    "device_id", "shared", "foo",
]  # fmt: skip
ROOTS = ["network", "networks", "subnet", "subnets", "port", "ports", "attachment", "x"]

scalars = st.one_of(st.sampled_from(VALUES), st.text(st.characters(exclude_categories=["Cs"]), max_size=10))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)),
    max_leaves=12,
)
objects = st.dictionaries(st.sampled_from(KEYS), values, max_size=8)
bodies = st.one_of(
    values,
    st.dictionaries(st.sampled_from(ROOTS), st.one_of(objects, st.lists(objects, max_size=4), values), max_size=2),
)


@pytest.fixture
def writes(api: Api) -> list[tuple[str, str]]:
    """Every write that has a body, on objects that exist; their ids are among the values that are tried."""
    network = api.made("network", project_id="red", provider__segmentation_id=4)
    subnet = api.made("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24")
    port = api.made("port", network_id=network["id"], project_id="red", binding__profile={"interface": "x"})
    VALUES[-1:] = [network["id"]]
    red = Tenant(api)
    v1 = f"{red.path}/networks"
    return [
        ("POST", "/v2.0/networks"),
        ("POST", "/v2.0/subnets"),
        ("POST", "/v2.0/ports"),
        ("PUT", f"/v2.0/networks/{network['id']}"),
        ("PUT", f"/v2.0/subnets/{subnet['id']}"),
        ("PUT", f"/v2.0/ports/{port['id']}"),
        ("POST", v1),
        ("PUT", f"{v1}/{network['id']}"),
        ("POST", f"{v1}/{network['id']}/ports"),
        ("PUT", f"{v1}/{network['id']}/ports/{port['id']}"),
        ("PUT", f"{v1}/{network['id']}/ports/{port['id']}/attachment"),
    ]


def check(api: Api, method: str, path: str, body: bytes, **headers: str) -> int:
    before = api.everything()
    reply = api.call(method, path, body, **headers)
    assert reply.status < 500, reply.body
    if reply.status >= 400:
        assert api.everything() == before
        assert b"message" in reply.body
    return reply.status


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_json_is_taken_or_refused(api: Api, writes: list[tuple[str, str]], data: st.DataObject) -> None:
    method, path = data.draw(st.sampled_from(writes))
    check(api, method, path, msgspec.json.encode(data.draw(bodies)))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_object_under_the_right_name(api: Api, writes: list[tuple[str, str]], data: st.DataObject) -> None:
    """As above, with a body that has the right root and often the right attributes."""
    method, path = data.draw(st.sampled_from(writes[:6]))
    kind = path.split("/")[2].removesuffix("s")
    item = data.draw(objects)
    if method == "POST" and data.draw(st.booleans()):
        item |= {"network_id": writes[3][1].rpartition("/")[2]}
    check(api, method, path, msgspec.json.encode({kind: item}))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_bytes(api: Api, writes: list[tuple[str, str]], data: st.DataObject) -> None:
    method, path = data.draw(st.sampled_from(writes))
    media = data.draw(st.sampled_from(["application/json", "application/xml", "text/plain"]))
    headers: dict[str, Any] = {"Content_Type": media}
    check(api, method, path, data.draw(st.binary(min_size=1, max_size=60)), **headers)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(max_codepoint=255, exclude_characters="#"), max_size=40))
def test_any_query(api: Api, query: str) -> None:
    for path in ("/v2.0/ports", "/v2.0/networks", "/v1.1/tenants/red/networks"):
        request = {"QUERY_STRING": query}
        reply = Request.blank(path, environ=request).get_response(api.app)
        assert reply.status_int in (200, 400)
