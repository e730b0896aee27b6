"""Neighbours of routers: addresses that no port declares, found by asking."""

from __future__ import annotations

from .base import Row, row


@row("neighbor", index=("network_id", "switch_id"), lookup=("router_id",))
class Neighbor(Row, frozen=True, kw_only=True):
    """MAC of an address in a network that a router is on, as whoever has the address answered.

    `switch_id`: the switch that asked, and asks again.  `router_id`: the router that it asked for, whose share of rows
    this is one of.
    """

    network_id: str
    ip_address: str
    mac: str
    switch_id: str
    router_id: str

    @property
    def row_id(self) -> str:
        return f"{self.network_id}/{self.ip_address}"
