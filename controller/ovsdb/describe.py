"""Description of a hypervisor from the replica of its database; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from controller.model.rows import Bridge as WatchedBridge
from controller.model.rows import Plugged, Tunnel
from controller.model.rows.metadata import VIF as METADATA_VIF
from controller.ovsdb.mappings import cut_off, physical
from controller.ovsdb.replica import BridgeRow, DatabaseReplica, InterfaceRow, OpenVSwitch
from controller.ovsdb.seen import SeenHypervisor, SeenInterface, SeenWatch
from controller.ovsdb.settings import ENCAPSULATIONS, datapath_id, is_name, settings
from controller.ovsdb.wanted import WATCHES

BRIDGE = "br-int"
MANAGED = {"tenet-managed": "true"}  # external_ids that mark Tenet's rows
_OURS = "tenet-"
OFPORT_LIMIT = 0xFF00  # OpenFlow 1.3's OFPP_MAX as OVS numbers ports; above are the reserved ones (OFPP_LOCAL, ...)

_UNICAST = re.compile(r"(?!(?:00:){5}00)[0-9a-f][02468ace](?::[0-9a-f]{2}){5}")


def tunnel_port(encapsulation: str) -> str:
    """Name of br-int's tunnel port for an encapsulation."""
    return f"tenet-{encapsulation}"


TUNNEL_PORTS = frozenset(map(tunnel_port, ENCAPSULATIONS))


def describe(replica: DatabaseReplica) -> SeenHypervisor | None:
    """Description of the hypervisor; None until its datapath id is set.  Without a bridge it has no interfaces."""
    root = replica.root
    if root is None:
        return None
    said = settings(root)
    if not said.datapath_id:
        return None
    bridge = replica.bridge(BRIDGE)
    plugged = {interface.name: interface for interface in interfaces(replica, bridge)} if bridge else {}
    return SeenHypervisor(
        system_id=said.system_id,
        host=said.host,
        dpid=int(said.datapath_id, 16),
        encap_ip=said.encap_ip,
        encap_types=said.encap_types,
        underlay_mtu=said.underlay_mtu,
        tunnels=tuple(_tunnels(said.encap_types if said.encap_ip else (), plugged)),
        physical=physical(said, plugged),
        interfaces=tuple(_seen(plugged[name]) for name in sorted(plugged) if _is_tenants(plugged[name])),
        watches=tuple(_watches(plugged)),
        zone=said.zone,
        cut_off=cut_off(replica, said),
    )


def is_hypervisor(root: OpenVSwitch, bridge: BridgeRow | None) -> bool:
    """Whether the host is a hypervisor, whose br-int Tenet maintains.  Otherwise its bridges are only watched.

    It is one with any external_ids:tenet-..., or with a br-int that Tenet has created.
    """
    asked = any(key.startswith(_OURS) for key in root.external_ids)
    return asked or (bridge is not None and MANAGED.items() <= bridge.external_ids.items())


def watched(replica: DatabaseReplica) -> tuple[WatchedBridge, ...]:
    """Bridges of others that have a controller, by datapath id; br-int is among them where it is not Tenet's."""
    root = replica.root
    if root is None:
        return ()
    system_id = settings(root).system_id
    found = {}
    for bridge in sorted(replica.bridges.values(), key=lambda one: one.name):
        dpid = datapath_id(bridge.datapath_id)
        ours = bridge.name == BRIDGE and is_hypervisor(root, bridge)
        if dpid and bridge.controller and is_name(bridge.name) and not ours:
            plugged = sorted(map(_plugged, filter(_is_others, interfaces(replica, bridge))), key=lambda one: one.name)
            found[dpid] = WatchedBridge(id=dpid, system_id=system_id, name=bridge.name, interfaces=tuple(plugged))
    return tuple(found[dpid] for dpid in sorted(found))


def _is_others(interface: InterfaceRow) -> bool:
    return _has_number(interface) and is_name(interface.name)


def _plugged(interface: InterfaceRow) -> Plugged:
    seen = _seen(interface)
    return Plugged(name=seen.name, vif=seen.vif, mac=seen.mac, speed=max(interface.link_speed, 0))


def interfaces(replica: DatabaseReplica, bridge: BridgeRow) -> Iterator[InterfaceRow]:
    """Interfaces of all ports of the bridge, unordered."""
    for port_id in bridge.ports:
        if port := replica.ports.get(port_id):
            for interface_id in port.interfaces:
                if interface := replica.interfaces.get(interface_id):
                    yield interface


def _tunnels(types: tuple[str, ...], plugged: dict[str, InterfaceRow]) -> Iterator[Tunnel]:
    for encapsulation in types:
        interface = plugged.get(tunnel_port(encapsulation))
        if interface and interface.type == encapsulation and _has_number(interface):
            yield Tunnel(type=encapsulation, ofport=interface.ofport)


def _watches(plugged: dict[str, InterfaceRow]) -> Iterator[SeenWatch]:
    """BFD sessions that have been up: before, "down" does not mean that the other end is gone."""
    for _, interface in sorted(plugged.items()):
        far, status = interface.external_ids.get(WATCHES, ""), interface.bfd_status
        up = status.get("forwarding") == "true"
        if is_name(far) and _has_number(interface) and (up or status.get("flap_count", "0") != "0"):
            yield SeenWatch(far, interface.ofport, up)


def _is_tenants(interface: InterfaceRow) -> bool:
    return (
        _has_number(interface)
        and interface.name != BRIDGE
        and interface.name not in TUNNEL_PORTS
        and interface.type != "patch"
        and WATCHES not in interface.external_ids
        and is_name(interface.name)
        and not _is_ended_server(interface)
    )


def _is_ended_server(interface: InterfaceRow) -> bool:
    """Whether it was a metadata server's, which has ended: Open vSwitch keeps the number of a device that is gone."""
    return interface.link_state == "down" and interface.external_ids.get("iface-id", "").strip() == METADATA_VIF


def _has_number(interface: InterfaceRow) -> bool:
    return 0 < interface.ofport < OFPORT_LIMIT


def _seen(interface: InterfaceRow) -> SeenInterface:
    said = interface.external_ids
    mac = said.get("attached-mac", "").strip().lower()
    vif = said.get("iface-id", "").strip()
    return SeenInterface(
        name=interface.name,
        vif=vif if is_name(vif) else interface.name,
        mac=mac if _UNICAST.fullmatch(mac) else "",
        ofport=interface.ofport,
    )
