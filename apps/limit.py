"""What a port sends to many is limited in the switch: each port has a meter that such frames pass before any copy.

Frames to groups and to nobody known are for many; known unicast meets no meter.  The flow here is looked up by
`resubmit` before the first copy is made: Open vSwitch ends a frame's whole way, and not just this lookup, where its
meter drops it.  Frames from the fabric have no flow here, for the switch that they come from has limited them.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Action, Flow, field, resubmit
from controller.flow.meter import of_port
from controller.model.reader import Reader
from controller.model.rows import Port

from .pipeline import LIMIT, USUAL

LIMITED: Action = resubmit(LIMIT.number)  # before what copies a frame


def port(port: Port, see: Reader) -> Iterator[Flow]:
    at = see.binding(port)
    if at is not None:
        yield Flow(LIMIT, USUAL, (field("in_port", at.ofport),), meter=of_port(at.ofport))


HERE = {"port": port}
