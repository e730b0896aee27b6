"""Frames for services of the network, handed over to the controller: by a meter of each logical port.

So each port has its own share, which no other port can use up.  Which service is meant, SERVICE says.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from controller.flow import Flow, Rates, to_service
from controller.flow.fields import KEYS
from controller.flow.meter import limit
from controller.model.reader import Reader
from controller.model.rows import Port

from ..pipeline import IN_KEY, SERVED, USUAL

SERVICE = "services"  # by which they are dispatched (controller/services/dispatch.py)


def port(port: Port, see: Reader, rates: Rates) -> Iterator[Flow]:
    """Ports without an address have nothing to be told: those of v1.1 are among them."""
    at = see.binding(port)
    if at is not None and port.fixed_ips:
        yield _handed_over(at.port_key, rates.services)


@lru_cache(KEYS)
def _handed_over(key: int, rate: int) -> Flow:
    """The same on every switch."""
    meter = limit(f"{SERVICE} {key}", rate)
    return Flow(SERVED, USUAL, (IN_KEY.match(key),), (to_service(SERVICE, meter),))


ON_SWITCH = {"port": port}
