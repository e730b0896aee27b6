"""Interfaces of metadata servers: which of those that claim to be one count."""

from __future__ import annotations

from .rows import Interface, MetadataHost
from .rows.base import Reads
from .rows.metadata import VIF


def service_port(reads: Reads, switch_id: str) -> Interface | None:
    """The metadata server's interface on a service host; None on other switches, whatever their hypervisors claim."""
    if reads.get(MetadataHost, switch_id) is None:
        return None
    found = [each for each in reads.find(Interface, "vif", VIF) if each.switch_id == switch_id]
    return min(found, key=lambda each: each.name, default=None)
