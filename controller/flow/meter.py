"""Meters are values, as groups are: the number of a meter is a digest of what it limits, and how.

So a flow that names a meter says its rate, too, two flows that limit the same thing share one meter, and a meter never
changes: another rate is another meter.  OpenFlow 1.3.5, 5.7 and 7.3.4.4.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

FLAGS = 0b0110  # OFPMF_PKTPS | OFPMF_BURST
FIRST = 0x10000  # numbers below are others' (and, up to 9, those that earlier versions of Tenet used)
_LAST_FORMER = 9
_MOST = 0x7FFFFFFF
SHARES = 8  # meters by which the ports of a switch share a service's rate


class Meter(NamedTuple):
    """A meter of one drop band; `rate` and `burst` in packets (a second) when `flags` are FLAGS."""

    number: int
    flags: int
    rate: int
    burst: int


class Rates(NamedTuple):
    """What the meters of a deployment let through, in packets a second of one switch; `broadcast`: of one port, 0 for
    no limit; `services`: of one port; `project_services`: of all ports of a project.
    """

    broadcast: int = 0
    packet_in: int = 1000
    discovery: int = 2000
    drops: int = 80
    router: int = 400
    services: int = 50
    project_services: int = 300


@lru_cache(65536)
def limit(limited: str, rate: int, at_once: int = 0) -> Meter:
    """The meter of `limited`, a name within one switch: at most `rate` packets a second, as many at once if nothing
    else is said.
    """
    burst = at_once or rate
    content = f"{limited} {FLAGS} {rate} {burst}".encode()
    number = int.from_bytes(blake2b(content, digest_size=4).digest(), "big") & _MOST
    return Meter(number if number >= FIRST else number + FIRST, FLAGS, rate, burst)


def of_port(port_key: int, rate: int) -> Meter:
    """The meter of what a logical port sends to many."""
    return limit(f"broadcast {port_key}", rate)


def of_service(service: str, port_key: int, rate: int) -> Meter:
    """The meter of the frames that a port hands over to a service: an eighth of the service's rate, which the ports of
    the switch with the same remainder share, so that one that asks without end leaves most others their share.
    """
    return limit(f"{service} {port_key % SHARES}", max(1, rate // SHARES))


def is_ours(number: int) -> bool:
    """Whether a meter is kept as flows want it, and removed where none does."""
    return FIRST <= number <= _MOST + FIRST or 0 < number <= _LAST_FORMER
