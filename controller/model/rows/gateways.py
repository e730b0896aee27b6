"""Gateways: the switches by which routers reach their external networks."""

from __future__ import annotations

from .base import Node, Reference, Row, row
from .routers import Router


@row("gateway_ranking", lookup=("switches",), attributes=("switches", "leaving", "used", "announced"))
class GatewayRanking(Row, frozen=True, kw_only=True):
    """The switches that may be the gateway of a router, the active one first; the next one takes over from it.

    `id`: of the router.  `leaving`: the former active one, while it still takes what comes back from outside to it; ""
    otherwise.  While there is one: `used`: others send to the active one, which has confirmed its flows, no longer to
    the former; `announced`: they have confirmed that, and the active one tells the outside that the addresses are its.
    Written by `controller/gateways/rankings.py`.
    """

    id: str
    switches: tuple[str, ...]
    leaving: str = ""
    used: bool = True
    announced: bool = True


@row("gateway_host", refers=(Reference("id", "switch"),))
class GatewayHost(Row, frozen=True, kw_only=True):
    """What operators say of a switch as a gateway.

    `id`: of the switch.  `designated`: it may be a gateway, also of networks without a physical network; where some
    that have a physical network are designated, the others that have it are not gateways.  `draining`: it is to be no
    gateway as long as another can be.
    """

    id: str
    designated: bool = False
    draining: bool = False


@row("watch_port", lookup=("switch_id", "far_switch_id"), attributes=("ofport",))
class WatchPort(Row, frozen=True, kw_only=True):
    """A switch's tunnel port with BFD to another switch (RFC 5880), once it has been up.

    `ofport`: its OpenFlow port number.  `up`: the other switch is heard; no flow depends on it.
    """

    switch_id: str
    far_switch_id: str
    ofport: int
    up: bool = True

    @property
    def row_id(self) -> str:
        return f"{self.switch_id}/{self.far_switch_id}"


def anchors(router: Router | None, ranking: GatewayRanking | None) -> set[tuple[str, Node]]:
    """What each switch that may be the router's gateway is to reach: (switch id, router or external network)."""
    if router is None or ranking is None:
        return set()
    nodes: list[Node] = [("router", router.id), *(("network", each) for each in router.external_networks)]
    ranked = (*ranking.switches, ranking.leaving) if ranking.leaving else ranking.switches
    return {(switch_id, node) for switch_id in ranked for node in nodes}
