"""A restart of what controls the switches, while two VMs on two hypervisors ping each other."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import NamedTuple

from tests.bench.figure import Figure
from tests.bench.peers.traffic import Guests
from tests.bench.peers.turns import Both, bounded
from tests.lab import Hypervisor

INTERVAL = 0.01  # seconds between pings
QUIET = 2.0  # seconds of pings before and after
DURATION = re.compile(r"duration=([\d.]+)s")


class Restarted(NamedTuple):
    """`lost`: pings without an answer, `written`: flows that the switches were given anew, of `flows`."""

    lost: int
    written: int
    flows: int
    seconds: float


def measure(both: Both, guests: tuple[Guests, Guests]) -> Iterator[Figure]:
    """Twice each: OVN as it is by default, and as its manual advises for large sites."""
    for name, advised in (("restart", False), ("restart-advised", True)):
        ours, theirs = (_once(each, advised) for each in guests)
        details: dict[str, object] = {
            "is": "kill -9 of the controller, and of ovn-northd and every ovn-controller",
            "ovn_is": "with ovn-ofctrl-wait-before-clear" if advised else "as by default",
            "pings_a_second": 1 / INTERVAL, "tenet": ours._asdict(), "ovn": theirs._asdict(),
        }  # fmt: skip
        for of, unit, values in (
            ("lost", "pings", (ours.lost, theirs.lost)),
            ("messages", "flows written", (ours.written, theirs.written)),
        ):
            yield bounded(both, f"{name}-{of}", unit, values, 0, details)


def _once(guests: Guests, advised: bool) -> Restarted:
    one, _, other = guests.each
    pinging = one.vm.pinging(other.address, INTERVAL)
    time.sleep(QUIET)
    began = time.monotonic()
    guests.system.restart(advised)
    seconds = time.monotonic() - began
    flows = written = 0
    for hypervisor in guests.system.lab:
        ages = _ages(hypervisor)
        flows += len(ages)
        written += sum(age < time.monotonic() - began for age in ages)
    time.sleep(QUIET)
    return Restarted(len(pinging.stop()), written, flows, seconds)


def _ages(hypervisor: Hypervisor) -> list[float]:
    """Seconds since each flow was written, which is since it was last, if it was written again."""
    return [float(age) for age in DURATION.findall(hypervisor.ofctl("dump-flows"))]
