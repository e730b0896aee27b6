"""Meters: which is whose, and what it lets through.  OpenFlow 1.3.5, 5.7 and 7.3.4.4.

1 is that of discovery (topology/lldp_punt.py), those of LEARNING are for frames from unknown addresses
(apps/learn.py); from PORTS on, each logical port has one for what it sends to many.  A flow names its meter by number
only: the rate is the same for every port of a deployment, and no part of any flow.
"""

from __future__ import annotations

from typing import NamedTuple

FLAGS = 0b0110  # OFPMF_PKTPS | OFPMF_BURST
LEARNING = range(2, 10)
PORTS = 0x10000


class Meter(NamedTuple):
    """A meter of one drop band; `rate` and `burst` in packets (a second) when `flags` are FLAGS."""

    number: int
    flags: int
    rate: int
    burst: int


def limit(number: int, rate: int) -> Meter:
    """At most `rate` packets a second, as many at once."""
    return Meter(number, FLAGS, rate, rate)


def of_learning(port_key: int) -> int:
    """The number of the meter that a port's unknown addresses go through; others' go through it, too."""
    return LEARNING[port_key % len(LEARNING)]


def of_port(port_key: int) -> int:
    """The number of a port's meter."""
    return PORTS + port_key


def is_of_port(number: int) -> bool:
    return PORTS <= number < PORTS + 0x10000
