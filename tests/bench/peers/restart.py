"""A restart of what controls the switches, while two VMs on two hypervisors ping each other."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import NamedTuple

from tests.bench.figure import Figure
from tests.bench.peers.traffic import Guests
from tests.bench.peers.turns import Both, Goal, compared
from tests.lab import Hypervisor

TURNS = 2
INTERVAL = 0.01  # seconds between pings
QUIET = 2.0  # seconds of pings before and after
NOTHING = Goal("0", 0.0)
DURATION = re.compile(r"duration=([\d.]+)s")


class Restarted(NamedTuple):
    """`lost`: pings without an answer, `written`: flows that the switches were given anew, of `flows`."""

    lost: int
    written: int
    flows: int
    seconds: float


def measure(both: Both, guests: tuple[Guests, Guests]) -> Iterator[Figure]:
    runs: list[list[Restarted]] = [[], []]
    for _ in range(TURNS):
        for which, each in enumerate(guests):
            runs[which].append(_once(each))
    details: dict[str, object] = {
        "runs": TURNS, "pings_a_second": 1 / INTERVAL,
        "tenet_seconds": [run.seconds for run in runs[0]], "ovn_seconds": [run.seconds for run in runs[1]],
        "tenet_flows": runs[0][0].flows, "ovn_flows": runs[1][0].flows,
    }  # fmt: skip
    for name, field, unit in (("lost", 0, "pings"), ("messages", 1, "flows written")):
        ours, theirs = (float(sum(run[field] for run in of)) for of in runs)
        figure = compared(both, f"restart-{name}", unit, (ours, theirs), NOTHING, details)
        figure.holds = ours == 0
        yield figure


def _once(guests: Guests) -> Restarted:
    one, _, other = guests.each
    pinging = one.vm.pinging(other.address, INTERVAL)
    time.sleep(QUIET)
    began = time.monotonic()
    guests.system.restart()
    seconds = time.monotonic() - began
    ages = [age for hypervisor in guests.system.lab for age in _ages(hypervisor)]
    written = sum(age < time.monotonic() - began for age in ages)
    time.sleep(QUIET)
    return Restarted(len(pinging.stop()), written, len(ages), seconds)


def _ages(hypervisor: Hypervisor) -> list[float]:
    """Seconds since each flow was written, which is since it was last, if it was written again."""
    return [float(age) for age in DURATION.findall(hypervisor.ofctl("dump-flows"))]
