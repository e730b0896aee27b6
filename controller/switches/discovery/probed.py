"""Ports to probe for wires: all of a switch that are neither a tenant's nor a tunnel's."""

from __future__ import annotations

from collections.abc import Iterable

from controller.model.model import Model
from controller.model.rows import Interface, Port, Switch
from controller.openflow.session import PortDesc

MOST = 1024  # ports of a switch: a frame a second each, and none is a wire's end on a switch with so many
OWN = "tenet-"  # what Tenet makes itself is named so: tunnels, patches to physical networks
_NO_PORT = 0xFFFFFF00  # OFPP_MAX: above it are the reserved port numbers
_LINK_DOWN = 1  # OFPPS_LINK_DOWN


def probed(model: Model, switch: Switch, ports: Iterable[PortDesc]) -> list[PortDesc]:
    """Those of a switch's ports that discovery goes out of and is listened to at: MOST, ends of wires before others."""
    found = _candidates(model, switch, ports)
    if len(found) > MOST:
        wired = set(model.routes.link_ports(switch.id))
        found = sorted(found, key=lambda port: (port.number not in wired, port.number))[:MOST]
    return found


def _candidates(model: Model, switch: Switch, ports: Iterable[PortDesc]) -> list[PortDesc]:
    tunnels = {tunnel.ofport for tunnel in switch.tunnels}
    interfaces = {one.ofport: one for one in model.find(Interface, "switch_id", switch.id)}
    return [
        port
        for port in ports
        if port.number < _NO_PORT
        and not port.state & _LINK_DOWN
        and port.number not in tunnels
        and not port.name.startswith(OWN)
        and not _is_tenants(model, interfaces.get(port.number))
    ]


def _is_tenants(model: Model, interface: Interface | None) -> bool:
    """Whether a port is bound to it, or will be: only an interface for a VIF has an iface-id that is not its name."""
    if interface is None:
        return False
    if interface.vif != interface.name:
        return True
    ports = model.find(Port, "vif", interface.vif)
    return any(model.placement.bindings.get(port.id) == interface for port in ports)
