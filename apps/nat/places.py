"""Places of translation: which switch is a router's gateway, and which one translates a floating IP.

A floating IP is translated on the switch where its port is bound, if that has a way of its own into the external
network: a bridge of its physical network.  Else, and in an external network that is tunnelled, at the router's gateway.
"""

from __future__ import annotations

from controller.flow import Action, resubmit
from controller.model.meeting import meets
from controller.model.reader import Reader
from controller.model.rows import FloatingIp, Network, Port, Router, Switch

from ..gateways import in_turn
from ..pipeline import REMOTE
from .answers import Turn


def gateway_of(router_id: str, see: Reader) -> str:
    """The switch that a router's packets are sent to; "" where there is none."""
    return next(iter(see.gateways(router_id)), "")


def own_place(floating: FloatingIp, see: Reader) -> str:
    """The switch of its port, where that translates a floating IP; "": the router's gateway does."""
    port, network = see.get(Port, floating.port_id), see.view(Network, floating.floating_network_id)
    at = None if port is None else see.binding(port)
    switch = None if at is None else see.view(Switch, at.switch_id)
    return switch.id if switch is not None and network is not None and meets(switch, network) else ""


def serves(router_id: str, see: Reader) -> bool:
    """Whether this switch is, was a moment ago, or may become the router's gateway."""
    return router_id in see.gateway_of()


def turn_of(router_id: str, see: Reader) -> Turn:
    """What this switch does as the router's gateway alone; while it is not, frames go on to the one that is."""
    others = (resubmit(REMOTE.number),)

    def turn(own: tuple[Action, ...]) -> tuple[Action, ...]:
        return in_turn(router_id, see, own, others) or others

    return turn


def acting(router_id: str, see: Reader) -> Router | None:
    """A router that is up, and in an order with others."""
    router = see.view(Router, router_id) if router_id else None
    return router if router is not None and router.admin_state_up else None
