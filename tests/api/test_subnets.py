"""Subnets of v2.0."""

from __future__ import annotations

import pytest

from .conftest import Api


def test_a_subnet_is_shown_as_it_was_made(api: Api) -> None:
    network = api.made("network")
    subnet = api.made("subnet", network_id=network["id"], ip_version="4", cidr="10.0.0.0/24", name="s", project_id="p")
    assert subnet | {"id": "", "created_at": "", "updated_at": "", "revision_number": 0} == {
        "id": "",
        "name": "s",
        "network_id": network["id"],
        "project_id": "p",
        "tenant_id": "p",
        "ip_version": 4,
        "cidr": "10.0.0.0/24",
        "gateway_ip": "10.0.0.1",
        "allocation_pools": [{"start": "10.0.0.2", "end": "10.0.0.254"}],
        "enable_dhcp": True,
        "dns_nameservers": [],
        "host_routes": [],
        "ipv6_ra_mode": None,
        "ipv6_address_mode": None,
        "service_types": [],
        "subnetpool_id": None,
        "dns_publish_fixed_ip": False,
        "shared": False,
        "description": "",
        "tags": [],
        "created_at": "",
        "updated_at": "",
        "revision_number": 0,
    }
    assert api.call("GET", f"/v2.0/networks/{network['id']}").json["network"]["subnets"] == [subnet["id"]]


def test_gateway_and_pools_may_be_given_and_changed(api: Api) -> None:
    network = api.made("network")
    subnet = api.made(
        "subnet",
        network_id=network["id"],
        ip_version=6,
        cidr="2001:DB8::/64",
        gateway_ip=None,
        allocation_pools=[{"start": "2001:db8:0::10", "end": "2001:db8::20"}],
        dns_nameservers=[],
    )
    assert (subnet["cidr"], subnet["gateway_ip"]) == ("2001:db8::/64", None)
    assert subnet["allocation_pools"] == [{"start": "2001:db8::10", "end": "2001:db8::20"}]
    path = f"/v2.0/subnets/{subnet['id']}"
    reply = api.call("PUT", path, {"subnet": {"gateway_ip": "2001:db8::1", "name": "n", "enable_dhcp": False}})
    after = reply.json["subnet"]
    assert (after["gateway_ip"], after["name"], after["enable_dhcp"]) == ("2001:db8::1", "n", False)
    assert api.call("DELETE", path).status == 204
    assert api.call("GET", path).error == (404, "SubnetNotFound")


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ({"cidr": "10.0.0.5/24"}, (400, "HTTPBadRequest")),
        ({"cidr": "10.0.0.0"}, (400, "HTTPBadRequest")),
        ({"cidr": "10.0.0.0/33"}, (400, "HTTPBadRequest")),
        ({"cidr": "10.0.0.0/255.255.255.0"}, (400, "HTTPBadRequest")),
        ({"cidr": "fe80::%eth0/64", "ip_version": 6}, (400, "HTTPBadRequest")),
        ({"cidr": 167772160}, (400, "HTTPBadRequest")),
        ({"ip_version": 5}, (400, "HTTPBadRequest")),
        ({"ip_version": "5"}, (400, "HTTPBadRequest")),
        ({"ip_version": 4.5}, (400, "HTTPBadRequest")),
        ({"ip_version": 6}, (400, "InvalidInput")),
        ({"network_id": "x"}, (400, "HTTPBadRequest")),
        ({"network_id": "00000000-0000-4000-8000-000000000000"}, (404, "NetworkNotFound")),
        ({"gateway_ip": "x"}, (400, "HTTPBadRequest")),
        ({"gateway_ip": "10.0.0.255"}, (400, "InvalidInput")),
        ({"allocation_pools": {}}, (400, "HTTPBadRequest")),
        ({"allocation_pools": [1]}, (400, "HTTPBadRequest")),
        ({"allocation_pools": [{"start": "10.0.0.5"}]}, (400, "HTTPBadRequest")),
        ({"allocation_pools": [{"start": "10.0.0.5", "end": "10.0.0.6", "x": 1}]}, (400, "HTTPBadRequest")),
        ({"allocation_pools": [{"start": "10.0.0.5", "end": "10.0.1.5"}]}, (400, "OutOfBoundsAllocationPool")),
        ({"allocation_pools": [{"start": "10.0.0.1", "end": "10.0.0.5"}]}, (409, "GatewayConflictWithAllocationPools")),
        (
            {"allocation_pools": [{"start": "10.0.0.5", "end": "10.0.0.9"}, {"start": "10.0.0.9", "end": "10.0.0.10"}]},
            (409, "OverlappingAllocationPools"),
        ),
        ({"allocation_pools": [{"start": "10.0.0.9", "end": "10.0.0.5"}]}, (400, "InvalidAllocationPool")),
        ({"dns_nameservers": ["10.0.0.300"]}, (400, "HTTPBadRequest")),
        ({"dns_nameservers": ["10.0.0.1", "10.0.0.1"]}, (400, "HTTPBadRequest")),
        ({"dns_nameservers": ["2001:db8::1"]}, (400, "InvalidInput")),
        ({"dns_nameservers": [f"10.0.0.{n}" for n in range(6)]}, (400, "DNSNameServersExhausted")),
        ({"host_routes": "x"}, (400, "HTTPBadRequest")),
        ({"host_routes": [{"destination": "10.1.0.0/16"}]}, (400, "HTTPBadRequest")),
        ({"host_routes": [{"destination": "10.1.0.1/16", "nexthop": "10.0.0.9"}]}, (400, "HTTPBadRequest")),
        ({"host_routes": [{"destination": "10.1.0.0/16", "nexthop": "2001:db8::1"}]}, (400, "InvalidInput")),
        (
            {"host_routes": [{"destination": f"10.{n}.0.0/16", "nexthop": "10.0.0.9"} for n in range(21)]},
            (400, "HostRoutesExhausted"),
        ),
        ({"ipv6_ra_mode": "slaac"}, (400, "InvalidInput")),
        ({"ipv6_ra_mode": "other"}, (400, "HTTPBadRequest")),
        *(({"service_types": [wrong]}, (400, "InvalidSubnetServiceType")) for wrong in ("whatever", ":x", "a b:c")),
        ({"prefixlen": 24}, (400, "BadRequest")),
        ({"subnetpool_id": "00000000-0000-4000-8000-000000000000"}, (404, "SubnetPoolNotFound")),
        ({"use_default_subnetpool": True}, (400, "BadRequest")),
        ({"enable_dhcp": "yes"}, (400, "HTTPBadRequest")),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    api: Api, attributes: dict[str, object], error: tuple[int, str]
) -> None:
    network = api.made("network")
    before = api.everything()
    whole = {"network_id": network["id"], "ip_version": 4, "cidr": "10.0.0.0/24"} | attributes
    assert api.call("POST", "/v2.0/subnets", {"subnet": whole}).error == error
    assert api.everything() == before


def test_what_is_required(api: Api) -> None:
    reply = api.call("POST", "/v2.0/subnets", {"subnet": {}})
    assert reply.error == (400, "HTTPBadRequest")
    assert all(name in reply.json["NeutronError"]["message"] for name in ("network_id", "ip_version"))
    body = {"subnet": {"network_id": api.made("network")["id"], "ip_version": 4}}
    assert api.call("POST", "/v2.0/subnets", body).error == (400, "BadRequest")


def test_overlap_and_use(api: Api) -> None:
    network = api.made("network")
    subnet = api.made("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/16")
    body = {"subnet": {"network_id": network["id"], "ip_version": 4, "cidr": "10.0.9.0/24"}}
    assert api.call("POST", "/v2.0/subnets", body).error == (400, "InvalidInput")
    api.made("port", network_id=network["id"])
    assert api.call("DELETE", f"/v2.0/subnets/{subnet['id']}").error == (409, "SubnetInUse")
