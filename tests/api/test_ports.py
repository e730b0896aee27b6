"""Ports of v2.0."""

from __future__ import annotations

from .conftest import Api


def test_a_port_gets_an_address_and_a_mac(api: Api) -> None:
    network = api.made("network", name="red")
    subnet = api.made("subnet", network_id=network["id"], ip_version=4, cidr="10.0.0.0/24")
    port = api.made("port", network_id=network["id"])
    assert port["mac_address"].startswith("fa:16:3e:")
    (fixed,) = port["fixed_ips"]
    assert fixed["subnet_id"] == subnet["id"]
    assert fixed["ip_address"].startswith("10.0.0.")
    assert port["status"] == "BUILD"
    assert api.call("GET", f"/v2.0/ports/{port['id']}").json == {"port": port}
