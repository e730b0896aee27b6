"""Frames of discovery that come in by a port that is nobody's go to the controller; a tenant's never do.

They have a meter of their own, so that what tenants make the switch hand over takes nothing away from them.
"""

from __future__ import annotations

from collections.abc import Iterator

from apps.pipeline import CLASSIFY, LEARNED, LOW
from controller.flow import Flow, field, to_controller_by
from controller.model.reader import Reader
from controller.model.rows import Port, Switch
from topology.discovery import ETHERTYPE, GROUP

METER = 1
_LLDP = field("eth_type", ETHERTYPE)


def switch(_: Switch, see: Reader) -> Iterator[Flow]:
    """Below what classifies tenants' frames, so it is never for one of a port that learns."""
    yield Flow(CLASSIFY, LOW, (field("eth_dst", GROUP), _LLDP), (to_controller_by(METER),))


def port(port: Port, see: Reader) -> Iterator[Flow]:
    """A declared port's frames are told by their source address: with another one they would come to the above."""
    at = see.binding(port)
    if at is not None:
        yield Flow(CLASSIFY, LEARNED, (field("in_port", at.ofport), _LLDP))


HERE = {"switch": switch, "port": port}
