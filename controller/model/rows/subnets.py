"""Subnets: the addresses of a network."""

from __future__ import annotations

import msgspec

from .base import SHARED, Reference, Seen, Standard, row


class Pool(msgspec.Struct, frozen=True, array_like=True):
    """Addresses `start` to `end`, both included, as text."""

    start: str
    end: str


class HostRoute(msgspec.Struct, frozen=True, array_like=True):
    """A route that DHCP tells hosts on the subnet."""

    destination: str
    nexthop: str


@row(
    "subnet",
    index=("network_id", "project_id"),
    lookup=("name", "cidr", "subnetpool_id", "tags"),
    parent=Reference("network_id", "network", "member", shown=True),
    refers=(Reference("subnetpool_id", "subnetpool", "pool"),),
    seen=Seen(parent_owner=True, parent_shared=(SHARED,)),
    quota=100,
)
class Subnet(Standard, frozen=True, kw_only=True):
    """`ra_mode` and `address_mode`: of IPv6, `slaac`, `dhcpv6-stateful`, `dhcpv6-stateless` or "".

    `dns_publish_fixed_ip`: names of its addresses go to the external DNS server.
    """

    network_id: str
    ip_version: int
    cidr: str
    gateway_ip: str = ""
    allocation_pools: tuple[Pool, ...] = ()
    enable_dhcp: bool = True
    dns_nameservers: tuple[str, ...] = ()
    host_routes: tuple[HostRoute, ...] = ()
    ra_mode: str = ""
    address_mode: str = ""
    service_types: tuple[str, ...] = ()
    subnetpool_id: str = ""
    dns_publish_fixed_ip: bool = False

    @property
    def slaac(self) -> bool:
        """Whether addresses are formed from MAC addresses (RFC 4862) and not drawn from a pool."""
        return (self.address_mode or self.ra_mode) in ("slaac", "dhcpv6-stateless")
