"""Report of a hypervisor, as values without behaviour."""

from __future__ import annotations

import msgspec

from controller.model.rows import Physical, Tunnel


class SeenInterface(msgspec.Struct, frozen=True, kw_only=True):
    """OVS interface of br-int that may be a tenant's.

    `vif` is its external_ids:iface-id, else its name; `mac` its external_ids:attached-mac in lower case, "" where there
    is none or it is not a unicast address; `ofport` the OpenFlow port number that it has now.
    """

    name: str
    vif: str
    mac: str
    ofport: int


class SeenWatch(msgspec.Struct, frozen=True, array_like=True):
    """Tunnel port with a BFD session to another switch that has been up.  `up`: it is now."""

    far_switch_id: str
    ofport: int
    up: bool


class SeenHypervisor(msgspec.Struct, frozen=True, kw_only=True):
    """Hypervisor as its database describes it; equal descriptions are equal values.

    `tunnels` are the tunnel ports that exist, in the order in which the operator named their types in `encap_types`;
    `interfaces` and `watches` are sorted by name.  `cut_off`: physical networks to which the host has lost its link.
    """

    system_id: str
    host: str
    dpid: int
    encap_ip: str = ""
    encap_types: tuple[str, ...] = ()
    underlay_mtu: int = 0
    tunnels: tuple[Tunnel, ...] = ()
    physical: tuple[Physical, ...] = ()
    interfaces: tuple[SeenInterface, ...] = ()
    watches: tuple[SeenWatch, ...] = ()
    zone: str = ""
    cut_off: tuple[str, ...] = ()
