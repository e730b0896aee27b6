"""Announcements of addresses in external networks by the switch that has them now: of gateways and floating IPs.

They tell physical switches where the MAC is, and hosts which MAC has the address.  A packet-out sends them into the
network as any frame of a port there.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import CONTROLLER, Action, resubmit
from controller.model.reader import Reader
from controller.model.rows import FloatingIp, Network, Port, Router, Switch, WatchPort

from .packets.announcement import frame
from .pipeline import ROUTED, SEGMENT

EVERY = 60.0  # seconds between two announcements of an address; the first is at once


def announced(see: Reader) -> Iterator[str]:
    """Ports, without a VIF, whose addresses this switch has towards the outside now.

    Gateway ports of the routers that it is the gateway of, and ports of floating IPs that are translated there.
    """
    for router_id in see.gateway_of():
        router = see.view(Router, router_id)
        if router is None or not router.admin_state_up or not _acts(router_id, see):
            continue
        for gateway in router.gateways:
            yield gateway.port_id
        for floating in see.find(FloatingIp, "router_id", router_id):
            if not _distributed(floating, see):
                yield floating.floating_port_id


def _acts(router_id: str, see: Reader) -> bool:
    """Whether this switch is the router's gateway now: it hears none of those before it in the ranking."""
    for switch_id in see.ranking(router_id):
        if switch_id == see.switch_id:
            return True
        port = see.get(WatchPort, f"{see.switch_id}/{switch_id}")
        if port is None or port.up:
            return False
    return False


def _distributed(floating: FloatingIp, see: Reader) -> bool:
    """Whether the switch of the floating IP's port has the external network's physical network."""
    port, network = see.get(Port, floating.port_id), see.view(Network, floating.floating_network_id)
    at = see.binding(port) if port is not None else None
    switch = see.get(Switch, at.switch_id) if at is not None else None
    name = network.physical_network if network is not None else ""
    return bool(name) and switch is not None and any(one.network == name for one in switch.physical)


def announcements(port_id: str, see: Reader) -> Iterator[tuple[int, tuple[Action, ...], bytes]]:
    """In-port, actions and frame of a packet-out for each address of a port."""
    port = see.get(Port, port_id)
    network = see.view(Network, port.network_id) if port is not None else None
    if port is None or network is None:
        return
    into = (SEGMENT.put(network.segment), resubmit(ROUTED.number))
    for fixed in port.fixed_ips:
        yield CONTROLLER, into, frame(port.mac_address, fixed.ip_address)
