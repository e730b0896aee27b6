"""Rows of a plan: networks, subnets, ports with their interfaces, routers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from controller.model.rows import FixedIp, Interface, Network, Port, Router, RouterInterface, Row, Subnet
from controller.model.rows.routers import ExtraRoute
from tests.routing.plan import Plan, PlannedHost, PlannedNetwork, PlannedRouter

OWNER = "network:router_interface"


def rows(plan: Plan, tenant: int, places: Mapping[str, tuple[int, int]]) -> Iterator[Row]:
    """`tenant`: a number, which makes numbers in the data plane its own.  `places`: host -> number of its hypervisor,
    and OpenFlow port there.
    """
    project = f"t{tenant}"
    for network in plan.networks.values():
        yield Network(id=network.name, project_id=project, mtu=1450, network_type="vxlan",
                      segment=100 * tenant + network.number)  # fmt: skip
        for family in network.families:
            yield Subnet(id=subnet(network, family), project_id=project, network_id=network.name, ip_version=family,
                         cidr=str(network.prefix(family)))  # fmt: skip
    for number, router in enumerate(plan.routers.values()):
        yield from router_rows(plan, router, tenant, number)
    for host in plan.hosts.values():
        yield port(plan, host, project)
        at, ofport = places[host.name]
        yield Interface(switch_id=f"h{at}", name=f"tap-{host.name}"[:15], vif=host.name, ofport=ofport)


def router_rows(plan: Plan, router: PlannedRouter, tenant: int, number: int) -> Iterator[Row]:
    routes = tuple(ExtraRoute(*each) for each in router.routes)
    yield Router(id=router.name, project_id=f"t{tenant}", number=10 * tenant + number, segment=1000 * tenant + number,
                 routes=routes)  # fmt: skip
    for name in router.networks:
        network = plan.networks[name]
        if router.split:
            for family in network.families:
                yield from interface(network, router, (family,), tenant)
        else:
            yield from interface(network, router, network.families, tenant)


def interface(network: PlannedNetwork, router: PlannedRouter, families: tuple[int, ...], tenant: int) -> Iterator[Row]:
    """An interface, and its port."""
    port_id = interface_id(router, network, families[0])
    fixed = tuple(FixedIp(subnet(network, family), network.address(router.nth, family)) for family in families)
    yield Port(
        id=port_id, project_id=f"t{tenant}", network_id=network.name, mac_address=router.mac(network, families[0]),
        fixed_ips=fixed, device_owner=OWNER, device_id=router.name,
    )  # fmt: skip
    yield RouterInterface(id=port_id, router_id=router.name, network_id=network.name)


def interface_id(router: PlannedRouter, network: PlannedNetwork, family: int) -> str:
    return f"{router.name}-{network.name}-{family if router.split else 'both'}"


def port(plan: Plan, host: PlannedHost, project: str) -> Port:
    network = plan.networks[host.network]
    fixed = tuple(FixedIp(subnet(network, family), network.address(host.nth, family)) for family in network.families)
    return Port(id=host.name, project_id=project, network_id=host.network, mac_address=network.mac(host.nth),
                fixed_ips=fixed, device_owner="network:tests")  # fmt: skip


def subnet(network: PlannedNetwork, family: int) -> str:
    return f"{network.name}-{family}"
