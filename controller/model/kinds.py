"""What there is: intent (what tenants and operators asked for) and observation (what switches report).

All kinds are frozen values without behaviour beyond naming themselves.  Every object has a `key`, its place in the
store: `<kind>/<id>`.  Text is never None: an absent optional text is "".
"""

from __future__ import annotations

import msgspec

from .bridge import Bridge, Plugged
from .members import FLOWLESS, LEASED, Confirmed, Level, Member, Presence, Reach, Told
from .row import NAMES, Row

__all__ = [
    "FLOWLESS",
    "KINDS",
    "LEASED",
    "NAMES",
    "AddressPair",
    "AddressScope",
    "AgentNote",
    "Binding",
    "Bridge",
    "Confirmed",
    "DhcpOption",
    "FixedIp",
    "HostRoute",
    "Interface",
    "Learned",
    "Level",
    "Link",
    "Member",
    "Network",
    "Physical",
    "Plugged",
    "Pool",
    "Port",
    "Presence",
    "Quota",
    "RbacPolicy",
    "Reach",
    "Row",
    "Secret",
    "Standard",
    "Subnet",
    "SubnetPool",
    "Switch",
    "Told",
    "Tunnel",
]


# --- intent -----------------------------------------------------------------------------------------------------------


class Standard(Row, frozen=True, kw_only=True):
    """What every object of a tenant has.  Times are ISO 8601 in UTC; `updated_at` "" means never: as `created_at`."""

    id: str
    project_id: str
    name: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    created_at: str = ""
    updated_at: str = ""


class Network(Standard, frozen=True, kw_only=True):
    """A tenant's layer-2 segment.  `segment` is its data plane id, 1..2^24-1: metadata, and the VNI on tunnels.

    `physical_network`, of a network of type flat or vlan, is what carries its frames instead, tagged with `vlan` (0:
    untagged).  Neither changes.  `external`: routers may use it as their way out.  `port_security`: what its ports have
    when they do not say.
    """

    admin_state_up: bool = True
    mtu: int
    network_type: str
    segment: int
    physical_network: str = ""
    vlan: int = 0
    external: bool = False
    port_security: bool = True
    zone_hints: tuple[str, ...] = ()


class Pool(msgspec.Struct, frozen=True, array_like=True):
    """Addresses `start` to `end`, both included, as text."""

    start: str
    end: str


class HostRoute(msgspec.Struct, frozen=True, array_like=True):
    destination: str
    nexthop: str


class Subnet(Standard, frozen=True, kw_only=True):
    """`ra_mode` and `address_mode`: of IPv6, `slaac`, `dhcpv6-stateful`, `dhcpv6-stateless` or ""."""

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

    @property
    def slaac(self) -> bool:
        """Whether a station's address is made from its MAC address (RFC 4862), not drawn from a pool."""
        return (self.address_mode or self.ra_mode) in ("slaac", "dhcpv6-stateless")


class FixedIp(msgspec.Struct, frozen=True, array_like=True):
    subnet_id: str
    ip_address: str


class AddressPair(msgspec.Struct, frozen=True, array_like=True):
    """Source addresses that a port may use beside its own: an address or a subnet, and the MAC that goes with it."""

    ip_address: str
    mac_address: str


class DhcpOption(msgspec.Struct, frozen=True, array_like=True):
    name: str
    value: str
    ip_version: int


class Binding(msgspec.Struct, frozen=True, array_like=True):
    """A host where the port may be next: it counts when it is activated.  `profile` is JSON."""

    host: str
    profile: str = ""


class Port(Standard, frozen=True, kw_only=True):
    """One place to plug an interface into a network.

    `learning`: made through Quantum v1.1, so that no address of it is declared: its addresses are learned from
    traffic and not checked.  `interface_id` is the VIF that is to be plugged in (v1.1's attachment; v2.0's
    binding:profile interface); "" means the VIF whose iface-id is the port's own id.  `host`: the only host where a
    VIF counts, or "" for any.  `port_security`: its source addresses are checked; without, any may be used, and is
    learned.  `profile`: what else binding:profile says, as JSON.
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

    @property
    def learns(self) -> bool:
        """Whether addresses that it does not declare are learned at it."""
        return self.learning or not self.port_security

    @property
    def guests(self) -> tuple[str, ...]:
        """Other MACs than its own that it may use: where they live is learned, for several ports may share one."""
        if not self.address_pairs:
            return ()
        return tuple(
            dict.fromkeys(pair.mac_address for pair in self.address_pairs if pair.mac_address != self.mac_address)
        )

    @property
    def subnets(self) -> tuple[str, ...]:
        return tuple(fixed.subnet_id for fixed in self.fixed_ips)

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(fixed.ip_address for fixed in self.fixed_ips)

    @property
    def vif(self) -> str:
        """The name of the VIF that this port looks for."""
        return self.interface_id if self.interface_id or self.learning else self.id

    @property
    def station(self) -> tuple[str, str] | None:
        """The network and address that the port declares to be its own; a learning port declares none."""
        return None if self.learning else (self.network_id, self.mac_address)


class SubnetPool(Standard, frozen=True, kw_only=True):
    """Prefixes from which subnets are cut.  `default_quota`: addresses (IPv4) or /64s (IPv6) a project, 0: no bound."""

    ip_version: int
    prefixes: tuple[str, ...]
    default_prefixlen: int
    min_prefixlen: int
    max_prefixlen: int
    default_quota: int = 0
    is_default: bool = False
    address_scope_id: str = ""


class AddressScope(Standard, frozen=True, kw_only=True):
    """Subnet pools within which no address is there twice."""

    ip_version: int


class RbacPolicy(Row, frozen=True, kw_only=True):
    """An object that `target` ("*" is every project) may use: `access_as_shared` or `access_as_external`."""

    id: str
    project_id: str
    object_type: str
    object_id: str
    action: str
    target: str

    @property
    def grant(self) -> str:
        """What it allows to whom, in one word: there is one policy of each at the most."""
        return f"{self.object_id}/{self.action}/{self.target}"


class Quota(Row, frozen=True, kw_only=True):
    """A project's own limits, by name of the resource (`port`); -1 is none.  What is not in it is as the default."""

    id: str  # of the project
    limits: dict[str, int] = msgspec.field(default_factory=dict)


class AgentNote(Row, frozen=True, kw_only=True):
    """What operators have written about a switch."""

    id: str  # of the switch
    description: str = ""


# --- observation ------------------------------------------------------------------------------------------------------


class Tunnel(msgspec.Struct, frozen=True, array_like=True):
    """An encapsulation that a switch speaks (`vxlan`, `geneve`, `gre`) and the OpenFlow port number of its tunnel
    port.
    """

    type: str
    ofport: int


class Physical(msgspec.Struct, frozen=True, array_like=True):
    """A physical network that a switch reaches, and the OpenFlow port number of its patch port there."""

    network: str
    ofport: int


class Switch(Row, frozen=True, kw_only=True):
    """A bridge that is ours to program.

    `id`: the OVS system-id, or the datapath id in hex for a bridge that is known over OpenFlow alone.  `number`: a
    small number (1..2^20-1) that names the switch in flows.  `tunnels` in the operator's order of preference.
    """

    id: str
    number: int
    dpid: int
    host: str = ""
    encap_ip: str = ""
    tunnels: tuple[Tunnel, ...] = ()
    physical: tuple[Physical, ...] = ()
    underlay_mtu: int = 0  # of what its host says; 0 for nothing
    wire_mtu: int = 0  # of its narrowest wire, as its database tells; 0 where that tells nothing
    refused: tuple[str, ...] = ()  # what its host claims and does not get, with the reason; for operators


class Interface(Row, frozen=True, kw_only=True):
    """An OVS port of a switch that may be a tenant's.

    `vif`: its iface-id, else its name.  `mac`: its attached-mac or "".  `since`: where several interfaces have the VIF,
    the greatest counts.  It is the store's revision when the VIF appeared here; below that of all others, 0 and less
    included, when it was another switch's then (`controller/switches/claims.py`).
    """

    switch_id: str
    name: str
    vif: str
    mac: str = ""
    ofport: int
    since: int = 0

    @property
    def row_id(self) -> str:
        return f"{self.switch_id}/{self.name}"

    @property
    def place(self) -> tuple[str, int]:
        """The OpenFlow port that it is: switch and port number."""
        return self.switch_id, self.ofport


class Link(Row, frozen=True, kw_only=True):
    """One end of a wire: at its port `ofport` the switch hears port `far_ofport` of another.

    Written by the member that masters `switch_id`.  A wire counts when both ends are `up` and name each other.
    `cost` is at least 1; `state` is `up`, `down` or `damped` (it flaps).
    """

    switch_id: str
    ofport: int
    far_switch_id: str
    far_ofport: int
    cost: int = 1
    state: str = "up"

    @property
    def row_id(self) -> str:
        return f"{self.switch_id}/{self.ofport}"

    @property
    def place(self) -> tuple[str, int]:
        return self.switch_id, self.ofport


class Learned(Row, frozen=True, kw_only=True):
    """A source address seen at a learning port.  It counts only while the port is bound to interface `at`."""

    network_id: str
    mac: str
    port_id: str
    at: str  # row_id of the Interface
    ofport: int

    @property
    def row_id(self) -> str:
        return f"{self.network_id}/{self.mac}"


class Secret(Row, frozen=True, kw_only=True):
    """What all members of a deployment share and nobody else knows, as hex digits.  No API shows it."""

    id: str
    value: str


KINDS: dict[str, type[Row]] = {
    "network": Network,
    "subnet": Subnet,
    "port": Port,
    "subnetpool": SubnetPool,
    "address_scope": AddressScope,
    "rbac_policy": RbacPolicy,
    "quota": Quota,
    "agent_note": AgentNote,
    "switch": Switch,
    "interface": Interface,
    "bridge": Bridge,
    "learned": Learned,
    "link": Link,
    "secret": Secret,
    "member": Member,
    "presence": Presence,
    "reach": Reach,
    "level": Level,
    "told": Told,
    "confirmed": Confirmed,
}
NAMES.update({kind: name for name, kind in KINDS.items()})
