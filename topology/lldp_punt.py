"""LLDP punt: discovery frames from ports that no tenant has go to the controller; a tenant's LLDP is dropped.

They have a meter of their own, so that packet-ins of tenants take nothing away from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from apps.pipeline import CLASSIFY, LEARNED, LOW
from controller.flow import Flow, Rates, field, to_service
from controller.flow.fields import KEYS
from controller.flow.meter import limit
from controller.model.reader import Reader
from controller.model.rows import Port, Switch
from topology.discovery import ETHERTYPE, GROUP

SERVICE = "discovery"
_LLDP = field("eth_type", ETHERTYPE)


def switch(_: Switch, see: Reader, rates: Rates) -> Iterator[Flow]:
    """Below the flows that classify tenants' frames: a frame of a learning port never gets here."""
    meter = limit(SERVICE, rates.discovery)
    yield Flow(CLASSIFY, LOW, (field("eth_dst", GROUP), _LLDP), (to_service(SERVICE, meter),))


def port(port: Port, see: Reader) -> Iterator[Flow]:
    """A declared port's frames are known by their source MAC: LLDP with another one would match the flow above."""
    at = see.binding(port)
    if at is not None:
        yield _dropped(at.ofport)


@lru_cache(KEYS)
def _dropped(ofport: int) -> Flow:
    """The same on every switch."""
    return Flow(CLASSIFY, LEARNED, (field("in_port", ofport), _LLDP))


ON_SWITCH = {"switch": switch, "port": port}
