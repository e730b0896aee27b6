"""Every resource through python-neutronclient's bindings, which Nova, Heat and Horizon use: run by the Python that has
them.  Configured by the environment (OS_*).

Prints a line and ends with status 0 when every step did what it should.
"""

from __future__ import annotations

from typing import Any

from neutronclient.common import exceptions  # type: ignore[import-not-found]
from neutronclient.v2_0 import client  # type: ignore[import-not-found]
from openstack import config  # type: ignore[import-not-found]


def main() -> None:
    cloud = config.OpenStackConfig(load_yaml_config=False).get_one()
    neutron = client.Client(session=cloud.get_session(), region_name=cloud.get_region_name("network") or None)
    aliases = {each["alias"] for each in neutron.list_extensions()["extensions"]}
    assert {"binding", "port-security", "allowed-address-pairs", "extra_dhcp_opt"} <= aliases, aliases
    network = networks_and_subnets(neutron)
    ports_as_nova_uses_them(neutron, network)
    sharing_and_quotas(neutron, network)
    pools(neutron)
    neutron.delete_network(network["id"])
    refused(exceptions.NetworkNotFoundClient, neutron.show_network, network["id"])
    print("all of it")


def networks_and_subnets(neutron: Any) -> dict[str, Any]:
    network: dict[str, Any] = neutron.create_network({"network": {"name": "n-net"}})["network"]
    subnet = neutron.create_subnet(
        {"subnet": {"network_id": network["id"], "ip_version": 4, "cidr": "10.60.0.0/24", "gateway_ip": None}}
    )["subnet"]
    assert neutron.show_network(network["id"])["network"]["subnets"] == [subnet["id"]]
    neutron.update_subnet(subnet["id"], {"subnet": {"name": "n-sub"}})
    assert [each["id"] for each in neutron.list_subnets(name="n-sub")["subnets"]] == [subnet["id"]]
    neutron.replace_tag("networks", network["id"], {"tags": ["a", "b"]})
    neutron.remove_tag("networks", network["id"], "a")
    assert [each["id"] for each in neutron.list_networks(tags="b")["networks"]] == [network["id"]]
    available = neutron.show_network_ip_availability(network["id"])["network_ip_availability"]
    assert (available["used_ips"], available["total_ips"]) == (0, 254), available
    return network


def ports_as_nova_uses_them(neutron: Any, network: dict[str, Any]) -> None:
    """Made for an instance, bound to its host, given a second binding for a move, found by device, let go."""
    port = neutron.create_port(
        {
            "port": {
                "network_id": network["id"],
                "device_id": "an-instance",
                "device_owner": "compute:nova",
                "binding:host_id": "host-1",
                "extra_dhcp_opts": [{"opt_name": "bootfile-name", "opt_value": "pxelinux.0"}],
            }
        }
    )["port"]
    assert port["binding:vif_type"] == "ovs" and port["binding:host_id"] == "host-1", port
    bound = neutron.create_port_binding(port["id"], {"binding": {"host": "host-2"}})["binding"]
    assert (bound["host"], bound["status"]) == ("host-2", "INACTIVE"), bound
    neutron.activate_port_binding(port["id"], "host-2")
    assert neutron.show_port(port["id"])["port"]["binding:host_id"] == "host-2"
    neutron.delete_port_binding(port["id"], "host-1")
    found = neutron.list_ports(device_id="an-instance", fields=["id", "fixed_ips"])["ports"]
    assert [each["id"] for each in found] == [port["id"]] and set(found[0]) == {"id", "fixed_ips"}, found
    many = neutron.create_port({"ports": [{"network_id": network["id"]} for _ in range(4)]})["ports"]
    pages = list(neutron.list_ports(retrieve_all=False, limit=2, network_id=network["id"]))
    assert [len(page["ports"]) for page in pages] == [2, 2, 1], pages
    address = port["fixed_ips"][0]["ip_address"]
    taken = {"port": {"network_id": network["id"], "fixed_ips": [{"ip_address": address}]}}
    refused(exceptions.IpAddressInUseClient, neutron.create_port, taken)
    refused(exceptions.NetworkInUseClient, neutron.delete_network, network["id"])
    for each in [port, *many]:
        neutron.delete_port(each["id"])


def sharing_and_quotas(neutron: Any, network: dict[str, Any]) -> None:
    asked = {"object_type": "network", "object_id": network["id"], "action": "access_as_shared",
             "target_tenant": "another"}  # fmt: skip
    policy = neutron.create_rbac_policy({"rbac_policy": asked})["rbac_policy"]
    assert [each["id"] for each in neutron.list_rbac_policies()["rbac_policies"]] == [policy["id"]]
    neutron.delete_rbac_policy(policy["id"])
    project = network["project_id"]
    assert neutron.update_quota(project, {"quota": {"subnet": 7}})["quota"]["subnet"] == 7
    assert neutron.show_quota_details(project)["quota"]["subnet"] == {"limit": 7, "used": 1, "reserved": 0}
    neutron.delete_quota(project)
    assert neutron.list_agents()["agents"] == []
    neutron.list_availability_zones()


def pools(neutron: Any) -> None:
    scope = neutron.create_address_scope({"address_scope": {"name": "n-scope", "ip_version": 6}})["address_scope"]
    pool = neutron.create_subnetpool(
        {"subnetpool": {"name": "n-pool", "prefixes": ["2001:db8:60::/48"], "default_prefixlen": 64,
                        "address_scope_id": scope["id"]}}
    )["subnetpool"]  # fmt: skip
    assert [each["id"] for each in neutron.list_subnetpools(address_scope_id=scope["id"])["subnetpools"]] == [
        pool["id"]
    ]
    neutron.delete_subnetpool(pool["id"])
    neutron.delete_address_scope(scope["id"])


def refused(kind: type[Exception], call: Any, *arguments: object) -> None:
    """Raises AssertionError unless the client knows the refusal by its own exception."""
    try:
        call(*arguments)
    except kind:
        return
    raise AssertionError(f"{kind.__name__} was not raised")


if __name__ == "__main__":
    main()
