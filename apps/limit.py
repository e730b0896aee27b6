"""Storm control: a meter for each logical port, which its broadcast, multicast and unknown unicast must pass.

Known unicast meets no meter.  The flow here is looked up by `resubmit` before the first copy is made: Open vSwitch ends
a frame's whole way, and not just this lookup, where its meter drops it.  Frames from the fabric have no flow here: the
switch that they come from has limited them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from controller.flow import Action, Flow, Rates, resubmit
from controller.flow.fields import KEYS
from controller.flow.meter import of_port
from controller.model.reader import Reader
from controller.model.rows import Port

from .pipeline import IN_KEY, LIMIT, USUAL

LIMITED: Action = resubmit(LIMIT.number)  # before what copies a frame


def port(port: Port, see: Reader, rates: Rates) -> Iterator[Flow]:
    at = see.binding(port)
    if at is not None and rates.broadcast:
        yield _limited(at.port_key, rates.broadcast)


@lru_cache(KEYS)
def _limited(key: int, rate: int) -> Flow:
    """The same on every switch."""
    return Flow(LIMIT, USUAL, (IN_KEY.match(key),), meter=of_port(key, rate))


ON_SWITCH = {"port": port}
