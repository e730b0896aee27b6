"""Names that ports and floating IPs are to have in external DNS, by upstream's rules of use.

Upstream's guide, "DNS integration with an external service": floating IPs with names of their own or with their port's
(use cases 1 and 2), ports of networks that are reached from outside without a floating IP (use case 3), or on subnets
with `dns_publish_fixed_ip`.
"""

from __future__ import annotations

from typing import NamedTuple

from controller.config.physical_networks import PhysicalNetworks
from controller.model import names
from controller.model.rows import FloatingIp, Network, Port, RbacPolicy, Subnet
from controller.model.rows.base import EXTERNAL, NAMES, SHARED, Reads
from controller.publish.external_dns.zones import Zones

Key = tuple[type[Port] | type[FloatingIp], str]  # of an object


class NameClaim(NamedTuple):
    """A name that an object is to have.  `since`: when the object was made, and its key: of two the first has it.

    `given`: those of the addresses that an operator gave, and not the tenant; only for them there are PTR records.
    """

    since: str
    holder: str
    name: str
    zone: str
    addresses: tuple[str, ...]
    given: frozenset[str] = frozenset()

    @property
    def floating(self) -> bool:
        """Whether it is a floating IP's, which alone has its address on the physical network."""
        return self.holder.startswith(f"{NAMES[FloatingIp]}/")


class NetworkNames(NamedTuple):
    """What a network means for its ports' names.  `direct`: all of their addresses are published, otherwise only those
    on the `subnets`.  `given`: subnets whose range of addresses an operator chose.
    """

    domain: str
    direct: bool
    subnets: frozenset[str]
    given: frozenset[str]


def of_network(reads: Reads, network: Network, physical: PhysicalNetworks) -> NetworkNames:
    """`direct` are flat networks, and VLANs that are not drawn for tenants: hosts outside reach ports of theirs."""
    subnets = reads.find(Subnet, "network_id", network.id)
    chosen = frozenset(subnet.id for subnet in subnets if subnet.dns_publish_fixed_ip)
    provider = _is_providers(network, physical)
    operators = provider or _everybody(reads, network.id, EXTERNAL)
    given = frozenset(
        subnet.id for subnet in subnets if operators or _everybody(reads, subnet.subnetpool_id, SHARED)
    )  # fmt: skip
    return NetworkNames(network.dns_domain, provider and not (chosen or network.external), chosen, given)


def _is_providers(network: Network, physical: PhysicalNetworks) -> bool:
    """Whether an operator chose the physical segment of a network; VLANs in a range for tenants are drawn."""
    if not network.physical_network:
        return False
    drawn = dict(physical.vlans).get(network.physical_network, ()) if network.vlan else ()
    return not any(first <= network.vlan <= last for first, last in drawn)


def _everybody(reads: Reads, object_id: str, action: str) -> bool:
    """Whether an object is for every project, which only operators say: tenants share with single projects."""
    return bool(object_id and reads.find(RbacPolicy, "grant", f"{object_id}/{action}/*"))


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
    found = _floating(reads, row, physical) if isinstance(row, FloatingIp) else _port(reads, row, physical)
    name, addresses, given = found
    zone = zones.of_name(name, row.project_id) if name and addresses else ""
    return NameClaim(row.created_at, f"{NAMES[kind]}/{row_id}", name, zone, addresses, given) if zone else None


def _port(reads: Reads, port: Port, physical: PhysicalNetworks) -> tuple[str, tuple[str, ...], frozenset[str]]:
    network = reads.get(Network, port.network_id)
    if network is None or not (name := full_name(port, network)):
        return "", (), frozenset()
    said = of_network(reads, network, physical)
    found = [fixed for fixed in port.fixed_ips if said.direct or fixed.subnet_id in said.subnets]
    given = frozenset(fixed.ip_address for fixed in found if fixed.subnet_id in said.given)
    return name, tuple(fixed.ip_address for fixed in found), given


def _floating(
    reads: Reads, floating: FloatingIp, physical: PhysicalNetworks
) -> tuple[str, tuple[str, ...], frozenset[str]]:
    """A tenant may share a network of its own as external with a project: then its addresses are not given, either."""
    name = f"{floating.dns_name}.{floating.dns_domain}" if floating.dns_name else ""
    port = reads.get(Port, floating.port_id) if floating.port_id and not name else None
    network = reads.get(Network, port.network_id) if port is not None else None
    if port is not None and network is not None:
        name = full_name(port, network)
    given = is_given(reads, floating, physical) if name else False
    addresses = (floating.floating_ip_address,)
    return name, addresses, frozenset(addresses if given else ())


def is_given(reads: Reads, floating: FloatingIp, physical: PhysicalNetworks) -> bool:
    """Whether an operator chose the range that a floating IP's address is in."""
    network = reads.get(Network, floating.floating_network_id)
    if network is None:
        return False
    if _is_providers(network, physical) or _everybody(reads, network.id, EXTERNAL):
        return True
    port = reads.get(Port, floating.floating_port_id)
    fixed = (
        next((each for each in port.fixed_ips if each.ip_address == floating.floating_ip_address), None)
        if port
        else None
    )
    subnet = reads.get(Subnet, fixed.subnet_id) if fixed is not None else None
    return subnet is not None and _everybody(reads, subnet.subnetpool_id, SHARED)


def full_name(port: Port, network: Network) -> str:
    """A port's name within its own domain, else its network's; "" for none.  A fully qualified one must be in it."""
    domain = names.domain(port, network) if port.dns_name else ""
    if not domain or (port.dns_name.endswith(".") and not port.dns_name.endswith(f".{domain}")):
        return ""
    return names.below(port.dns_name, domain)
