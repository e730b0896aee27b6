"""Every resource through openstacksdk: run by the Python that has it.  Configured by the environment (OS_*).

Prints a line for each step and ends with status 0 when all of them did what they should.
"""

from __future__ import annotations

from typing import Any

import openstack  # type: ignore[import-not-found]
from openstack import exceptions


def security_groups(net: Any, port: Any) -> None:
    default = net.find_security_group("default")
    assert port.security_group_ids == [default.id], port
    group = net.create_security_group(name="sdk-group", stateful=True)
    rules = list(net.create_security_group_rules([
        {"security_group_id": group.id, "direction": "ingress", "ether_type": "IPv4", "protocol": protocol,
         "port_range_min": 53, "port_range_max": 53} for protocol in ("tcp", "udp")]))  # fmt: skip
    assert len(net.get_security_group(group.id).security_group_rules) == 4
    assert rules[0].id in {each.id for each in net.security_group_rules(security_group_id=group.id)}
    net.update_port(port, security_groups=[group.id])
    assert [each.id for each in net.ports(security_group_ids=[group.id])] == [port.id]
    try:
        net.delete_security_group(group)
        raise AssertionError("a group in use is deleted")
    except exceptions.ConflictException as refused:
        assert "SecurityGroupInUse" in str(refused.response.text)
    net.update_port(port, security_groups=[default.id])
    net.delete_security_group_rule(rules[0])
    net.delete_security_group(group)


def main() -> None:
    cloud = openstack.connect(load_yaml_config=False, load_envvars=True)
    net = cloud.network
    assert net.find_extension("port-security") is not None
    assert {each.alias for each in net.extensions()} > {
        "binding",
        "net-mtu",
        "pagination",
        "quotas",
        "security-group",
        "standard-attr-tag",
    }

    scope = net.create_address_scope(name="sdk-scope", ip_version=4)
    pool = net.create_subnet_pool(
        name="sdk-pool", prefixes=["10.40.0.0/16"], default_prefix_length=24, address_scope_id=scope.id
    )
    assert pool.address_scope_id == scope.id and pool.prefixes == ["10.40.0.0/16"], pool
    network = net.create_network(name="sdk-net", description="by the SDK")
    assert net.find_network("sdk-net").id == network.id
    network = net.update_network(network, name="sdk-net-2")
    assert network.name == "sdk-net-2" and network.revision_number > 0
    network.set_tags(net, ["one", "two"])
    assert [each.id for each in net.networks(tags="one,two")] == [network.id]
    network.remove_tag(net, "one")
    assert net.get_network(network.id).tags == ["two"]

    pooled = net.create_subnet(network_id=network.id, ip_version=4, subnet_pool_id=pool.id, name="sdk-pooled")
    assert pooled.cidr.endswith("/24") and pooled.subnet_pool_id == pool.id
    slaac = net.create_subnet(
        network_id=network.id, ip_version=6, cidr="2001:db8:40::/64", ipv6_ra_mode="slaac", ipv6_address_mode="slaac"
    )
    pooled = net.update_subnet(pooled, dns_nameservers=["192.0.2.53"])
    assert pooled.dns_nameservers == ["192.0.2.53"]
    assert {each.id for each in net.subnets(network_id=network.id)} == {pooled.id, slaac.id}

    port = net.create_port(network_id=network.id, name="sdk-port")
    assert {each["subnet_id"] for each in port.fixed_ips} == {pooled.id, slaac.id}, port
    port = net.update_port(port, description="mine", allowed_address_pairs=[{"ip_address": "10.40.0.77"}])
    assert port.allowed_address_pairs[0]["ip_address"] == "10.40.0.77"
    security_groups(net, port)
    many = net.create_ports([{"network_id": network.id, "name": f"sdk-{number}"} for number in range(5)])
    pages = list(net.ports(network_id=network.id, limit=2, paginated=True))
    assert len({each.id for each in pages}) == 6, pages
    assert net.find_port("sdk-3").name == "sdk-3"
    assert next(net.ports(network_id=network.id, sort_key="name", sort_dir="desc")).name == "sdk-port"
    try:
        net.delete_network(network)
        raise AssertionError("a network in use is deleted")
    except exceptions.ConflictException as refused:
        assert "NetworkInUse" in str(refused.response.text)
    stale = net.get_port(port.id)
    net.update_port(stale, name="newer")
    try:
        net.update_port(port.id, if_revision=1, name="never")
        raise AssertionError("If-Match is not seen")
    except exceptions.HttpException as refused:
        assert refused.status_code == 412, refused

    policy = net.create_rbac_policy(
        object_type="network", object_id=network.id, action="access_as_shared", target_project_id="somebody-else"
    )
    assert [each.id for each in net.rbac_policies(object_id=network.id)] == [policy.id]
    policy = net.update_rbac_policy(policy, target_project_id="another")
    net.delete_rbac_policy(policy)

    address_groups(net)
    default_rules(net)
    routers(net)

    project = network.project_id
    quota = net.get_quota(project)
    assert quota.ports != 0
    assert net.update_quota(project, ports=77).ports == 77
    assert net.get_quota(project, details=True).ports["limit"] == 77
    assert net.get_quota_default(project).ports != 77
    net.delete_quota(project)
    list(net.quotas())
    available = net.get_network_ip_availability(network.id)
    assert available.used_ips == 12, available
    assert [each.network_id for each in net.network_ip_availabilities(network_name="sdk-net-2")] == [network.id]
    list(net.agents())
    list(net.availability_zones())
    list(net.service_providers())

    for each in [port, *many]:
        net.delete_port(each)
    net.delete_subnet(pooled)
    net.delete_subnet(slaac)
    net.delete_network(network)
    net.delete_subnet_pool(pool)
    net.delete_address_scope(scope)
    for kind in (net.networks, net.subnets, net.ports, net.subnet_pools, net.address_scopes, net.rbac_policies):
        assert list(kind()) == [], kind
    try:
        net.get_network(network.id)
        raise AssertionError("a deleted network is found")
    except exceptions.NotFoundException:
        pass
    print("all of it")


def address_groups(net: Any) -> None:
    group = net.create_address_group(name="sdk-group", addresses=["10.1.0.0/16"])
    group = net.add_addresses_to_address_group(group, ["192.0.2.1", "2001:db8::/64"])
    assert group.addresses == ["10.1.0.0/16", "192.0.2.1/32", "2001:db8::/64"], group
    group = net.remove_addresses_from_address_group(group, ["10.1.0.0/16"])
    assert net.find_address_group("sdk-group").addresses == ["192.0.2.1/32", "2001:db8::/64"]
    assert net.update_address_group(group, description="d").description == "d"
    net.delete_address_group(group)
    assert list(net.address_groups()) == []


def routers(net: Any) -> None:
    """Interfaces, routes, gateways and flavors of a router, and a network without describing one."""
    inner, outer = net.create_network(name="sdk-in"), net.create_network(name="sdk-out", is_router_external=True)
    inside = net.create_subnet(network_id=inner.id, ip_version=4, cidr="10.77.0.0/24")
    outside = net.create_subnet(network_id=outer.id, ip_version=4, cidr="198.51.100.0/24")
    router = net.create_router(name="sdk-router", external_gateway_info={"network_id": outer.id})
    added = net.add_interface_to_router(router, subnet_id=inside.id)
    assert [each.id for each in net.ports(device_id=router.id, network_id=inner.id)] == [added["port_id"]]
    routes = {"router": {"routes": [{"destination": "10.9.0.0/16", "nexthop": "10.77.0.9"}]}}
    assert net.add_extra_routes_to_router(router, body=routes).routes == routes["router"]["routes"]
    assert net.remove_extra_routes_from_router(router, body=routes).routes == []
    more = {"router": {"external_gateways": [{"network_id": outer.id}]}}
    net.add_external_gateways(router, more)
    assert len(net.get_router(router).external_gateways) == 2
    net.update_external_gateways(router, {"router": {"external_gateways": []}})
    assert net.update_router(router, description="d").external_gateway_info is None
    assert list(net.routers_hosting_l3_agents(router)) == []
    assert list(net.network_hosting_dhcp_agents(inner)) == []
    net.remove_interface_from_router(router, subnet_id=inside.id)
    net.delete_router(router)
    for network in (inner, outer):
        net.delete_network(network)
    assert list(net.routers()) == [] and outside.gateway_ip == "198.51.100.1"
    flavor = net.create_flavor(name="sdk-flavor", service_type="L3_ROUTER_NAT")
    profile = net.create_service_profile(metainfo="m")
    net.associate_flavor_with_service_profile(flavor, profile)
    net.disassociate_flavor_from_service_profile(flavor, profile)
    net.delete_flavor(flavor)
    net.delete_service_profile(profile)


def default_rules(net: Any) -> None:
    assert len(list(net.default_security_group_rules())) == 4
    rule = net.create_default_security_group_rule(
        direction="ingress", protocol="tcp", port_range_min=22, port_range_max=22, remote_group_id="PARENT",
        used_in_default_sg=True, used_in_non_default_sg=False,
    )  # fmt: skip
    assert net.get_default_security_group_rule(rule.id).remote_group_id == "PARENT"
    net.delete_default_security_group_rule(rule)
    assert len(list(net.default_security_group_rules(used_in_non_default_sg=True))) == 2


if __name__ == "__main__":
    main()
