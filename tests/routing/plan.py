"""Plans of routed networks: subnets, routers with interfaces and static routes, hosts.  Rows, namespaces and the
reference are made from the same plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple

Prefix = IPv4Network | IPv6Network
FAMILIES = (4, 6)


class PlannedNetwork(NamedTuple):
    """`number` says its subnets: 10.0.NUMBER.0/24 and 2001:db8:0:NUMBER::/64, of `families`."""

    name: str
    number: int
    families: tuple[int, ...] = FAMILIES

    def prefix(self, family: int) -> Prefix:
        return ip_network(f"10.0.{self.number}.0/24" if family == 4 else f"2001:db8:0:{self.number:x}::/64")

    def address(self, nth: int, family: int) -> str:
        return f"10.0.{self.number}.{nth}" if family == 4 else f"2001:db8:0:{self.number:x}::{nth:x}"

    def mac(self, nth: int, family: int = 4) -> str:
        """Every tenant has the same."""
        return f"fa:16:3e:{self.number:02x}:{family:02x}:{nth:02x}"


class PlannedRoute(NamedTuple):
    """A static route; several to one prefix share its packets (ECMP)."""

    destination: str
    nexthop: str

    @property
    def family(self) -> int:
        return ip_address(self.nexthop).version


class PlannedRouter(NamedTuple):
    """`nth`: its addresses on each of its networks.  `split`: it has a port a family, as the API makes them."""

    name: str
    nth: int
    networks: tuple[str, ...]
    routes: tuple[PlannedRoute, ...] = ()
    split: bool = False

    def mac(self, network: PlannedNetwork, family: int) -> str:
        return network.mac(self.nth, family if self.split else 4)


class PlannedHost(NamedTuple):
    """`gateway`: the router that it sends what is for other networks to, "" for none."""

    name: str
    network: str
    nth: int
    gateway: str = ""


class Plan(NamedTuple):
    """One tenant's."""

    networks: dict[str, PlannedNetwork]
    routers: dict[str, PlannedRouter]
    hosts: dict[str, PlannedHost]

    def routers_on(self, network: str) -> list[PlannedRouter]:
        return [one for one in self.routers.values() if network in one.networks]

    def address(self, host: PlannedHost, family: int) -> str | None:
        """Of the host in a family, if its network has that."""
        network = self.networks[host.network]
        return network.address(host.nth, family) if family in network.families else None

    def owners(self, network: str, address: str) -> Iterator[PlannedHost | PlannedRouter]:
        """Who has an address on a network: one, or nobody."""
        on, family = self.networks[network], ip_address(address).version
        hosts = [one for one in self.hosts.values() if one.network == network]
        for one in [*hosts, *self.routers_on(network)]:
            if family in on.families and on.address(one.nth, family) == address:
                yield one
