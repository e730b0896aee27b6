"""Switches, and what their databases report of them."""

from __future__ import annotations

import msgspec

from .base import Reference, Row, row


class Tunnel(msgspec.Struct, frozen=True, array_like=True):
    """An encapsulation that a switch speaks (`vxlan`, `geneve`, `gre`) and the OpenFlow port number of its tunnel
    port.
    """

    type: str
    ofport: int


class Physical(msgspec.Struct, frozen=True, array_like=True):
    """A physical network that a switch reaches, and the OpenFlow port number of its patch port there.

    `bridge`: that it is mapped to; "" in rows of former versions, until the host is seen again.
    """

    network: str
    ofport: int
    bridge: str = ""


@row("switch", index=("dpid",), lookup=("host", "encap_ip", "number"), attributes=("number", "physical"))
class Switch(Row, frozen=True, kw_only=True):
    """A bridge that Tenet programs.

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
    underlay_mtu: int = 0  # as its host reports; 0: unknown
    wire_mtu: int = 0  # of its narrowest wire, as its database reports; 0: unknown
    refused: tuple[str, ...] = ()  # refused claims of its host, with the reason; for operators
    zone: str = ""  # availability zone; "": the usual one
    cut_off: tuple[str, ...] = ()  # physical networks to which the host has lost its link


@row("agent_note", refers=(Reference("id", "switch", shown=True),))
class AgentNote(Row, frozen=True, kw_only=True):
    """An operator's note on a switch."""

    id: str  # of the switch
    description: str = ""


@row("interface", index=("vif", "switch_id", "place", "logical_port"))
class Interface(Row, frozen=True, kw_only=True):
    """An OVS port of a switch that may be a tenant's.

    `vif`: its iface-id, else its name.  `mac`: its attached-mac or "".  `since`: where several interfaces have the VIF,
    the greatest counts.  It is the store's revision when the VIF appeared here; below that of all others, 0 and less
    included, when it was another switch's then (`controller/switches/claims.py`).  `allotted`: the key of its logical
    port where that is not its OpenFlow port; else 0 (model/keys.py).
    """

    switch_id: str
    name: str
    vif: str
    mac: str = ""
    ofport: int
    since: int = 0
    allotted: int = 0

    @property
    def row_id(self) -> str:
        return f"{self.switch_id}/{self.name}"

    @property
    def port_key(self) -> int:
        """The key of its logical port, 1..65,535: what the switch's flows know it by."""
        return self.allotted or self.ofport

    @property
    def logical_port(self) -> tuple[str, int]:
        """Switch id and port key."""
        return self.switch_id, self.port_key

    @property
    def place(self) -> tuple[str, int]:
        """The OpenFlow port that it is: switch and port number."""
        return self.switch_id, self.ofport


class Plugged(msgspec.Struct, frozen=True, array_like=True):
    """An OVS port of the bridge.

    `vif`: its iface-id, else its name.  `mac`: its attached-mac or "".  `speed`: of its link, in bits a second; 0
    where nobody says.
    """

    name: str
    vif: str
    mac: str = ""
    speed: int = 0


@row("bridge", index=("system_id",))
class Bridge(Row, frozen=True, kw_only=True):
    """A bridge that somebody else made and pointed at a controller, in a database that is connected to Tenet.

    `id`: its datapath id in hex, the id that it has as a `Switch` once it is connected over OpenFlow, too.
    `system_id`: of the database.  `interfaces`: by name.
    """

    id: str
    system_id: str
    name: str
    interfaces: tuple[Plugged, ...] = ()
