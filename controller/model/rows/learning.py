"""Learned addresses."""

from __future__ import annotations

from .base import Row, row


@row("learned", index=("port_id", "network_id"))
class Learned(Row, frozen=True, kw_only=True):
    """A source address seen at a learning port.  It counts only while the port is bound to interface `at`."""

    network_id: str
    mac: str
    port_id: str
    at: str  # row_id of the Interface
    ofport: int

    @property
    def row_id(self) -> str:
        return f"{self.network_id}/{self.mac}"
