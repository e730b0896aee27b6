"""Floating IPs, port forwardings and pools over HTTP: who may, what is shown, which words paths may have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.intent.audience import told
from controller.model.rows import FloatingIp, Port
from controller.store.replica import Replica
from controller.store.store import Store

from .conftest import Reply
from .tenants import Cloud, Person


class Way:
    """Red's port behind red's router, which has a gateway in the operator's external network."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.red, self.operator = cloud.person("red", "member"), cloud.person("ops", "admin")
        self.outside = self.operator.made("network", router__external=True)["id"]
        self.pool = self.operator.made("subnet", network_id=self.outside, ip_version=4, cidr="203.0.113.0/24")["id"]
        inside = self.red.made("network")["id"]
        self.subnet = self.red.made("subnet", network_id=inside, ip_version=4, cidr="10.0.0.0/24")["id"]
        self.router = self.red.made("router", external_gateway_info={"network_id": self.outside})["id"]
        path = f"/v2.0/routers/{self.router}/add_router_interface"
        assert self.red.call("PUT", path, {"subnet_id": self.subnet}).status == 200
        self.port = self.red.made("port", network_id=inside, name="p")

    def floating(self, by: Person | None = None, **request: object) -> dict[str, Any]:
        return (by or self.red).made("floatingip", floating_network_id=self.outside, **request)

    def change(self, row: dict[str, Any], **request: object) -> Reply:
        return self.red.call("PUT", f"/v2.0/floatingips/{row['id']}", {"floatingip": request})


@pytest.fixture
def way(tmp_path: Path, store: Store, replica: Replica) -> Way:
    return Way(Cloud(tmp_path, store, replica))


def test_it_shows_its_port_and_router(way: Way) -> None:
    made = way.floating()
    assert (made["port_id"], made["fixed_ip_address"], made["router_id"]) == (None, None, None)
    assert (made["status"], made["port_details"], made["port_forwardings"]) == ("DOWN", None, [])
    after = way.change(made, port_id=way.port["id"]).json["floatingip"]
    assert (after["router_id"], after["status"]) == (way.router, "ACTIVE")
    assert after["fixed_ip_address"] == way.port["fixed_ips"][0]["ip_address"]
    shown = {name: way.port[name] for name in after["port_details"]}
    assert after["port_details"] == shown and set(shown) == {
        "name", "network_id", "mac_address", "admin_state_up", "status", "device_id", "device_owner"
    }  # fmt: skip
    assert after["revision_number"] == made["revision_number"] + 1
    assert way.change(made).json["floatingip"]["port_id"] is None  # an empty body ends it


def test_an_address_is_chosen_by_managers_alone(way: Way) -> None:
    body = {"floatingip": {"floating_network_id": way.outside, "floating_ip_address": "203.0.113.50"}}
    assert way.red.call("POST", "/v2.0/floatingips", body).status == 403
    manager = way.cloud.person("red", "manager", "member")
    assert manager.call("POST", "/v2.0/floatingips", body).json["floatingip"]["floating_ip_address"] == "203.0.113.50"


def test_its_port_is_the_operators_to_see_and_nobodys_to_delete(way: Way) -> None:
    made = way.floating()
    query = f"/v2.0/ports?device_id={made['id']}"
    assert way.red.call("GET", query).json["ports"] == []
    (port,) = way.operator.call("GET", query).json["ports"]
    assert (port["device_owner"], port["project_id"]) == ("network:floatingip", "")
    assert way.operator.call("DELETE", f"/v2.0/ports/{port['id']}").error == (409, "ServicePortInUse")


def test_the_routers_gateway_and_interface_stay_while_one_needs_them(way: Way) -> None:
    made = way.floating(port_id=way.port["id"])
    router = f"/v2.0/routers/{way.router}"
    assert way.red.call("PUT", router, {"router": {"external_gateway_info": None}}).error == (
        409, "RouterExternalGatewayInUseByFloatingIp"
    )  # fmt: skip
    interface = (f"{router}/remove_router_interface", {"subnet_id": way.subnet})
    assert way.red.call("PUT", *interface).error == (409, "RouterInterfaceInUseByFloatingIP")
    assert way.red.call("DELETE", f"/v2.0/floatingips/{made['id']}").status == 204
    assert way.red.call("PUT", *interface).status == 200


def test_pools_are_the_subnets_of_external_networks_that_one_sees(way: Way) -> None:
    hidden = way.operator.made("network")["id"]
    way.operator.made("subnet", network_id=hidden, ip_version=4, cidr="10.9.0.0/24")
    way.operator.made("subnet", network_id=way.outside, ip_version=6, cidr="2001:db8::/64")
    for spelled in ("floatingip_pools", "floatingip-pools"):
        (pool,) = way.red.call("GET", f"/v2.0/{spelled}").json["floatingip_pools"]
        assert pool == {"subnet_id": way.pool, "subnet_name": "", "network_id": way.outside, "cidr": "203.0.113.0/24",
                        "project_id": "red", "tenant_id": "red"}  # fmt: skip
    assert way.red.call("GET", "/v2.0/floatingip_pools?cidr=10.0.0.0/8").json["floatingip_pools"] == []
    assert way.red.call("GET", "/v2.0/floatingip_pools?fields=cidr").json["floatingip_pools"] == [
        {"cidr": "203.0.113.0/24"}
    ]
    assert way.red.call("GET", "/v2.0/floatingip_pools?x=y").error == (400, "HTTPBadRequest")


@pytest.mark.parametrize(
    "ports",
    [{"external_port": 0}, {"external_port": 65_536}, {"external_port_range": "9:8"}, {"external_port_range": "1:2:3"},
     {"external_port_range": "0:1"}, {"external_port_range": "1-2"}, {"protocol": "icmp"}, {"protocol": "gre"}],
)  # fmt: skip
def test_ports_that_are_none(way: Way, ports: dict[str, object]) -> None:
    path = f"/v2.0/floatingips/{way.floating()['id']}/port_forwardings"
    good = {"internal_port_id": way.port["id"], "protocol": "TCP", "external_port": "80", "internal_port": 80}
    assert way.red.call("POST", path, {"port_forwarding": good | ports}).error == (400, "HTTPBadRequest")
    made = way.red.call("POST", path, {"port_forwarding": good}).json["port_forwarding"]
    assert (made["protocol"], made["external_port"], made["external_port_range"]) == ("tcp", 80, "80:80")


def test_a_forwarding_is_told_at_its_floating_ip(way: Way) -> None:
    floating = way.floating()
    path = f"/v2.0/floatingips/{floating['id']}/port_forwardings"
    wanted = {"internal_port_id": way.port["id"], "protocol": "udp", "external_port_range": "90:99",
              "internal_port_range": "190:199"}  # fmt: skip
    made = way.red.call("POST", path, {"port_forwarding": wanted}).json["port_forwarding"]
    (told,) = way.red.call("GET", f"/v2.0/floatingips/{floating['id']}").json["floatingip"]["port_forwardings"]
    assert told == {"id": made["id"], "protocol": "udp", "external_port": None, "internal_port": None,
                    "internal_port_id": way.port["id"],
                    "internal_ip_address": way.port["fixed_ips"][0]["ip_address"]}  # fmt: skip


def test_an_association_of_a_local_ip_is_named_by_its_port(way: Way) -> None:
    local = way.red.made("local_ip", network_id=way.port["network_id"])["id"]
    path = f"/v2.0/local-ips/{local}/port_associations"
    made = way.red.call("POST", path, {"port_association": {"fixed_port_id": way.port["id"]}})
    assert made.status == 201, made.body
    for name in (way.port["id"], made.json["port_association"]["id"]):
        assert way.red.call("GET", f"{path}/{name}").json == made.json
    assert way.red.call("DELETE", f"{path}/{way.port['id']}").status == 204
    assert way.red.call("GET", f"{path}/{way.port['id']}").error == (404, "LocalIPAssociationNotFound")


def test_what_a_floating_ip_shows_of_its_port_is_told_when_it_changes(way: Way) -> None:
    made = way.floating(port_id=way.port["id"])
    model = way.red.context.replica.model
    before = model.get(Port, way.port["id"])
    for change, kinds in (({"name": "q"}, {Port, FloatingIp}), ({"description": "d"}, {Port})):
        assert way.red.call("PUT", f"/v2.0/ports/{way.port['id']}", {"port": change}).status == 200
        after = model.get(Port, way.port["id"])
        assert {type(each.after) for each in told(model, [(before, after)])} == kinds
        before = after
    assert way.red.call("GET", f"/v2.0/floatingips/{made['id']}").json["floatingip"]["port_details"]["name"] == "q"


def test_others_labels_may_not_count_everybodys_packets(way: Way) -> None:
    manager = way.cloud.person("red", "manager")
    body = {"metering_label": {"name": "l", "shared": True}}
    assert manager.call("POST", "/v2.0/metering/metering-labels", body).status == 403
    assert way.operator.call("POST", "/v2.0/metering/metering-labels", body).status == 201


@pytest.mark.parametrize(
    ("name", "domain", "shown"),
    [
        ("WWW", "Example.ORG.", ("www", "example.org.")),
        ("a.b", "example.org.", ("a.b", "example.org.")),
        ("www.", "example.org.", None),
        ("www", "example.org", None),
        ("-www", "example.org.", None),
        ("www", "example.123.", None),
        ("w_w", "example.org.", None),
        ("www", "example..", None),
        ("a" * 64, "example.org.", None),
        ("www", None, None),
    ],
)
def test_its_name_is_one_that_dns_can_have(way: Way, name: str, domain: object, shown: tuple[str, str] | None) -> None:
    body = {"floatingip": {"floating_network_id": way.outside, "dns_name": name, "dns_domain": domain}}
    reply = way.red.call("POST", "/v2.0/floatingips", body)
    if shown is None:
        assert reply.status == 400, reply.text
        return
    made = reply.json["floatingip"]
    assert (made["dns_name"], made["dns_domain"]) == shown
    assert way.red.call("POST", "/v2.0/floatingips", body).error == (409, "DuplicateRecordSet")
    assert way.change(made, dns_name="x").status == 400


def test_without_a_name_it_shows_none(way: Way) -> None:
    made = way.floating()
    assert (made["dns_name"], made["dns_domain"]) == ("", "")
