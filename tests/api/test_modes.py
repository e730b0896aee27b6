"""IPv6: addresses that ports make for themselves, and those that are given (RFC 4862, RFC 9915)."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Api

MAC, MADE = "fa:16:3e:01:02:03", "2001:db8::f816:3eff:fe01:203"
OTHER_MAC, OTHER_MADE = "fa:16:3e:aa:bb:cc", "2001:db8::f816:3eff:feaa:bbcc"
SLAAC = {"ip_version": 6, "cidr": "2001:db8::/64", "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}


@pytest.fixture
def network(api: Api) -> dict[str, Any]:
    return api.made("network")


def addresses(port: dict[str, Any]) -> list[str]:
    return [fixed["ip_address"] for fixed in port["fixed_ips"]]


def port(api: Api, network: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    return api.made("port", network_id=network["id"], **({"mac_address": MAC} | attributes))


@pytest.mark.parametrize("modes", [("slaac", "slaac"), ("slaac", None), (None, "slaac"), (None, "dhcpv6-stateless"),
                                   ("dhcpv6-stateless", "dhcpv6-stateless")])  # fmt: skip
def test_a_port_makes_its_address_from_its_mac(
    api: Api, network: dict[str, Any], modes: tuple[str | None, str | None]
) -> None:
    subnet = api.made("subnet", network_id=network["id"], ip_version=6, cidr="2001:db8::/64", ipv6_ra_mode=modes[0],
                      ipv6_address_mode=modes[1])  # fmt: skip
    assert (subnet["ipv6_ra_mode"], subnet["ipv6_address_mode"]) == modes
    assert addresses(port(api, network)) == [MADE]


@pytest.mark.parametrize("modes", [("dhcpv6-stateful", "dhcpv6-stateful"), (None, None)])
def test_a_given_address_is_of_the_pools(
    api: Api, network: dict[str, Any], modes: tuple[str | None, str | None]
) -> None:
    api.made("subnet", network_id=network["id"], ip_version=6, cidr="2001:db8::/64", ipv6_ra_mode=modes[0],
             ipv6_address_mode=modes[1], allocation_pools=[{"start": "2001:db8::7", "end": "2001:db8::7"}])  # fmt: skip
    assert addresses(port(api, network)) == ["2001:db8::7"]


def test_every_such_subnet_gives_one_beside_what_is_asked_for(api: Api, network: dict[str, Any]) -> None:
    four = api.made("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24")
    six = api.made("subnet", network_id=network["id"], **SLAAC)
    api.made("subnet", network_id=network["id"], **(SLAAC | {"cidr": "2001:db8:0:1::/64"}))
    both = [MADE, MADE.replace("db8:", "db8:0:1")]
    requests: tuple[list[dict[str, str]], ...] = (
        [{"ip_address": "10.0.0.9"}],
        [{"subnet_id": four["id"]}, {"subnet_id": six["id"]}],
        [{"subnet_id": six["id"], "ip_address": MADE}],
    )
    for request in requests:
        made = port(api, network, fixed_ips=request)
        assert set(both) <= set(addresses(made)), request
        assert len(addresses(made)) == 2 + (request[0].get("subnet_id") != six["id"]), request
        assert api.call("DELETE", f"/v2.0/ports/{made['id']}").status == 204
    assert addresses(port(api, network, fixed_ips=[])) == []


def test_no_other_address_can_be_asked_for_there(api: Api, network: dict[str, Any]) -> None:
    subnet = api.made("subnet", network_id=network["id"], **SLAAC)
    body = {"network_id": network["id"], "fixed_ips": [{"subnet_id": subnet["id"], "ip_address": "2001:db8::5"}]}
    assert api.call("POST", "/v2.0/ports", {"port": body}).error == (400, "AllocationOnAutoAddressSubnet")
    router = body | {"device_owner": "network:router_interface"}
    assert api.call("POST", "/v2.0/ports", {"port": router}).json["port"]["fixed_ips"] == body["fixed_ips"]


def test_ports_that_are_there_already_get_one_and_lose_it_with_the_subnet(api: Api, network: dict[str, Any]) -> None:
    made = port(api, network)
    api.call("POST", f"/v1.1/tenants/default/networks/{network['id']}/ports", {"port": {}})
    assert addresses(made) == []
    subnet = api.made("subnet", network_id=network["id"], **SLAAC)
    path = f"/v2.0/ports/{made['id']}"
    assert addresses(api.call("GET", path).json["port"]) == [MADE]
    found = api.call("GET", "/v2.0/ports").json["ports"]
    assert sorted(addresses(each) for each in found) == [[], [MADE]]  # what is learned declares nothing
    assert api.call("DELETE", f"/v2.0/subnets/{subnet['id']}").status == 204
    assert addresses(api.call("GET", path).json["port"]) == []
    assert api.call("DELETE", path).status == 204
    assert [row.key for row in api.everything()[1] if "/ip/" in row.key] == []


def test_another_mac_makes_another_address(api: Api, network: dict[str, Any]) -> None:
    api.made("subnet", network_id=network["id"], **SLAAC)
    path = f"/v2.0/ports/{port(api, network)['id']}"
    changed = api.call("PUT", path, {"port": {"mac_address": OTHER_MAC}}).json["port"]
    assert addresses(changed) == [OTHER_MADE]
    assert addresses(port(api, network)) == [MADE]  # which is free again
    again = api.call("PUT", path, {"port": {"mac_address": None}}).json["port"]
    assert again["mac_address"].startswith("fa:16:3e:") and again["mac_address"] != OTHER_MAC
    assert addresses(again) != [OTHER_MADE]


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ({"cidr": "2001:db8::/65"}, (400, "InvalidInput")),
        ({"ipv6_ra_mode": "dhcpv6-stateful"}, (400, "InvalidInput")),
        ({"enable_dhcp": False}, (400, "InvalidInput")),
        ({"ipv6_ra_mode": "SLAAC"}, (400, "HTTPBadRequest")),
    ],
)
def test_modes_that_contradict_are_refused(
    api: Api, network: dict[str, Any], attributes: dict[str, Any], error: tuple[int, str]
) -> None:
    body = SLAAC | {"network_id": network["id"]} | attributes
    assert api.call("POST", "/v2.0/subnets", {"subnet": body}).error == error


def test_service_types_choose_the_subnet(api: Api, network: dict[str, Any]) -> None:
    for cidr, services in (("10.0.0.0/24", ["compute:nova"]), ("10.1.0.0/24", ["network:dhcp", "network:router"])):
        api.made("subnet", network_id=network["id"], ip_version=4, cidr=cidr, service_types=services)
    made = api.made("port", network_id=network["id"], device_owner="compute:nova")
    assert addresses(made)[0].startswith("10.0.")
    made = api.made("port", network_id=network["id"], device_owner="network:dhcp")
    assert addresses(made)[0].startswith("10.1.")
    refused = api.call("POST", "/v2.0/ports", {"port": {"network_id": network["id"], "device_owner": "other:x"}})
    assert refused.error == (409, "IpAddressGenerationFailureNoMatchingSubnet")
    api.made("subnet", network_id=network["id"], ip_version=4, cidr="10.2.0.0/24")
    made = api.made("port", network_id=network["id"], device_owner="other:x")
    assert addresses(made)[0].startswith("10.2.")
