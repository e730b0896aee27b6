"""Ports of v2.0."""

from __future__ import annotations

from typing import Any

import pytest

from controller.model.rows import Interface, Switch
from controller.store.transaction import Transaction, transact

from .conftest import Api


@pytest.fixture
def network(api: Api) -> dict[str, Any]:
    return api.made("network")


@pytest.fixture
def subnet(api: Api, network: dict[str, Any]) -> dict[str, Any]:
    return api.made("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24")


def plugged(api: Api, vif: str, host: str = "h1") -> None:
    """A switch reports an interface of this name."""

    def rules(tx: Transaction) -> None:
        tx.put(Switch(id="s1", number=1, dpid=1, host=host))
        tx.put(Interface(switch_id="s1", name="tap1", vif=vif, ofport=1))

    transact(api.context.store, api.context.replica, rules)


def test_a_port_is_shown_as_it_was_made(api: Api, network: dict[str, Any], subnet: dict[str, Any]) -> None:
    port = api.made(
        "port",
        network_id=network["id"],
        name="p",
        project_id="red",
        mac_address="02-00-00-00-00-AA",
        fixed_ips=[{"subnet_id": subnet["id"], "ip_address": "10.0.0.9"}],
        device_id="vm1",
        device_owner="compute:nova",
        security_groups=[],
        binding__host_id="h9",
        binding__profile={"interface": "eth0"},
        binding__vnic_type="normal",
    )
    assert port | {"id": "", "created_at": "", "updated_at": "", "revision_number": 0} == {
        "id": "",
        "name": "p",
        "network_id": network["id"],
        "project_id": "red",
        "tenant_id": "red",
        "admin_state_up": True,
        "status": "BUILD",
        "tenet:status_reason": "",
        "tenet:metadata": {},
        "mac_address": "02:00:00:00:00:aa",
        "fixed_ips": [{"subnet_id": subnet["id"], "ip_address": "10.0.0.9"}],
        "device_id": "vm1",
        "device_owner": "compute:nova",
        "binding:host_id": "h9",
        "binding:profile": {"interface": "eth0"},
        "binding:vnic_type": "normal",
        "binding:vif_type": "ovs",
        "binding:vif_details": {
            "bridge_name": "br-int",
            "connectivity": "l2",
            "ovs_hybrid_plug": False,
            "port_filter": True,
        },
        "port_security_enabled": True,
        "allowed_address_pairs": [],
        "security_groups": [],
        "extra_dhcp_opts": [],
        "dns_name": "",
        "dns_domain": "",
        "dns_assignment": [
            {"ip_address": "10.0.0.9", "hostname": "host-10-0-0-9", "fqdn": "host-10-0-0-9.openstacklocal."}
        ],
        "data_plane_status": None,
        "description": "",
        "tags": [],
        "created_at": "",
        "updated_at": "",
        "revision_number": 0,
    }
    assert api.call("GET", f"/v2.0/ports/{port['id']}").json == {"port": port}


def test_a_port_gets_an_address_and_a_mac(api: Api, network: dict[str, Any], subnet: dict[str, Any]) -> None:
    port = api.made("port", network_id=network["id"])
    assert port["mac_address"].startswith("fa:16:3e:")
    (fixed,) = port["fixed_ips"]
    assert fixed["subnet_id"] == subnet["id"]
    assert fixed["ip_address"].startswith("10.0.0.")


def test_a_port_is_where_its_interface_is(api: Api, network: dict[str, Any]) -> None:
    port = api.made("port", network_id=network["id"])
    assert (port["binding:host_id"], port["binding:vif_type"], port["binding:vif_details"]) == ("", "unbound", {})
    plugged(api, port["id"], host="h7")
    after = api.call("GET", f"/v2.0/ports/{port['id']}").json["port"]
    assert (after["binding:host_id"], after["binding:vif_type"]) == ("h7", "ovs")


def test_an_update_changes_what_it_says(api: Api, network: dict[str, Any], subnet: dict[str, Any]) -> None:
    port = api.made("port", network_id=network["id"], binding__profile={"interface": "eth0"}, binding__host_id="h1")
    change = {
        "name": "n",
        "admin_state_up": False,
        "mac_address": "02:00:00:00:00:01",
        "fixed_ips": [{"ip_address": "10.0.0.77"}],
        "device_id": "d",
        "device_owner": "o",
        "binding:host_id": None,
        "binding:profile": {},
    }
    after = api.call("PUT", f"/v2.0/ports/{port['id']}", {"port": change}).json["port"]
    assert after["fixed_ips"] == [{"subnet_id": subnet["id"], "ip_address": "10.0.0.77"}]
    assert {name: after[name] for name in ("name", "mac_address", "device_id", "device_owner", "binding:profile")} == {
        "name": "n",
        "mac_address": "02:00:00:00:00:01",
        "device_id": "d",
        "device_owner": "o",
        "binding:profile": {},
    }
    assert (after["binding:host_id"], after["status"], after["tenet:status_reason"] != "") == ("", "DOWN", True)
    assert api.call("GET", f"/v2.0/ports/{port['id']}").json["port"] == after


def test_why_a_port_is_in_error_is_told(api: Api, network: dict[str, Any]) -> None:
    port = api.made("port", network_id=network["id"])
    api.context.statuses.refused[port["id"]] = "OFPBAC_BAD_OUT_PORT"  # type: ignore[attr-defined]
    after = api.call("GET", f"/v2.0/ports/{port['id']}").json["port"]
    assert (after["status"], after["tenet:status_reason"]) == ("ERROR", "OFPBAC_BAD_OUT_PORT")


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ({"network_id": None}, (400, "HTTPBadRequest")),
        ({"network_id": "00000000-0000-4000-8000-000000000000"}, (404, "NetworkNotFound")),
        ({"mac_address": "01:00:00:00:00:01"}, (400, "HTTPBadRequest")),
        ({"mac_address": "00:00:00:00:00:00"}, (400, "HTTPBadRequest")),
        ({"mac_address": "02:00:00:00:00"}, (400, "HTTPBadRequest")),
        ({"mac_address": "02:00:00:00:00:77"}, (409, "MacAddressInUse")),
        ({"fixed_ips": "10.0.0.5"}, (400, "HTTPBadRequest")),
        ({"fixed_ips": [{}]}, (400, "HTTPBadRequest")),
        ({"fixed_ips": [{"ip": "10.0.0.5"}]}, (400, "HTTPBadRequest")),
        ({"fixed_ips": [{"subnet_id": "x"}]}, (400, "HTTPBadRequest")),
        ({"fixed_ips": [{"subnet_id": "00000000-0000-4000-8000-000000000000"}]}, (400, "InvalidInput")),
        ({"fixed_ips": [{"ip_address": "10.0.0.300"}]}, (400, "HTTPBadRequest")),
        ({"fixed_ips": [{"ip_address": "10.0.0.5"}, {"ip_address": "10.0.0.5"}]}, (400, "HTTPBadRequest")),
        ({"fixed_ips": [{"ip_address": "10.9.0.5"}]}, (400, "InvalidIpForNetwork")),
        ({"fixed_ips": [{"ip_address": "10.0.0.77"}]}, (409, "IpAddressInUse")),
        ({"fixed_ips": [{"ip_address": f"10.0.0.{host}"} for host in range(100, 165)]}, (400, "HTTPBadRequest")),
        ({"binding:profile": {"interface": "eth7"}}, (409, "AlreadyAttached")),
        ({"binding:profile": {"interface": ""}}, (400, "HTTPBadRequest")),
        ({"binding:profile": {"x": "y" * 5000}}, (400, "HTTPBadRequest")),
        ({"port_security_enabled": None}, (400, "HTTPBadRequest")),
        ({"allowed_address_pairs": [{}]}, (400, "HTTPBadRequest")),
        ({"allowed_address_pairs": [{"ip_address": "0.0.0.0/0"}]}, (400, "HTTPBadRequest")),
        ({"allowed_address_pairs": [{"ip_address": "10.0.0.0/33"}]}, (400, "HTTPBadRequest")),
        ({"allowed_address_pairs": [{"ip_address": "10.0.0.1", "mac_address": "x"}]}, (400, "HTTPBadRequest")),
        ({"allowed_address_pairs": [{"ip_address": "10.0.0.1"}] * 2}, (400, "DuplicateAddressPairInRequest")),
        (
            {"allowed_address_pairs": [{"ip_address": f"10.0.0.{n}"} for n in range(11)]},
            (400, "AllowedAddressPairExhausted"),
        ),
        (
            {"allowed_address_pairs": [{"ip_address": "10.0.0.1"}], "port_security_enabled": False},
            (409, "AddressPairAndPortSecurityRequired"),
        ),
        ({"extra_dhcp_opts": [{"opt_name": "a"}]}, (400, "HTTPBadRequest")),
        ({"extra_dhcp_opts": [{"opt_name": "", "opt_value": "b"}]}, (400, "HTTPBadRequest")),
        ({"extra_dhcp_opts": [{"opt_name": "mtu", "opt_value": ""}]}, (400, "HTTPBadRequest")),
        ({"extra_dhcp_opts": [{"opt_name": "a", "opt_value": "b", "ip_version": 5}]}, (400, "HTTPBadRequest")),
        ({"data_plane_status": "UP"}, (400, "HTTPBadRequest")),
        ({"tags": ["a,b"]}, (400, "HTTPBadRequest")),
        ({"binding:profile": []}, (400, "HTTPBadRequest")),
        ({"binding:profile": {"interface": "a/"}}, (400, "InvalidInput")),
        ({"binding:vnic_type": "direct"}, (400, "HTTPBadRequest")),
        ({"binding:vif_type": "ovs"}, (400, "HTTPBadRequest")),
        ({"status": "ACTIVE"}, (400, "HTTPBadRequest")),
        ({"device_id": 5}, (400, "HTTPBadRequest")),
        ({"security_groups": ["00000000-0000-4000-8000-000000000000"]}, (404, "SecurityGroupNotFound")),
        ({"security_groups": ["default"]}, (400, "HTTPBadRequest")),
        ({"security_groups": "default"}, (400, "HTTPBadRequest")),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    api: Api, network: dict[str, Any], subnet: dict[str, Any], attributes: dict[str, object], error: tuple[int, str]
) -> None:
    there = api.made(
        "port",
        network_id=network["id"],
        mac_address="02:00:00:00:00:77",
        fixed_ips=[{"ip_address": "10.0.0.77"}],
        binding__profile={"interface": "eth7"},
    )
    other = api.made("port", network_id=network["id"])
    before = api.everything()
    body = {"port": {"network_id": network["id"]} | attributes}
    assert api.call("POST", "/v2.0/ports", body).error == error
    if "network_id" not in attributes:
        assert api.call("PUT", f"/v2.0/ports/{other['id']}", {"port": attributes}).error == error
    assert api.everything() == before
    assert api.call("GET", f"/v2.0/ports/{there['id']}").json["port"] == there


def test_a_pool_that_is_exhausted(api: Api, network: dict[str, Any]) -> None:
    api.made("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/29")
    for _ in range(5):
        api.made("port", network_id=network["id"])
    reply = api.call("POST", "/v2.0/ports", {"port": {"network_id": network["id"]}})
    assert reply.error == (409, "IpAddressGenerationFailure")
    assert network["id"] in reply.json["NeutronError"]["message"]


def test_a_deleted_ports_addresses_are_free(api: Api, network: dict[str, Any], subnet: dict[str, Any]) -> None:
    wanted = {
        "network_id": network["id"],
        "mac_address": "02:00:00:00:00:01",
        "fixed_ips": [{"ip_address": "10.0.0.5"}],
    }
    port = api.made("port", **wanted)
    assert api.call("DELETE", f"/v2.0/ports/{port['id']}").status == 204
    assert api.call("DELETE", f"/v2.0/ports/{port['id']}").error == (404, "PortNotFound")
    assert api.made("port", **wanted)["fixed_ips"] == port["fixed_ips"]
