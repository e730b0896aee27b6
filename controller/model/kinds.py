"""What there is: intent (what tenants and operators asked for) and observation (what switches report).

All kinds are frozen values without behaviour beyond naming themselves.  Every object has a `key`, its place in the
store: `<kind>/<id>`.  Text is never None: an absent optional text is "".
"""

from __future__ import annotations

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A value in the store.  (`gc=False`: it can be in no cycle, so the collector need not look at it.)"""

    @property
    def key(self) -> str:
        return f"{self.kind_name()}/{self.row_id}"

    @property
    def row_id(self) -> str:
        return self.id  # type: ignore[attr-defined, no-any-return]

    @classmethod
    def kind_name(cls) -> str:
        return NAMES[cls]


# --- intent -----------------------------------------------------------------------------------------------------------


class Network(Row, frozen=True, kw_only=True):
    """A tenant's layer-2 segment.  `segment` is its data plane id, 1..2^24-1: metadata, and the VNI on tunnels."""

    id: str
    project_id: str
    name: str = ""
    admin_state_up: bool = True
    mtu: int
    network_type: str
    segment: int
    created_at: str = ""  # ISO 8601, UTC


class Pool(msgspec.Struct, frozen=True, array_like=True):
    """Addresses `start` to `end`, both included, as text."""

    start: str
    end: str


class Subnet(Row, frozen=True, kw_only=True):
    id: str
    project_id: str
    network_id: str
    name: str = ""
    ip_version: int
    cidr: str
    gateway_ip: str = ""
    allocation_pools: tuple[Pool, ...] = ()
    enable_dhcp: bool = True
    created_at: str = ""


class FixedIp(msgspec.Struct, frozen=True, array_like=True):
    subnet_id: str
    ip_address: str


class Port(Row, frozen=True, kw_only=True):
    """One place to plug an interface into a network.

    `learning`: made through Quantum v1.1, so that no address of it is declared: its addresses are learned from
    traffic and not checked.  `interface_id` is the VIF that is to be plugged in (v1.1's attachment; v2.0's
    binding:profile interface); "" means the VIF whose iface-id is the port's own id.  `host`: the only host where a
    VIF counts, or "" for any.
    """

    id: str
    project_id: str
    network_id: str
    name: str = ""
    admin_state_up: bool = True
    mac_address: str
    fixed_ips: tuple[FixedIp, ...] = ()
    learning: bool = False
    interface_id: str = ""
    host: str = ""
    device_id: str = ""
    device_owner: str = ""
    created_at: str = ""

    @property
    def vif(self) -> str:
        """The name of the VIF that this port looks for."""
        return self.interface_id if self.interface_id or self.learning else self.id

    @property
    def station(self) -> tuple[str, str] | None:
        """The network and address that the port declares to be its own; a learning port declares none."""
        return None if self.learning else (self.network_id, self.mac_address)


# --- observation ------------------------------------------------------------------------------------------------------


class Tunnel(msgspec.Struct, frozen=True, array_like=True):
    """An encapsulation that a switch speaks (`vxlan`, `geneve`, `gre`) and the OpenFlow port number of its tunnel
    port.
    """

    type: str
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


class Interface(Row, frozen=True, kw_only=True):
    """An OVS port of a switch that may be a tenant's.

    `vif`: its iface-id, else its name.  `mac`: its attached-mac or "".  `since`: the store's revision when the VIF
    appeared here; where several switches have it, the one that got it last does.
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


# --- the cluster ------------------------------------------------------------------------------------------------------


class Member(Row, frozen=True, kw_only=True):
    """A controller of the cluster, present or not: hypervisors are told of all of them.

    `openflow`, `ovsdb`, `rest`: where it is reached, as ADDRESS:PORT (IPv6 in brackets).  `draining`: it is to be
    master of nothing.
    """

    id: str
    openflow: str
    ovsdb: str
    rest: str
    tls: bool = False
    draining: bool = False


class Presence(Row, frozen=True, kw_only=True):
    """A member is there: written under its lease.  `instance` is drawn anew each time; `since` is Unix time."""

    id: str
    instance: str
    since: float
    lease: float  # seconds


class Reach(Row, frozen=True, kw_only=True):
    """What a member is connected to, and of which switches it is the master: written under its lease; sorted."""

    id: str
    switches: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


class Level(Row, frozen=True, kw_only=True):
    """How far the switches that a member holds are: written under its lease.

    They are at revision `compiled`, but for those in `behind`.  `refused`: key of an object -> why a switch refuses
    a flow of it.
    """

    id: str
    compiled: int
    behind: dict[str, int] = {}
    refused: dict[str, str] = {}


CLUSTER: frozenset[type[Row]] = frozenset({Member, Presence, Reach, Level})  # no flow follows from these
LEASED: frozenset[type[Row]] = frozenset({Presence, Reach, Level})

KINDS: dict[str, type[Row]] = {
    "network": Network,
    "subnet": Subnet,
    "port": Port,
    "switch": Switch,
    "interface": Interface,
    "learned": Learned,
    "member": Member,
    "presence": Presence,
    "reach": Reach,
    "level": Level,
}
NAMES: dict[type[Row], str] = {kind: name for name, kind in KINDS.items()}
