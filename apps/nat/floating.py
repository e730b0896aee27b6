"""Floating IPs: on the switch of their port where that meets the external network, else at the router's gateway."""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Flow, field, in_order
from controller.model.meeting import meets
from controller.model.reader import Reader
from controller.model.rows import FloatingIp, Network, Port, Router, Switch

from ..pipeline import FLOAT, HIGHEST, IN_KEY, IPV4, ROUTER, SNAT, USUAL
from .answers import four, to_mac
from .places import acting, gateway_of, place_of
from .translation import coming, entering_at, leaving, out, owner, user


def port(port: Port, see: Reader) -> Iterator[Flow]:
    """Floating IPs of a port here: what it sends is translated before it leaves the switch."""
    at = see.binding(port)
    if at is None or not see.routed(port.network_id):
        return
    for floating in see.find(FloatingIp, "port_id", port.id):
        router, network = acting(floating.router_id, see), see.view(Network, floating.floating_network_id)
        me = see.view(Switch, see.switch_id)
        if router is None or network is None or me is None or not meets(me, network):
            continue
        match = (IPV4, field("ipv4_src", floating.fixed_ip_address), ROUTER.match(router.number))
        sent = out(router, floating.floating_ip_address, network.segment)
        yield Flow(FLOAT, USUAL, in_order(*match, IN_KEY.match(at.port_key)), sent)
        yield from _translated(floating, router, network, see)


def floatingip(floating: FloatingIp, see: Reader) -> Iterator[Flow]:
    """One that is translated at the gateway, which this switch is."""
    router, network = acting(floating.router_id, see), see.view(Network, floating.floating_network_id)
    if router is None or network is None or not floating.port_id or place_of(floating, see) != see.switch_id:
        return
    if gateway_of(router.id, see) != see.switch_id or _has_port_here(floating, network, see):
        return
    match = in_order(IPV4, field("ipv4_src", floating.fixed_ip_address), ROUTER.match(router.number))
    yield Flow(SNAT, HIGHEST, match, out(router, floating.floating_ip_address, network.segment))
    yield from _translated(floating, router, network, see)


def _has_port_here(floating: FloatingIp, network: Network, see: Reader) -> bool:
    """Whether the flows are those of its port on this switch."""
    port, me = see.get(Port, floating.port_id), see.view(Switch, see.switch_id)
    at = None if port is None else see.binding(port)
    return at is not None and at.switch_id == see.switch_id and me is not None and meets(me, network)


def _translated(floating: FloatingIp, router: Router, network: Network, see: Reader) -> Iterator[Flow]:
    outside = see.get(Port, floating.floating_port_id)
    if outside is None:
        return
    address, mac = floating.floating_ip_address, outside.mac_address
    yield from leaving(router, address, mac)
    yield to_mac(router.number, network.segment, mac)
    yield four(network.segment, mac, address)
    yield coming(router, address)
    yield from entering_at(router, address, floating.fixed_ip_address)
    yield owner(router)
    yield user(router, address, f"{floating.port_id} {floating.fixed_ip_address}")


ON_SWITCH = {"port": port, "floatingip": floatingip}
