"""Floating IPs: on the switch of their port where that meets the external network, else at the router's gateway."""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Flow, field, in_order
from controller.model.meeting import meets
from controller.model.reader import Reader
from controller.model.rows import FloatingIp, Network, Port, Router, Switch

from ..gateways import takes
from ..matches import IPV4
from ..pipeline import FLOAT, HIGHEST, IN_KEY, ROUTER, SNAT, USUAL
from .answers import Turn, answers, at_once, to_mac
from .helpers import announced
from .places import acting, own_place, serves, turn_of
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
        sent = out(router, floating.floating_ip_address, network.segment, see)
        yield Flow(FLOAT, USUAL, in_order(*match, IN_KEY.match(at.port_key)), sent)
        yield from _translated(floating, router, network, see)


def floatingip(floating: FloatingIp, see: Reader) -> Iterator[Flow]:
    """One that is translated at the gateway, which this switch may be."""
    router, network = acting(floating.router_id, see), see.view(Network, floating.floating_network_id)
    if router is None or network is None or not floating.port_id or own_place(floating, see):
        return
    if not serves(router.id, see):
        return
    match = in_order(IPV4, field("ipv4_src", floating.fixed_ip_address), ROUTER.match(router.number))
    yield Flow(SNAT, HIGHEST, match, out(router, floating.floating_ip_address, network.segment, see))
    yield from _translated(floating, router, network, see, turn_of(router.id, see), moves=takes(router.id, see))


def _translated(
    floating: FloatingIp, router: Router, network: Network, see: Reader, turn: Turn = at_once,
    *, moves: bool = False,
) -> Iterator[Flow]:  # fmt: skip
    outside = see.get(Port, floating.floating_port_id)
    if outside is None:
        return
    address, mac = floating.floating_ip_address, outside.mac_address
    yield from leaving(router, address, mac, see)
    yield from to_mac(router.number, network.segment, mac, turn, takes=moves)
    yield from answers(network.segment, mac, address, turn)
    yield coming(router, address)
    yield from entering_at(router, address, floating.fixed_ip_address, see)
    yield owner(router)
    yield from announced(router, see)
    yield user(router, address, f"{floating.port_id} {floating.fixed_ip_address}")


ON_SWITCH = {"port": port, "floatingip": floatingip}
