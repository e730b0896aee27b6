"""Attributes of ports and networks that change what is forwarded, and those that are kept for others."""

from __future__ import annotations

from typing import Any

import pytest

from controller.model.rows import Switch
from controller.store.transaction import Transaction, transact

from .conftest import Api


@pytest.fixture
def network(api: Api) -> dict[str, Any]:
    return api.made("network")


def change(api: Api, kind: str, row: dict[str, Any], **attributes: Any) -> Any:
    return api.call("PUT", f"/v2.0/{kind}s/{row['id']}", {kind: attributes})


def test_port_security_is_the_networks_unless_the_port_says(api: Api) -> None:
    loose = api.made("network", port_security_enabled=False)
    assert api.made("port", network_id=loose["id"])["port_security_enabled"] is False
    assert api.made("port", network_id=loose["id"], port_security_enabled=True)["port_security_enabled"] is True
    port = api.made("port", network_id=api.made("network")["id"], allowed_address_pairs=[{"ip_address": "10.0.0.9"}])
    off = change(api, "port", port, port_security_enabled=False)
    assert off.error == (409, "AddressPairAndPortSecurityRequired")
    still = change(api, "port", port, port_security_enabled=False, allowed_address_pairs=[])
    assert still.error == (409, "PortSecurityPortHasSecurityGroup")
    both = change(api, "port", port, port_security_enabled=False, allowed_address_pairs=[], security_groups=[])
    assert both.json["port"]["port_security_enabled"] is False


def test_pairs_are_shown_with_their_mac_which_follows_the_ports(api: Api, network: dict[str, Any]) -> None:
    port = api.made("port", network_id=network["id"], mac_address="02:00:00:00:00:01", allowed_address_pairs=[
        {"ip_address": "10.0.0.9"}, {"ip_address": "10.1.2.3/16", "mac_address": "00-00-5E-00-01-01"},
        {"ip_address": "2001:DB8::1/128", "mac_address": None}])  # fmt: skip
    expected = [
        {"ip_address": "10.0.0.9", "mac_address": "02:00:00:00:00:01"},
        {"ip_address": "10.1.0.0/16", "mac_address": "00:00:5e:00:01:01"},
        {"ip_address": "2001:db8::1", "mac_address": "02:00:00:00:00:01"},
    ]
    assert port["allowed_address_pairs"] == expected
    after = change(api, "port", port, mac_address="02:00:00:00:00:02").json["port"]["allowed_address_pairs"]
    assert [pair["mac_address"][-2:] for pair in after] == ["02", "01", "02"]
    found = api.call("GET", "/v2.0/ports?allowed_address_pairs=ip_address=10.1.0.0/16").json["ports"]
    assert [each["id"] for each in found] == [port["id"]]


def test_dhcp_options_are_added_changed_and_taken_away(api: Api, network: dict[str, Any]) -> None:
    options = [
        {"opt_name": "tftp-server", "opt_value": "a"},
        {"opt_name": "mtu", "opt_value": "1", "ip_version": "6"},
    ]
    port = api.made("port", network_id=network["id"], extra_dhcp_opts=options)
    assert port["extra_dhcp_opts"] == [
        {"opt_name": "mtu", "opt_value": "1", "ip_version": 6},
        {"opt_name": "tftp-server", "opt_value": "a", "ip_version": 4},
    ]
    after = change(api, "port", port, extra_dhcp_opts=[
        {"opt_name": "tftp-server", "opt_value": "b"}, {"opt_name": "mtu", "opt_value": None, "ip_version": 6},
        {"opt_name": "new", "opt_value": "c"}]).json["port"]  # fmt: skip
    assert [(each["opt_name"], each["opt_value"]) for each in after["extra_dhcp_opts"]] == [
        ("new", "c"),
        ("tftp-server", "b"),
    ]


def test_an_empty_router_is_a_value(api: Api, network: dict[str, Any]) -> None:
    """DHCP is not to tell it; null takes the option away, so that the subnet's is told again."""
    given = [{"opt_name": name, "opt_value": "", "ip_version": 4} for name in ("classless-static-route", "router")]
    port = api.made("port", network_id=network["id"], extra_dhcp_opts=given)
    assert port["extra_dhcp_opts"] == given
    gone = [{"opt_name": "router", "opt_value": None}]
    assert change(api, "port", port, extra_dhcp_opts=gone).json["port"]["extra_dhcp_opts"] == given[:1]


def test_the_profile_is_kept_whole(api: Api, network: dict[str, Any]) -> None:
    given = {"interface": "eth9", "migrating_to": "h2", "allocation": {"a": [1, None]}}
    port = api.made("port", network_id=network["id"], binding__profile=given)
    assert port["binding:profile"] == given
    assert change(api, "port", port, **{"binding:profile": {"b": 1}}).json["port"]["binding:profile"] == {"b": 1}
    assert change(api, "port", port, **{"binding:profile": None}).json["port"]["binding:profile"] == {}


def test_what_the_data_plane_is_said_to_be(api: Api, network: dict[str, Any]) -> None:
    port = api.made("port", network_id=network["id"])
    for status in ("DOWN", "ACTIVE", None):
        assert change(api, "port", port, data_plane_status=status).json["port"]["data_plane_status"] == status
    body = {"port": {"network_id": network["id"], "data_plane_status": "ACTIVE"}}
    assert api.call("POST", "/v2.0/ports", body).error == (400, "HTTPBadRequest")


def test_ports_are_found_by_parts_of_an_address(api: Api, network: dict[str, Any]) -> None:
    subnet = api.made("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/16")
    for host in ("10.0.1.5", "10.0.11.5", "10.0.2.6"):
        api.made("port", network_id=network["id"], name=host, fixed_ips=[{"ip_address": host}])
    for query, wanted in (
        ("fixed_ips=ip_address_substr=1.5", ["10.0.1.5", "10.0.11.5"]),
        ("fixed_ips=ip_address_substr=.1.&fixed_ips=ip_address_substr=.2.", ["10.0.1.5", "10.0.2.6"]),
        (f"fixed_ips=ip_address_substr=.6&fixed_ips=subnet_id={subnet['id']}", ["10.0.2.6"]),
        ("fixed_ips=ip_address=10.0.2.6&fixed_ips=subnet_id=other", []),
        ("fixed_ips=ip_address=10.0.2.6&fixed_ips=ip_address=10.0.1.5", ["10.0.1.5", "10.0.2.6"]),
        ("device_id=", ["10.0.1.5", "10.0.11.5", "10.0.2.6"]),
    ):
        found = api.call("GET", f"/v2.0/ports?{query}").json["ports"]
        assert sorted(each["name"] for each in found) == wanted, query


def test_mtu_is_what_works(api: Api) -> None:
    assert api.made("network", mtu=0)["mtu"] == 1450
    network = api.made("network", mtu=1400)
    assert network["mtu"] == 1400
    assert change(api, "network", network, mtu=1451).error == (400, "InvalidInput")
    assert change(api, "network", network, mtu=67).json["network"]["mtu"] == 67
    four = {"subnet": {"network_id": network["id"], "ip_version": 4, "cidr": "10.0.0.0/24"}}
    assert api.call("POST", "/v2.0/subnets", four).error == (409, "NetworkMTUSubnetConflict")
    assert change(api, "network", network, mtu=68).json["network"]["mtu"] == 68
    assert api.call("POST", "/v2.0/subnets", four).status == 201
    assert change(api, "network", network, mtu=67).error == (409, "NetworkMTUSubnetConflict")
    body = {"subnet": {"network_id": network["id"], "ip_version": 6, "cidr": "2001:db8::/64"}}
    assert api.call("POST", "/v2.0/subnets", body).error == (409, "NetworkMTUSubnetConflict")
    change(api, "network", network, mtu=1280)
    assert api.call("POST", "/v2.0/subnets", body).status == 201
    assert change(api, "network", network, mtu=1279).error == (409, "NetworkMTUSubnetConflict")


def test_the_smallest_underlay_that_a_hypervisor_tells_bounds_the_mtu(api: Api) -> None:
    context = api.context

    def add(tx: Transaction) -> None:
        for number, mtu in ((1, 9000), (2, 1400), (3, 0)):
            tx.put(Switch(id=f"s{number}", number=number, dpid=number, host=f"h{number}", underlay_mtu=mtu))

    transact(context.store, context.replica, add)
    network = api.made("network")
    assert network["mtu"] == 1350
    assert change(api, "network", network, mtu=1351).error == (400, "InvalidInput")

    def six(tx: Transaction) -> None:
        tx.put(Switch(id="s4", number=4, dpid=4, host="h4", underlay_mtu=1400, encap_ip="2001:db8::4"))

    transact(context.store, context.replica, six)
    assert api.made("network")["mtu"] == 1330


def test_hypervisors_are_agents_and_make_a_zone(api: Api) -> None:
    assert api.call("GET", "/v2.0/availability_zones").json == {"availability_zones": []}
    hints = {"network": {"availability_zone_hints": ["nova"]}}
    assert api.call("POST", "/v2.0/networks", hints).error == (404, "AvailabilityZoneNotFound")
    context = api.context

    def add(tx: Transaction) -> None:
        tx.put(Switch(id="s1", number=1, dpid=1, host="h1", encap_ip="192.0.2.1"))

    transact(context.store, context.replica, add)
    (agent,) = api.call("GET", "/v2.0/agents?host=h1").json["agents"]
    assert (agent["id"], agent["alive"], agent["agent_type"]) == ("s1", True, "Open vSwitch agent")
    changed = api.call("PUT", "/v2.0/agents/s1", {"agent": {"description": "rack 4", "admin_state_up": True}})
    assert changed.json["agent"]["description"] == "rack 4"
    assert api.call("GET", "/v2.0/agents/s1").json["agent"]["description"] == "rack 4"
    assert api.call("GET", "/v2.0/agents/s2").error == (404, "AgentNotFound")
    assert api.call("DELETE", "/v2.0/agents/s2").error == (404, "AgentNotFound")
    assert api.call("DELETE", "/v2.0/agents/s1").error == (409, "SwitchInUse")
    zone, other = api.call("GET", "/v2.0/availability_zones").json["availability_zones"]
    assert zone == {"name": "nova", "resource": "network", "state": "available"}
    assert other == {**zone, "resource": "router"}
    made = api.call("POST", "/v2.0/networks", hints).json["network"]
    assert (made["availability_zone_hints"], made["availability_zones"]) == (["nova"], ["nova"])


def test_what_is_left_of_a_networks_addresses(api: Api, network: dict[str, Any]) -> None:
    for version, cidr in ((4, "10.0.0.0/24"), (6, "2001:db8::/64")):
        api.made("subnet", network_id=network["id"], ip_version=version, cidr=cidr)
    api.made("port", network_id=network["id"])
    shown = api.call("GET", f"/v2.0/network-ip-availabilities/{network['id']}").json["network_ip_availability"]
    assert (shown["total_ips"], shown["used_ips"]) == (253 + 2**64 - 2, 2)
    assert sorted(each["used_ips"] for each in shown["subnet_ip_availability"]) == [1, 1]
    empty = api.made("network", name="empty")
    for query, count in (("", 2), ("?ip_version=4", 1), ("?ip_version=5", 0), ("?network_name=empty", 1)):
        found = api.call("GET", f"/v2.0/network-ip-availabilities{query}").json["network_ip_availabilities"]
        assert len(found) == count, query
    gone = api.call("GET", f"/v2.0/network-ip-availabilities/{empty['id'][::-1]}")
    assert gone.error == (404, "NetworkNotFound")
    assert api.call("POST", "/v2.0/network-ip-availabilities", {}).status == 405


def test_quotas_are_told_and_changed(api: Api) -> None:
    path = "/v2.0/quotas/red"
    assert api.call("GET", path).json["quota"]["port"] == -1
    assert api.call("PUT", path, {"quota": {"port": 7, "network": "3"}}).json["quota"]["network"] == 3
    api.made("network", project_id="red")
    details = api.call("GET", f"{path}/details.json").json["quota"]
    assert details["network"] == {"limit": 3, "used": 1, "reserved": 0}
    low: dict[str, object] = {"network": 0}
    for below in (low, low | {"check_limit": True}, low | {"force": False}):
        assert api.call("PUT", path, {"quota": below}).error == (400, "BadRequest"), below
    assert api.call("PUT", path, {"quota": low | {"force": True}}).json["quota"]["network"] == 0
    assert api.call("GET", f"{path}/default").json["quota"]["port"] == -1
    (listed,) = api.call("GET", "/v2.0/quotas").json["quotas"]
    assert (listed["project_id"], listed["port"]) == ("red", 7)
    for wrong in ({}, {"quota": 5}, {"quota": {"ports": 5}}, {"quota": {"port": -2}}, {"quota": {"port": "x"}},
                  {"quota": {"force": "no"}}):  # fmt: skip
        assert api.call("PUT", path, wrong).error == (400, "HTTPBadRequest"), wrong
    assert api.call("DELETE", path).status == 204
    assert api.call("DELETE", path).error == (404, "ProjectQuotaNotFound")
    assert api.call("GET", f"{path}.json").json["quota"]["port"] == -1
