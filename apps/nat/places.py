"""Places of translation: which switch is a router's gateway, and which one translates a floating IP.

A floating IP is translated on the switch where its port is bound, if that has a way of its own into the external
network: a bridge of its physical network.  Else, and in an external network that is tunnelled, at the router's gateway.
"""

from __future__ import annotations

from controller.model.meeting import meets
from controller.model.reader import Reader
from controller.model.rows import FloatingIp, Network, Port, Router, Switch


def gateway_of(router_id: str, see: Reader) -> str:
    """The switch that is a router's gateway now; "" where there is none."""
    return next(iter(see.ranking(router_id)), "")


def place_of(floating: FloatingIp, see: Reader) -> str:
    """The switch that translates an associated floating IP; "" where there is none."""
    port, network = see.get(Port, floating.port_id), see.view(Network, floating.floating_network_id)
    at = None if port is None else see.binding(port)
    switch = None if at is None else see.view(Switch, at.switch_id)
    if network is None:
        return ""
    if switch is not None and meets(switch, network):
        return switch.id
    return gateway_of(floating.router_id, see)


def acting(router_id: str, see: Reader) -> Router | None:
    """A router that is up, and in an order with others."""
    router = see.view(Router, router_id) if router_id else None
    return router if router is not None and router.admin_state_up else None
