"""Networks of v2.0, and what every resource has in common: checks, updates, errors."""

from __future__ import annotations

from dataclasses import replace as replace_fields
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from controller.model.rows import Link, Network, Row, Switch
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import transact
from northbound.resource import May, read
from northbound.v2.networks import NETWORKS

from .conftest import Api, PlainStatuses
from .tenants import Cloud


@pytest.fixture
def cloud(tmp_path: Path, store: Store, replica: Replica) -> Cloud:
    return Cloud(tmp_path, store, replica)


def test_a_network_is_shown_as_it_was_made(api: Api) -> None:
    network = api.made(
        "network", name="red", project_id="p1", provider__network_type="geneve", provider__segmentation_id=9
    )
    assert network | {"id": "", "created_at": "", "updated_at": "", "revision_number": 0} == {
        "id": "",
        "name": "red",
        "project_id": "p1",
        "tenant_id": "p1",
        "admin_state_up": True,
        "status": "ACTIVE",
        "subnets": [],
        "mtu": 1450,
        "tenet:mtu_reason": "",
        "shared": False,
        "router:external": False,
        "is_default": False,
        "provider:network_type": "geneve",
        "provider:segmentation_id": 9,
        "provider:physical_network": None,
        "port_security_enabled": True,
        "dns_domain": "",
        "tenet:dhcp_relay": [],
        "availability_zone_hints": [],
        "availability_zones": [],
        "ipv4_address_scope": None,
        "ipv6_address_scope": None,
        "description": "",
        "tags": [],
        "created_at": "",
        "updated_at": "",
        "revision_number": 0,
    }
    assert network["revision_number"] > 0
    assert api.call("GET", f"/v2.0/networks/{network['id']}").json == {"network": network}


def test_the_project_is_the_bodys_else_the_headers_else_the_default(api: Api) -> None:
    body: dict[str, object] = {"network": {}}
    assert api.call("POST", "/v2.0/networks", body).json["network"]["project_id"] == "default"
    assert api.call("POST", "/v2.0/networks", body, X_Tenant_Id="b").json["network"]["project_id"] == "b"
    assert (
        api.call("POST", "/v2.0/networks", body, X_Tenant_Id="b", X_Project_Id="a").json["network"]["project_id"] == "a"
    )
    asked = {"network": {"tenant_id": "c"}}
    assert api.call("POST", "/v2.0/networks", asked, X_Project_Id="a").json["network"]["project_id"] == "c"
    both = {"network": {"tenant_id": "c", "project_id": "d"}}
    assert api.call("POST", "/v2.0/networks", both).error == (400, "HTTPBadRequest")
    assert api.call("POST", "/v2.0/networks", body, X_Project_Id="a" * 256).status == 400


def test_an_update_changes_what_it_says(api: Api) -> None:
    network = api.made("network", name="red")
    path = f"/v2.0/networks/{network['id']}"
    reply = api.call("PUT", path, {"network": {"admin_state_up": False}})
    assert reply.status == 200
    after = reply.json["network"]
    assert (after["name"], after["admin_state_up"], after["status"]) == ("red", False, "DOWN")
    assert after["revision_number"] > network["revision_number"]
    assert api.call("GET", path).json["network"] == after


def test_a_deleted_network_is_gone_with_its_subnets(api: Api) -> None:
    api.call("GET", "/v2.0/security-groups")  # which makes the project's default group
    before = {row.key for row in api.everything()[1]}
    network = api.made("network")
    subnet = api.made("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24")
    port = api.made("port", network_id=network["id"])
    path = f"/v2.0/networks/{network['id']}"
    assert api.call("DELETE", path).error == (409, "NetworkInUse")
    assert api.call("DELETE", f"/v2.0/ports/{port['id']}").status == 204
    reply = api.call("DELETE", path)
    assert (reply.status, reply.body) == (204, b"")
    assert api.call("GET", path).error == (404, "NetworkNotFound")
    assert api.call("GET", f"/v2.0/subnets/{subnet['id']}").error == (404, "SubnetNotFound")
    assert {row.key for row in api.everything()[1]} == before


def test_a_segment_is_given_once(api: Api) -> None:
    api.made("network", provider__segmentation_id=5)
    reply = api.call("POST", "/v2.0/networks", {"network": {"provider:segmentation_id": 5}})
    assert reply.error == (409, "TunnelIdInUse")


def test_the_one_segment_of_a_network(api: Api) -> None:
    """multi-provider: what has one segment tells it as provider attributes, however it was said."""
    made = api.made("network", segments=[{"provider:network_type": "geneve", "provider:segmentation_id": 5}])
    told = {name.partition(":")[2]: value for name, value in made.items() if name.startswith("provider:")}
    assert told == {"network_type": "geneve", "segmentation_id": 5, "physical_network": None}
    assert "segments" not in made
    both = {"segments": [{"provider:segmentation_id": 6}], "provider:network_type": "gre"}
    reply = api.call("POST", "/v2.0/networks", {"network": both})
    assert reply.error == (400, "SegmentsSetInConjunctionWithProviders")


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"nmae": "x"}, "Unrecognized attribute(s) 'nmae'"),
        ({"name": 5}, "Invalid input for name. Reason: 5 is not a valid string"),
        ({"name": None}, "Invalid input for name"),
        ({"name": "x" * 256}, "exceeds maximum length of 255"),
        ({"name": "a\u0000b"}, "control characters"),
        ({"name": "a\nb"}, "control characters"),
        ({"admin_state_up": 1}, "1 is not a valid boolean value"),
        ({"admin_state_up": "true"}, "is not a valid boolean value"),
        ({"shared": 0}, "Invalid input for shared"),
        ({"mtu": "x"}, "Invalid input for mtu"),
        ({"mtu": -1}, "is not between 0 and 65535"),
        ({"status": "ACTIVE"}, "Attribute 'status' not allowed in POST"),
        ({"description": "x" * 256}, "exceeds maximum length of 255"),
        ({"router:external": "yes"}, "is not a valid boolean value"),
        ({"availability_zone_hints": "nova"}, "Invalid input for availability_zone_hints"),
        ({"tags": ["a"]}, "Attribute 'tags' not allowed in POST"),
        ({"id": "00000000-0000-4000-8000-000000000000"}, "Attribute 'id' not allowed in POST"),
        ({"provider:network_type": "vlans"}, "Invalid input for provider:network_type"),
        ({"provider:network_type": ["vxlan"]}, "Invalid input for provider:network_type"),
        ({"provider:segmentation_id": 0}, "is not between 1 and 16777214"),
        ({"provider:segmentation_id": 2**24 - 1}, "is not between 1 and 16777214"),
        ({"provider:segmentation_id": True}, "is not an integer"),
        ({"provider:segmentation_id": 10**30}, "is not between"),
        ({"provider:physical_network": 7}, "Invalid input for provider:physical_network"),
        ({"project_id": 7}, "Invalid input for project_id"),
        ({"segments": []}, "has 0 items; a network has one segment here"),
        ({"segments": [{}, {}]}, "has 2 items; a network has one segment here"),
        ({"segments": {}}, "is not a list"),
        ({"segments": [{"provider:segmentation_id": 0}]}, "is not between 1 and 16777214"),
        ({"segments": [{"network_type": "vxlan"}]}, "unknown key 'network_type'"),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(api: Api, attributes: dict[str, object], says: str) -> None:
    before = api.everything()
    reply = api.call("POST", "/v2.0/networks", {"network": attributes})
    assert reply.error == (400, "HTTPBadRequest")
    assert says in reply.json["NeutronError"]["message"]
    assert api.everything() == before


def test_all_faults_of_a_body_are_told_at_once(api: Api) -> None:
    reply = api.call("POST", "/v2.0/networks", {"network": {"name": 1, "admin_state_up": 2, "foo": 3}})
    message = reply.json["NeutronError"]["message"]
    assert all(part in message for part in ("'foo'", "for name", "for admin_state_up"))


def test_of_a_body_that_is_all_wrong_the_first_faults_are_told(api: Api) -> None:
    reply = api.call("POST", "/v2.0/networks", {"network": {f"a{place}": 0 for place in range(90_000)}})
    assert reply.error == (400, "HTTPBadRequest")
    assert "'a19'" in reply.json["NeutronError"]["message"]
    assert "'a20'" not in reply.json["NeutronError"]["message"]
    assert len(reply.json["NeutronError"]["detail"].split(";")) == 20


def test_no_more_faults_are_collected_than_told() -> None:
    faults: dict[str, str] = {}
    read(NETWORKS, {f"a{place}": 0 for place in range(1000)}, May.CREATE, "network", faults)
    assert len(faults) == 20


def test_what_may_not_change_is_refused(api: Api) -> None:
    network = api.made("network")
    before = api.everything()
    for name, value in (("id", network["id"]), ("project_id", "x"), ("provider:segmentation_id", 4), ("subnets", [])):
        reply = api.call("PUT", f"/v2.0/networks/{network['id']}", {"network": {name: value}})
        assert reply.error == (400, "HTTPBadRequest")
        assert f"Cannot update read-only attribute {name}" in reply.json["NeutronError"]["message"]
    assert api.everything() == before


def test_a_network_that_is_not_there(api: Api) -> None:
    for row_id in ("00000000-0000-4000-8000-000000000000", "x", "%00", "..", "a%2fb", "x" * 3000, "%E2%82%AC"):
        path = f"/v2.0/networks/{row_id}"
        for method, body in (("GET", None), ("PUT", {"network": {"name": "x"}}), ("DELETE", None)):
            reply = api.call(method, path, body)
            assert reply.error in ((404, "NetworkNotFound"), (404, "HTTPNotFound")), (method, path)
            assert len(reply.body) < 1000


def test_the_underlays_mtu_bounds_the_networks(api: Api) -> None:
    statuses = PlainStatuses(api.context.replica, 9000)
    jumbo = Api(replace_fields(api.context, statuses=statuses, underlay_mtu=9000))
    assert jumbo.made("network")["mtu"] == 8950
    assert api.context.replica.model.rows(Network)


def test_a_network_has_less_while_there_is_less_room_and_says_so(api: Api) -> None:
    """Wires beside tunnels (labelled frames go in tunnels then, too), and a wire that is narrower still."""
    context = api.context
    old, small = api.made("network"), api.made("network", mtu=1400)

    def shown(network: dict[str, Any]) -> tuple[int, str]:
        found = api.call("GET", f"/v2.0/networks/{network['id']}").json["network"]
        return found["mtu"], found["tenet:mtu_reason"]

    def put(*rows: Row) -> None:
        transact(context.store, context.replica, lambda tx: [tx.put(row) for row in rows])

    assert shown(old) == (1450, "")
    one = Switch(id="s1", number=1, dpid=1, encap_ip="192.0.2.1")
    wire = Link(switch_id="s1", ofport=1, far_switch_id="s2", far_ofport=1)
    put(one, Switch(id="s2", number=2, dpid=2), wire, replace(wire, switch_id="s2", far_switch_id="s1"))
    assert shown(old) == (1428, "it was made with 1450, and there is room for 1428 now")
    assert shown(small) == (1400, "")
    assert api.made("network")["mtu"] == 1428
    assert [each["id"] for each in api.call("GET", "/v2.0/networks?mtu=1400").json["networks"]] == [small["id"]]
    put(replace(one, wire_mtu=1400))
    assert shown(small) == (1378, "it was made with 1400, and there is room for 1378 now")
    path = f"/v2.0/networks/{old['id']}"
    assert api.call("PUT", path, {"network": {"name": "renamed", "mtu": 1450}}).json["network"]["mtu"] == 1378
    assert api.call("PUT", path, {"network": {"mtu": 1379}}).error == (400, "InvalidInput")
    transact(context.store, context.replica, lambda tx: tx.delete(wire))
    assert shown(old) == (1450, "")


def test_dhcp_servers_are_the_operators_to_name(cloud: Cloud) -> None:
    operator, member = cloud.person("ops", "admin"), cloud.person("red", "member")
    servers = ["192.0.2.67", "2001:db8::67"]
    made = operator.made("network", project_id="red", **{"tenet:dhcp_relay": servers})
    assert made["tenet:dhcp_relay"] == servers
    path = f"/v2.0/networks/{made['id']}"
    assert "tenet:dhcp_relay" not in member.call("GET", path).json["network"]
    assert member.call("PUT", path, {"network": {"tenet:dhcp_relay": []}}).status == 403
    assert operator.call("PUT", path, {"network": {"tenet:dhcp_relay": []}}).json["network"]["tenet:dhcp_relay"] == []
    assert member.made("network")["id"]


@pytest.mark.parametrize("server", ["224.0.0.1", "0.0.0.0", "255.255.255.255", "fe80::1", "::", "ff02::1:2", "dhcp"])
def test_what_is_no_dhcp_server(api: Api, server: str) -> None:
    body = {"network": {"tenet:dhcp_relay": [server]}}
    assert api.call("POST", "/v2.0/networks", body).status == 400
