"""Ports: the places where interfaces are plugged into networks."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from .base import KINDS, Reads, Reference, Row, Seen, Standard, row


class FixedIp(msgspec.Struct, frozen=True, array_like=True):
    subnet_id: str
    ip_address: str


class AddressPair(msgspec.Struct, frozen=True, array_like=True):
    """Source address that a port may use beside its own: an address or prefix, with its MAC."""

    ip_address: str
    mac_address: str


class DhcpOption(msgspec.Struct, frozen=True, array_like=True):
    name: str
    value: str
    ip_version: int


class Binding(msgspec.Struct, frozen=True, array_like=True):
    """An inactive binding to a further host (live migration).  `profile` is JSON."""

    host: str
    profile: str = ""


SHOWN_AT_FLOATING_IPS = ("name", "network_id", "mac_address", "admin_state_up", "device_id", "device_owner")


def _at_floating_ips(reads: Reads, before: Port | None, after: Port | None) -> Iterable[Row]:
    """Floating IPs that show the port (`port_details`) otherwise than before."""
    if before is None or after is None:
        return ()
    if all(getattr(before, name) == getattr(after, name) for name in SHOWN_AT_FLOATING_IPS):
        return ()
    return reads.find(KINDS["floatingip"], "port_id", after.id)


@row(
    "port",
    index=("network_id", "project_id", "vif", "declared_mac"),
    lookup=(
        "name",
        "mac_address",
        "device_id",
        "device_owner",
        "host",
        "subnets",
        "addresses",
        "paired",
        "tags",
        "security_groups",
        "never_filtered",
        "owned_names",
    ),
    parent=Reference("network_id", "network", "member"),
    refers=(Reference("security_groups", "security_group", "group-port"),),
    seen=Seen(parent_owner=True),
    alters=_at_floating_ips,
    quota=500,
    version=2,  # security_groups: a program that ignored them would open filtered ports
)
class Port(Standard, frozen=True, kw_only=True):
    """One place to plug an interface into a network.

    `learning`: made through Quantum v1.1, so that no address of it is declared: its addresses are learned from
    traffic and not checked.  `interface_id` is the VIF that is to be plugged in (v1.1's attachment; v2.0's
    binding:profile interface); "" means the VIF whose iface-id is the port's own id.  `host`: the only host where a
    VIF counts, or "" for any.  `port_security`: its source addresses are checked; without, any may be used, and is
    learned.  `profile`: what else binding:profile says, as JSON.  `security_groups`: ids of the groups whose rules
    filter it; (): nothing is allowed; None: it is not filtered (ports of v1.1, and those stored before groups existed).
    `metadata`: what its instance is told of itself, as JSON (`tenet:metadata`).
    `dns_name`, `dns_domain`: in lower case, "" where not said (see `controller.model.names`).  `dns_keywords`: the
    values that keywords of domains have for whoever set them last, as (keyword, value).
    """

    network_id: str
    admin_state_up: bool = True
    mac_address: str
    fixed_ips: tuple[FixedIp, ...] = ()
    learning: bool = False
    interface_id: str = ""
    host: str = ""
    device_id: str = ""
    device_owner: str = ""
    port_security: bool = True
    address_pairs: tuple[AddressPair, ...] = ()
    dhcp_options: tuple[DhcpOption, ...] = ()
    data_plane_status: str = ""
    profile: str = ""
    bindings: tuple[Binding, ...] = ()
    security_groups: tuple[str, ...] | None = None
    metadata: str = ""
    dns_name: str = ""
    dns_domain: str = ""
    dns_keywords: tuple[tuple[str, str], ...] = ()

    @property
    def trusted(self) -> bool:
        """Whether it is of the network's own services (routers, DHCP servers): no security groups filter it."""
        return self.device_owner.startswith("network:")

    @property
    def filtered(self) -> bool:
        """Whether security groups say what it may send and receive."""
        return self.security_groups is not None and self.port_security and not self.trusted

    @property
    def never_filtered(self) -> bool:
        """Whether it is open only because it was stored before there were security groups."""
        return self.security_groups is None and self.port_security and not (self.learning or self.trusted)

    @property
    def learns(self) -> bool:
        """Whether addresses that it does not declare are learned from its traffic."""
        return self.learning or not self.port_security

    @property
    def extra_macs(self) -> tuple[str, ...]:
        """Other MACs that it may use; their location is learned, for several ports may share one."""
        if not self.address_pairs:
            return ()
        return tuple(
            dict.fromkeys(pair.mac_address for pair in self.address_pairs if pair.mac_address != self.mac_address)
        )

    @property
    def subnets(self) -> tuple[str, ...]:
        return tuple([fixed.subnet_id for fixed in self.fixed_ips])

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple([fixed.ip_address for fixed in self.fixed_ips])

    @property
    def owned_names(self) -> tuple[tuple[str, str], ...]:
        """What its project's ports may ask the resolver for, as (project, name or address)."""
        named = (self.dns_name,) if self.dns_name else ()
        return tuple([(self.project_id, name) for name in (*named, *self.addresses)])

    @property
    def paired(self) -> tuple[str, ...]:
        """Single addresses that it may use beside its own."""
        return tuple([pair.ip_address for pair in self.address_pairs if "/" not in pair.ip_address])

    @property
    def vif(self) -> str:
        """Name of the VIF that the port is bound to."""
        return self.interface_id if self.interface_id or self.learning else self.id

    @property
    def declared_mac(self) -> tuple[str, str] | None:
        """Network and MAC that the port declares; None for a learning port."""
        return None if self.learning else (self.network_id, self.mac_address)
