"""Addresses of gateways and floating IPs in their external network, as routers and other switches reach them."""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Flow, field, in_order, put
from controller.model.reader import Reader
from controller.model.rows import FloatingIp, Network, Port, Router, Switch

from ..arp import REQUEST, reply
from ..l2 import to_switch
from ..matches import ARP, BROADCAST, UNTAGGED, of_network
from ..pipeline import ANSWER, PERMITTED, RESOLVE, ROUTED, USUAL
from ..routing.next_hop import bound_for
from .gateways import live_gateways
from .places import acting, gateway_of, own_place


def floatingip(floating: FloatingIp, see: Reader) -> Iterator[Flow]:
    network, port = see.view(Network, floating.floating_network_id), see.get(Port, floating.floating_port_id)
    if network is not None and port is not None and acting(floating.router_id, see) is not None:
        place = own_place(floating, see) or gateway_of(floating.router_id, see)
        yield from _address(network, floating.floating_ip_address, port.mac_address)
        yield from _over_tunnels(network, floating.floating_ip_address, port.mac_address, place, see)


def leaving(of: tuple[str, str], see: Reader) -> Iterator[Flow]:
    """A router's gateways in one external network."""
    router, network = see.view(Router, of[0]), see.view(Network, of[1])
    if router is None or network is None:
        return
    for gateway in live_gateways(router, see):
        if gateway.network_id == of[1]:
            for address in gateway.addresses:
                yield from _address(network, address, gateway.mac)
                yield from _over_tunnels(network, address, gateway.mac, gateway_of(of[0], see), see)


def _address(network: Network, address: str, mac: str) -> Iterator[Flow]:
    match = (*bound_for(address), of_network(network.segment))
    yield Flow(RESOLVE, USUAL, match, (put("eth_dst", mac),), goto=ROUTED)


def _over_tunnels(network: Network, address: str, mac: str, switch_id: str, see: Reader) -> Iterator[Flow]:
    """On a physical network whoever has the address answers, and switches there learn where that is."""
    switch = see.view(Switch, switch_id)
    if network.physical_network or switch is None:
        return
    yield to_switch(network.segment, mac, switch.number, USUAL)
    if ":" not in address:
        asked = in_order(BROADCAST, ARP, UNTAGGED, REQUEST, field("arp_tpa", address), of_network(network.segment))
        yield Flow(ANSWER, USUAL, asked, reply(mac), goto=PERMITTED)


IN_NETWORK = {"floatingip": floatingip, "leaving": leaving}
