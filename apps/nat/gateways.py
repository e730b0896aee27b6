"""Gateways of a router as flows need them: its ports in external networks, and what is routed by which."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple

from controller.model.reader import Reader
from controller.model.rows import Network, Port, Router, RouterInterface, Subnet

from ..pipeline import PATH
from ..routing.interface import Prefix, live

FIRST_ZONE = 49_151  # zones above are routers', by their numbers; those of ports are their keys, up to this
Address = IPv4Address | IPv6Address


class LiveGateway(NamedTuple):
    """`segment`: of the external network; `snat`: IPv4 addresses are translated to the first one of the gateway."""

    network_id: str
    segment: int
    mac: str
    addresses: tuple[str, ...]
    subnets: tuple[str, ...]
    snat: bool

    @property
    def translated(self) -> str:
        """The address that connections from inside seem to come from; "" where none is translated."""
        return next((one for one in self.addresses if ":" not in one), "") if self.snat else ""

    def routes(self, version: int) -> bool:
        """Whether it has an address of this version of IP."""
        return any((":" in one) == (version == 6) for one in self.addresses)


class ExternalRoute(NamedTuple):
    """`hop`: None where the destination itself is the next hop."""

    prefix: Prefix
    via: LiveGateway
    hop: Address | None

    @property
    def leads(self) -> bool:
        """Whether packets can leave by it: where IPv4 is translated, there is an address for that."""
        return self.prefix.version == 6 or not self.via.snat or bool(self.via.translated)


def zone_of(router_number: int) -> int:
    """Conntrack zone of a router, on every switch that translates for it."""
    return FIRST_ZONE + router_number


def live_gateways(router: Router, see: Reader) -> list[LiveGateway]:
    """The gateways of a router that is up, in their order."""
    found = []
    for gateway in router.gateways if router.admin_state_up else ():
        network, port = see.view(Network, gateway.network_id), see.get(Port, gateway.port_id)
        if network is not None and port is not None:
            found.append(LiveGateway(network.id, network.segment, port.mac_address, port.addresses, port.subnets,
                                     gateway.snat))  # fmt: skip
    return found


def external_routes(router: Router, see: Reader) -> list[ExternalRoute]:
    """What a router sends outside, one route a prefix: to the subnets of external networks, by extra routes to next
    hops there, and by default to the gateway address of the first gateway's subnet.
    """
    gateways = live_gateways(router, see)
    found: dict[Prefix, ExternalRoute] = {}
    inside = _inside(router, see)
    for route in (*_on_link(gateways, see), *_default(gateways, see)):
        found.setdefault(route.prefix, route)
    on_link = [route for route in found.values() if route.hop is None]
    for extra in router.routes:
        hop, prefix = ip_address(extra.nexthop), ip_network(extra.destination, strict=False)
        via = next((one.via for one in on_link if hop.version == one.prefix.version and hop in one.prefix), None)
        if via is not None and not _among(hop, inside):
            found[prefix] = ExternalRoute(prefix, via, hop)
        else:
            found.pop(prefix, None)  # it leads to a next hop inside
    return [route for prefix, route in found.items() if prefix not in inside]


def exits(route: ExternalRoute, router: Router, see: Reader) -> list[ExternalRoute]:
    """The routes over which packets of a route are shared: for a default route, with `ecmp`, those of all gateways."""
    if not router.ecmp or route.prefix.prefixlen:
        return [route]
    found = [one for one in _default(live_gateways(router, see), see) if one.prefix == route.prefix and one.leads]
    return list(dict.fromkeys(found))[: 1 << PATH.width] if route in found else [route]


def other_defaults(routes: list[ExternalRoute], router: Router, see: Reader) -> list[ExternalRoute]:
    """Default routes of gateways in other external networks than the usual ones: of what leaves there, as by a floating
    IP, and by no other rule.  One a network and version of IP.
    """
    used = {(route.prefix, route.via.segment) for route in routes}
    found: dict[tuple[Prefix, int], ExternalRoute] = {}
    for route in _default(live_gateways(router, see), see):
        if (route.prefix, route.via.segment) not in used:
            found.setdefault((route.prefix, route.via.segment), route)
    return list(found.values())


def _on_link(gateways: list[LiveGateway], see: Reader) -> Iterator[ExternalRoute]:
    for via in gateways:
        for subnet in see.find(Subnet, "network_id", via.network_id):
            if via.routes(subnet.ip_version):
                yield ExternalRoute(ip_network(subnet.cidr, strict=False), via, None)


def _default(gateways: list[LiveGateway], see: Reader) -> Iterator[ExternalRoute]:
    for via in gateways:
        for subnet_id in via.subnets:
            subnet = see.get(Subnet, subnet_id)
            if subnet is not None and subnet.gateway_ip:
                every = ip_network("::/0" if subnet.ip_version == 6 else "0.0.0.0/0")
                yield ExternalRoute(every, via, ip_address(subnet.gateway_ip))


def _inside(router: Router, see: Reader) -> set[Prefix]:
    """The prefixes that a router is connected to by its interfaces."""
    found = [live(interface, see) for interface in see.find(RouterInterface, "router_id", router.id)]
    return {prefix for here in found if here is not None for prefix in here.prefixes(see)}


def _among(address: Address, prefixes: set[Prefix]) -> bool:
    return any(address.version == prefix.version and address in prefix for prefix in prefixes)
