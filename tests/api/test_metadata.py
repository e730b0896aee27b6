"""`tenet:metadata` of ports, the hosts of metadata servers, and what these ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.model.rows import Interface, Port, Switch
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import transact
from tests.api.conftest import Api
from tests.api.tenants import Cloud

HOSTS = "/tenet/v1/metadata-hosts"
TOLD = {"hostname": "web", "public_keys": {"mine": "ssh-ed25519 AAAA"}, "user_data": "#!/bin/sh", "meta": {"a": "b"},
        "vendor_data": {"x": [1]}}  # fmt: skip


def port(api: Api, **more: object) -> dict[str, object]:
    network = api.call("POST", "/v2.0/networks", {"network": {}}).json["network"]
    api.call("POST", "/v2.0/subnets", {"subnet": {"network_id": network["id"], "ip_version": 4, "cidr": "10.0.0.0/24"}})
    reply = api.call("POST", "/v2.0/ports", {"port": {"network_id": network["id"], **more}})
    assert reply.status == 201, reply.body
    return reply.json["port"]  # type: ignore[no-any-return]


def test_metadata_is_kept_as_it_was_given(api: Api) -> None:
    made = port(api, **{"tenet:metadata": TOLD})
    assert made["tenet:metadata"] == TOLD
    path = f"/v2.0/ports/{made['id']}"
    changed = api.call("PUT", path, {"port": {"tenet:metadata": {"user_data_base64": "AAEC"}}}).json["port"]
    assert changed["tenet:metadata"] == {"user_data_base64": "AAEC"}
    for nothing in (None, {}):
        assert api.call("PUT", path, {"port": {"tenet:metadata": nothing}}).json["port"]["tenet:metadata"] == {}


@pytest.mark.parametrize(
    "wrong",
    ["text", [], {"unknown": 1}, {"hostname": 5}, {"hostname": "a\nb"}, {"public_keys": ["k"]},
     {"public_keys": {"a": "k\nl"}}, {"public_keys": {"a/b": "k"}}, {"public_keys": {"": "k"}}, {"meta": {"a": 1}},
     {"user_data_base64": "?"}, {"user_data_base64": "AAE"}, {"user_data": "a", "user_data_base64": "AAEC"},
     {"user_data": "x" * 49_152}, {"public_keys": {str(n): "k" for n in range(65)}},
     {"meta": {str(n): "v" for n in range(129)}}],
)  # fmt: skip
def test_what_no_metadata_can_be(api: Api, wrong: object) -> None:
    made = port(api)
    reply = api.call("PUT", f"/v2.0/ports/{made['id']}", {"port": {"tenet:metadata": wrong}})
    assert reply.status == 400
    assert api.call("GET", f"/v2.0/ports/{made['id']}").json["port"]["tenet:metadata"] == {}


def test_hosts_are_named_and_dismissed(api: Api) -> None:
    assert api.call("GET", HOSTS).json == {"metadata_hosts": []}
    assert api.call("PUT", f"{HOSTS}/h1").error == (404, "SwitchNotFound")
    context = api.context
    transact(context.store, context.replica, lambda tx: tx.put(Switch(id="h1", number=1, dpid=1, host="one")))
    named = api.call("PUT", f"{HOSTS}/h1").json["metadata_host"]
    assert (named["switch"], named["host"], named["serves"], named["interface"]) == ("h1", "one", False, "")
    assert api.call("GET", HOSTS).json == {"metadata_hosts": [named]}
    assert api.call("DELETE", f"{HOSTS}/h1").status == 204
    assert api.call("DELETE", f"{HOSTS}/h1").error == (404, "MetadataHostNotFound")


def test_an_instance_is_found_by_its_logical_port(api: Api) -> None:
    made = port(api, device_id="i-1", **{"tenet:metadata": TOLD})
    other = port(api, device_id="i-1")
    context = api.context
    plug = Interface(switch_id="h1", name="tap", vif=str(made["id"]), ofport=7)
    transact(context.store, context.replica,
             lambda tx: [tx.put(row) for row in (Switch(id="h1", number=9, dpid=1), plug)])  # fmt: skip
    said = api.call("GET", "/tenet/v1/metadata/9/7").json["instance"]
    assert (said["port_id"], said["device_id"], said["hostname"]) == (made["id"], "i-1", "web")
    assert said["metadata"] == TOLD
    assert [one["port_id"] for one in said["interfaces"]] == [made["id"], other["id"]]
    assert said["interfaces"][0]["addresses"][0]["cidr"] == "10.0.0.0/24"
    for nobody in ("9/8", "8/7", "x/7", "9/-1", "9/99999999999999", "%D9%A9/7"):
        assert api.call("GET", f"/tenet/v1/metadata/{nobody}").status == 404, nobody


def test_a_port_of_another_project_with_the_same_device_is_not_told_of(api: Api) -> None:
    made = port(api, device_id="i-1", project_id="red")
    port(api, device_id="i-1", project_id="blue")
    context = api.context
    plug = Interface(switch_id="h1", name="tap", vif=str(made["id"]), ofport=7)
    transact(context.store, context.replica,
             lambda tx: [tx.put(row) for row in (Switch(id="h1", number=9, dpid=1), plug)])  # fmt: skip
    said = api.call("GET", "/tenet/v1/metadata/9/7").json["instance"]
    assert [one["port_id"] for one in said["interfaces"]] == [made["id"]]
    found = context.replica.model.get(Port, str(made["id"]))
    assert found is not None and found.project_id == "red"


def test_the_owner_of_a_network_does_not_see_metadata_of_others_ports(
    tmp_path: Path, store: Store, replica: Replica
) -> None:
    cloud = Cloud(tmp_path, store, replica)
    red, blue, ops = cloud.person("red", "member"), cloud.person("blue", "member"), cloud.person("ops", "admin")
    network = red.call("POST", "/v2.0/networks", {"network": {}}).json["network"]
    red.call("POST", "/v2.0/rbac-policies", {"rbac_policy": {
        "object_type": "network", "object_id": network["id"], "action": "access_as_shared", "target_tenant": "blue",
    }})  # fmt: skip
    reply = blue.call("POST", "/v2.0/ports", {"port": {"network_id": network["id"], "tenet:metadata": TOLD}})
    assert reply.status == 201 and reply.json["port"]["tenet:metadata"] == TOLD
    path = f"/v2.0/ports/{reply.json['port']['id']}"
    assert red.call("GET", path).json["port"]["tenet:metadata"] == {}
    assert [one["tenet:metadata"] for one in red.call("GET", "/v2.0/ports").json["ports"]] == [{}]
    assert ops.call("GET", path).json["port"]["tenet:metadata"] == TOLD


def test_only_operators_and_services_ask_about_instances(tmp_path: Path, store: Store, replica: Replica) -> None:
    cloud = Cloud(tmp_path, store, replica)
    for role, status in (("member", 403), ("manager", 403), ("service", 404), ("admin", 404)):
        person = cloud.person("red", role)
        assert person.call("GET", "/tenet/v1/metadata/9/7").status == status, role
        assert person.call("POST", "/tenet/v1/dns/9/7", b"x").status == status, role
        assert person.call("PUT", f"{HOSTS}/h1").status == (404 if role == "admin" else 403), role
