"""A tenant's plan of routed networks on a cloud: made over the API, with a VM for every host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tests.lab import Vm
from tests.lab.cloud import Body, Cloud
from tests.lab.netns import ip
from tests.lab.plain import Asked, default_routes, ping_all
from tests.routing.plan import Plan, PlannedHost, PlannedNetwork, PlannedRouter

OPEN: Body = {"device_owner": "network:tests"}  # its addresses are checked, and nothing is filtered


class Routed:
    """`places`: host -> the number of its hypervisor.  `network`, `host`: what networks and ports have beside."""

    def __init__(
        self, cloud: Cloud, project: str, plan: Plan, places: Mapping[str, int], network: Body | None = None,
        host: Body = OPEN,
    ) -> None:  # fmt: skip
        self.cloud, self.plan, self.api = cloud, plan, cloud.v2(project)
        self.networks = {name: self.api.network(name, **(network or {})) for name in plan.networks}
        self.subnets: dict[tuple[str, int], Body] = {}
        for one in plan.networks.values():
            for family in one.families:
                prefix = str(one.prefix(family))
                self.subnets[one.name, family] = self.api.subnet(self.networks[one.name], prefix, enable_dhcp=False)
        self.routers = {name: self.api.router(name) for name in plan.routers}
        self.interfaces: dict[tuple[str, str], list[Body]] = {}  # by router and network: their ports
        for router in plan.routers.values():
            for name in router.networks:
                ports = list(self._ports(router, plan.networks[name]))
                for port in ports:
                    self.api.interface(self.routers[router.name], port_id=port["id"])
                self.interfaces[router.name, name] = ports
            routes = [route._asdict() for route in router.routes]
            self.api.update("router", self.routers[router.name]["id"], routes=routes)
        self.ports = {one.name: self._port(one, host) for one in plan.hosts.values()}
        self.vms = {one.name: self._vm(one, places[one.name]) for one in plan.hosts.values()}

    def pings(self, asked: Iterable[Asked]) -> dict[Asked, int]:
        """The TTL of the answer to each; 0: there is none."""
        return ping_all({name: vm.namespace for name, vm in self.vms.items()}, asked)

    def address(self, host: str, family: int = 4) -> str:
        found = self.plan.address(self.plan.hosts[host], family)
        assert found is not None
        return found

    def gateway_mac(self, host: str, family: int = 4) -> str:
        """Of the router that a host sends to."""
        one = self.plan.hosts[host]
        return self.plan.routers[one.gateway].mac(self.plan.networks[one.network], family)

    def move(self, host: str, to: int) -> None:
        """The VM to another hypervisor."""
        one, port = self.plan.hosts[host], self.ports[host]
        network = self.plan.networks[one.network]
        addresses = [f"{network.address(one.nth, family)}/{_length(network, family)}" for family in network.families]
        self.vms[host].move(self.cloud[to], *addresses, mtu=self.networks[one.network]["mtu"])
        ip(list(default_routes(self.plan, one)), self.vms[host].namespace)
        assert self.api.status(port, "ACTIVE") == "ACTIVE"

    def _ports(self, router: PlannedRouter, network: PlannedNetwork) -> Iterator[Body]:
        """Of one interface: for all families, or one for each."""
        for families in [(one,) for one in network.families] if router.split else [network.families]:
            addresses = [network.address(router.nth, family) for family in families]
            mac = router.mac(network, families[0])
            yield self.api.port(self.networks[network.name], *addresses, mac_address=mac)

    def _port(self, host: PlannedHost, more: Body) -> Body:
        network = self.plan.networks[host.network]
        addresses = [network.address(host.nth, family) for family in network.families]
        return self.api.port(self.networks[host.network], *addresses, mac_address=network.mac(host.nth), **more)

    def _vm(self, host: PlannedHost, at: int) -> Vm:
        vm = self.cloud.start(self.cloud[at], self.ports[host.name], mtu=self.networks[host.network]["mtu"])
        ip(list(default_routes(self.plan, host)), vm.namespace)
        return vm


def _length(network: PlannedNetwork, family: int) -> int:
    return network.prefix(family).prefixlen
