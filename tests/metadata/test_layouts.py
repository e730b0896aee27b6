"""What instances are told, path by path."""

from __future__ import annotations

import base64
import json
from typing import Any

from controller.metadata.layouts import document
from controller.services.instance import Instance, ToldMetadata
from tests.metadata.instances import MAC, address, instance

TOLD = ToldMetadata(
    hostname="web1", public_keys={"mine": "ssh-ed25519 AAAA me", "old": "ssh-rsa BBBB"}, user_data="#!/bin/sh\n",
    meta={"role": "web"}, vendor_data={"a": [1]},
)  # fmt: skip


def text(of: Instance, path: str) -> str:
    found = document(of, path)
    assert found is not None, path
    return found.body.decode()


def read(of: Instance, path: str) -> Any:
    return json.loads(text(of, path))


def test_the_ec2_layout() -> None:
    made = instance(TOLD)
    assert text(made, "/").split("\n")[-1] == "latest"
    assert text(made, "/latest") == "meta-data/\nuser-data"
    names = text(made, "/2009-04-04/meta-data/").split("\n")
    assert {"instance-id", "hostname", "local-ipv4", "public-keys/", "placement/", "network/"} <= set(names)
    assert text(made, "/latest/meta-data/instance-id") == "i-1"
    assert text(made, "/latest/meta-data/local-hostname") == "web1"
    assert text(made, "/latest/meta-data/local-ipv4") == "10.0.0.5"
    assert text(made, "/latest/meta-data/public-keys/") == "0=mine\n1=old"
    assert text(made, "/latest/meta-data/public-keys/1/openssh-key") == "ssh-rsa BBBB"
    assert text(made, "//latest//user-data/") == "#!/bin/sh\n"
    mac = f"/latest/meta-data/network/interfaces/macs/{MAC}"
    assert (
        text(made, f"{mac}/local-ipv4s") == "10.0.0.5" and text(made, f"{mac}/subnet-ipv4-cidr-block") == "10.0.0.0/24"
    )


def test_paths_that_lead_nowhere() -> None:
    for path in ("/1999-01-01/meta-data", "/latest/meta-data/nothing", "/latest/meta-data/instance-id/more", "/api",
                 "/openstack/1999-01-01", "/openstack/latest/password", "/latest/meta-data/public-keys/7"):  # fmt: skip
        assert document(instance(TOLD), path) is None, path
    bare = instance()
    for path in ("/latest/user-data", "/openstack/latest/user_data", "/latest/meta-data/public-keys"):
        assert document(bare, path) is None, path


def test_the_openstack_layout() -> None:
    made = instance(TOLD)
    assert text(made, "/openstack").split("\n")[-1] == "latest"
    names = text(made, "/openstack/2018-08-27/").split("\n")
    assert names == ["meta_data.json", "network_data.json", "vendor_data.json", "vendor_data2.json", "user_data"]
    said = read(made, "/openstack/latest/meta_data.json")
    assert (said["uuid"], said["hostname"], said["project_id"]) == ("i-1", "web1", "red")
    assert said["public_keys"] == dict(TOLD.public_keys) and said["meta"] == {"role": "web"}
    assert read(made, "/openstack/latest/vendor_data.json") == {"a": [1]}


def test_user_data_in_base64_is_given_as_it_was() -> None:
    raw = bytes(range(256))
    made = instance(ToldMetadata(user_data_base64=base64.b64encode(raw).decode()))
    for path in ("/latest/user-data", "/openstack/latest/user_data"):
        found = document(made, path)
        assert found is not None and found.body == raw


def test_an_instance_without_a_device_is_its_port() -> None:
    made = instance(device="")
    assert text(made, "/latest/meta-data/instance-id") == "p-12345678901234"
    assert read(made, "/openstack/latest/meta_data.json")["uuid"] == "p-12345678901234"


def test_networks_as_they_are_configured() -> None:
    made = instance(
        None,
        address("10.0.0.5", "10.0.0.0/24", gateway="10.0.0.1"),
        address("10.1.0.5", "10.1.0.0/16", gateway="10.1.0.1", dhcp=False),
        address("fd00::5", "fd00::/64", mode="slaac"),
        address("fd01::5", "fd01::/64", mode="dhcpv6-stateful"),
        address("fd02::5", "fd02::/64", gateway="fd02::1", dhcp=False),
    )
    said = read(made, "/openstack/latest/network_data.json")
    (link,) = said["links"]
    assert (link["ethernet_mac_address"], link["mtu"]) == (MAC, 1400)
    assert [one["type"] for one in said["networks"]] == [
        "ipv4_dhcp", "ipv4", "ipv6_slaac", "ipv6_dhcpv6-stateful", "ipv6",
    ]  # fmt: skip
    static = said["networks"][1]
    assert (static["ip_address"], static["netmask"]) == ("10.1.0.5", "255.255.0.0")
    assert {"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "10.1.0.1"} in static["routes"]
    assert {"network": "::", "netmask": "::", "gateway": "fd02::1"} in said["networks"][4]["routes"]
    assert said["services"] == [{"type": "dns", "address": "192.0.2.53"}]
