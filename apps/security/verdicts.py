"""Counts of what a port's filter let through and dropped, and the dropped packets themselves, for who asks why.

Four flows a port: in each direction, those of its packets that passed, and those that did not, of which a bounded
share goes to the controller; of a port that is logged the first packets of connections, too.  The meter is in the
switch, so a flood costs no more than a trickle.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from controller.flow import Flow, Rates, to_service
from controller.flow.fields import KEYS
from controller.flow.meter import of_service
from controller.model.logged import logs_of
from controller.model.reader import Reader
from controller.model.rows import Port

from ..matches import bits
from ..pipeline import DECIDED_AT, HIGH, INWARD, JUDGED_PORT, LOW, OUTCOME, OUTWARD, PASSED, USUAL, VERDICTS
from .stages import NEW

SERVICE, ACCEPTS = "drops", "accepts"
DIRECTIONS = {OUTWARD: "egress", INWARD: "ingress"}
KEPT = 128  # bytes of a packet that are told


def passed(key: int, direction: int) -> Flow:
    """Counts what passed, in one direction, of a logical port."""
    return Flow(VERDICTS, USUAL, (JUDGED_PORT.match(key), bits((OUTCOME, PASSED), (DECIDED_AT, direction))))


def dropped(key: int, direction: int, rate: int) -> Flow:
    """Counts what did not, and tells of it."""
    told = to_service(SERVICE, of_service(SERVICE, key, rate), KEPT)
    return Flow(VERDICTS, LOW, (JUDGED_PORT.match(key), DECIDED_AT.match(direction)), (told,))


def accepted(key: int, direction: int, rate: int) -> Flow:
    """Counts the first packets of connections that passed, and tells of them, beside `passed`."""
    told = to_service(ACCEPTS, of_service(ACCEPTS, key, rate), KEPT)
    outcome = bits((OUTCOME, PASSED), (DECIDED_AT, direction))
    return Flow(VERDICTS, HIGH, (JUDGED_PORT.match(key), outcome, NEW), (told,))


def port(port: Port, see: Reader, rates: Rates) -> Iterator[Flow]:
    at = see.binding(port)
    if at is None or not port.filtered:
        return
    yield from _counted(at.port_key, rates.drops)
    if logs_of(see, port, "ACCEPT"):
        for direction in DIRECTIONS:
            yield accepted(at.port_key, direction, rates.drops)


@lru_cache(KEYS)
def _counted(key: int, rate: int) -> tuple[Flow, ...]:
    """The flows that each filtered port at this key has, the same on every switch."""
    return tuple(flow for direction in DIRECTIONS for flow in (passed(key, direction), dropped(key, direction, rate)))


ON_SWITCH = {"port": port}
