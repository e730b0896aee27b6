"""Service hosts: the hypervisors whose metadata servers instances are led to."""

from __future__ import annotations

from .base import Reference, Row, row

VIF = "tenet-metadata"  # iface-id of a metadata server's interface; no port of a tenant can have it
SERVICE = "metadata"  # id of the one MetadataService


@row("metadata_host", refers=(Reference("id", "switch"),))
class MetadataHost(Row, frozen=True, kw_only=True):
    """An operator's word that a metadata server on this switch may serve instances.  `id`: of the switch.

    A hypervisor whose interface merely claims the iface-id serves nobody.
    """

    id: str


@row("metadata_service", attributes=("segment", "hosts"))
class MetadataService(Row, frozen=True, kw_only=True):
    """What leads requests to metadata servers; it is there while there is a MetadataHost.

    `segment`: in which they travel between switches.  `hosts`: the switches that serve now, in ascending order
    (controller/services/metadata_hosts.py).
    """

    id: str = SERVICE
    segment: int
    hosts: tuple[str, ...] = ()
