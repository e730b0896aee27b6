"""Interfaces of routers as flows need them."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple

from controller.model.reader import Reader
from controller.model.rows import Network, Port, Router, RouterInterface, Subnet

from ..source import link_local

Prefix = IPv4Network | IPv6Network


class LiveInterface(NamedTuple):
    """An interface whose router, and which itself, is up.  `router`: its number; `segment`: of its network.

    `addresses`: its own, in their usual text form; `subnets`: ids of the subnets that they are of.
    """

    router: int
    network_id: str
    segment: int
    mac: str
    addresses: tuple[str, ...]
    subnets: tuple[str, ...]

    @property
    def answered(self) -> list[str]:
        """All of its addresses: with IPv6, its link-local one too."""
        six = any(":" in address for address in self.addresses)
        return list(dict.fromkeys((*self.addresses, *([link_local(self.mac)] if six else ()))))

    def prefixes(self, see: Reader) -> list[Prefix]:
        """The prefixes that it is connected to."""
        found = [see.get(Subnet, subnet_id) for subnet_id in self.subnets]
        cidrs = [subnet.cidr for subnet in found if subnet is not None and subnet.network_id == self.network_id]
        return [ip_network(cidr, strict=False) for cidr in dict.fromkeys(cidrs)]


def live(interface: RouterInterface, see: Reader) -> LiveInterface | None:
    """The interface, or None where no flow is to be made for it."""
    router, port = see.view(Router, interface.router_id), see.get(Port, interface.id)
    network = see.view(Network, interface.network_id)
    if router is None or port is None or network is None or not (router.admin_state_up and port.admin_state_up):
        return None
    return LiveInterface(router.number, network.id, network.segment, port.mac_address, port.addresses, port.subnets)
