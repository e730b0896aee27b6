"""Names that ports and floating IPs are to have in external DNS, by upstream's rules of use.

Upstream's guide, "DNS integration with an external service": floating IPs with names of their own or with their port's
(use cases 1 and 2), ports of networks that are reached from outside without a floating IP (use case 3), or on subnets
with `dns_publish_fixed_ip`.
"""

from __future__ import annotations

from typing import NamedTuple

from controller.config.physical_networks import PhysicalNetworks
from controller.model import names
from controller.model.rows import FloatingIp, Network, Port, Subnet
from controller.model.rows.base import NAMES, Reads
from controller.publish.external_dns.zones import Zones

Key = tuple[type[Port] | type[FloatingIp], str]  # of an object


class NameClaim(NamedTuple):
    """A name that an object is to have.  `since`: when the object was made, and its key: of two the first has it."""

    since: str
    holder: str
    name: str
    zone: str
    addresses: tuple[str, ...]

    @property
    def floating(self) -> bool:
        """Whether it is a floating IP's, whose address is its own; a tenant's subnet may have any address."""
        return self.holder.startswith(f"{NAMES[FloatingIp]}/")


class NetworkNames(NamedTuple):
    """What a network means for its ports' names.  `direct`: all of their addresses are published, otherwise only those
    on the `subnets`.
    """

    domain: str
    direct: bool
    subnets: frozenset[str]


def of_network(reads: Reads, network: Network, physical: PhysicalNetworks) -> NetworkNames:
    """`direct` are flat networks, and VLANs that are not drawn for tenants: hosts outside reach ports of theirs."""
    subnets = reads.find(Subnet, "network_id", network.id)
    chosen = frozenset(subnet.id for subnet in subnets if subnet.dns_publish_fixed_ip)
    direct = not (chosen or network.external or not network.physical_network)
    if direct and network.vlan:
        drawn = dict(physical.vlans).get(network.physical_network, ())
        direct = not any(first <= network.vlan <= last for first, last in drawn)
    return NetworkNames(network.dns_domain, direct, chosen)


def publishes(reads: Reads, network: Network, physical: PhysicalNetworks) -> bool:
    """Whether ports of a network have names of their own in external DNS."""
    said = of_network(reads, network, physical)
    return said.direct or bool(said.subnets)


def of_object(reads: Reads, key: Key, zones: Zones, physical: PhysicalNetworks) -> NameClaim | None:
    """The name that an object is to have; None: none, or it does not exist."""
    kind, row_id = key
    row = reads.get(kind, row_id)
    if row is None:
        return None
    name, addresses = _floating(reads, row) if isinstance(row, FloatingIp) else _port(reads, row, physical)
    zone = zones.of_name(name, row.project_id) if name and addresses else ""
    return NameClaim(row.created_at, f"{NAMES[kind]}/{row_id}", name, zone, addresses) if zone else None


def _port(reads: Reads, port: Port, physical: PhysicalNetworks) -> tuple[str, tuple[str, ...]]:
    network = reads.get(Network, port.network_id)
    if network is None or not (name := full_name(port, network)):
        return "", ()
    said = of_network(reads, network, physical)
    found = [fixed.ip_address for fixed in port.fixed_ips if said.direct or fixed.subnet_id in said.subnets]
    return name, tuple(found)


def _floating(reads: Reads, floating: FloatingIp) -> tuple[str, tuple[str, ...]]:
    name = f"{floating.dns_name}.{floating.dns_domain}" if floating.dns_name else ""
    port = reads.get(Port, floating.port_id) if floating.port_id and not name else None
    network = reads.get(Network, port.network_id) if port is not None else None
    if port is not None and network is not None:
        name = full_name(port, network)
    return name, (floating.floating_ip_address,)


def full_name(port: Port, network: Network) -> str:
    """A port's name within its own domain, else its network's; "" for none.  A fully qualified one must be in it."""
    domain = names.domain(port, network) if port.dns_name else ""
    if not domain or (port.dns_name.endswith(".") and not port.dns_name.endswith(f".{domain}")):
        return ""
    return names.below(port.dns_name, domain)
