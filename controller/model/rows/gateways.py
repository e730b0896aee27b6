"""Gateways: the switches by which routers reach their external networks."""

from __future__ import annotations

from .base import Node, Row, row
from .routers import Router


@row("gateway_ranking", lookup=("switches",), attributes=("switches",))
class GatewayRanking(Row, frozen=True, kw_only=True):
    """The switches that may be the gateway of a router, the active one first; the next one takes over from it.

    `id`: of the router.  Written by the cluster's leader (switches/gateways).
    """

    id: str
    switches: tuple[str, ...]


def anchors(router: Router | None, ranking: GatewayRanking | None) -> set[tuple[str, Node]]:
    """What each switch that may be the router's gateway is to reach: (switch id, router or external network)."""
    if router is None or ranking is None:
        return set()
    nodes: list[Node] = [("router", router.id), *(("network", each) for each in router.external_networks)]
    return {(switch_id, node) for switch_id in ranking.switches for node in nodes}
