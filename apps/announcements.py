"""Announcements of addresses in external networks by the switch that has them now: of gateways and floating IPs.

They tell physical switches where the MAC is, and hosts which MAC has the address.  A packet-out sends them into the
network as any frame of a port there.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import CONTROLLER, Action, resubmit
from controller.model.reader import Reader
from controller.model.rows import FloatingIp, GatewayRanking, Network, Port, WatchPort

from .nat.places import acting, own_place
from .packets.announcement import frame
from .pipeline import ANNOUNCED, ROUTED, SEGMENT

EVERY = 60.0  # seconds between two announcements of an address; the first is at once


def announced(see: Reader) -> Iterator[str]:
    """Ports, without a VIF, whose addresses this switch has towards the outside now.

    Those of floating IPs that are translated here, and gateway ports of the routers that it is the gateway of.
    """
    for floating_id in see.floating_here():
        floating = see.get(FloatingIp, floating_id)
        if floating is not None and acting(floating.router_id, see) is not None:
            yield floating.floating_port_id
    for router_id in see.gateway_of():
        router = acting(router_id, see)
        if router is None or not _acts(router_id, see):
            continue
        for gateway in router.gateways:
            yield gateway.port_id
        for floating in see.find(FloatingIp, "router_id", router_id):
            if not own_place(floating, see):
                yield floating.floating_port_id


def _acts(router_id: str, see: Reader) -> bool:
    """Whether this switch is the router's gateway now: it hears none of those before it in the ranking.

    During a move nobody announces until what others send has come to the next one.  For some seconds after an ARP
    announcement Open vSwitch bridges believe no other frame that says where its MAC is (MAC_GRAT_ARP_LOCK_TIME).
    """
    ranking = see.view(GatewayRanking, router_id)
    if ranking is None or not ranking.announced:
        return False
    for switch_id in ranking.switches:
        if switch_id == see.switch_id:
            return True
        port = see.get(WatchPort, f"{see.switch_id}/{switch_id}")
        if port is None or port.up:
            return False
    return False


def announcements(port_id: str, see: Reader) -> Iterator[tuple[int, tuple[Action, ...], bytes]]:
    """In-port, actions and frame of a packet-out for each address of a port."""
    port = see.get(Port, port_id)
    network = see.view(Network, port.network_id) if port is not None else None
    if port is None or network is None:
        return
    into = (SEGMENT.put(network.segment), ANNOUNCED.put(1), resubmit(ROUTED.number))
    for fixed in port.fixed_ips:
        yield CONTROLLER, into, frame(port.mac_address, fixed.ip_address)
