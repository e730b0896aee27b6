"""The two systems under measurement, and figures that compare them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NamedTuple

from tests.bench.figure import Figure, against
from tests.bench.peers.system import System


class Both(NamedTuple):
    """Measured in turns, so that what else the machine does falls on both."""

    tenet: System
    ovn: System
    version: str  # of OVN


class Goal(NamedTuple):
    """`ratio`: of Tenet's value to OVN's; `less`: whether less is better."""

    text: str
    ratio: float
    less: bool = True

    def holds(self, ratio: float) -> bool:
        return ratio <= self.ratio if self.less else ratio >= self.ratio


TENTH = Goal("a tenth of OVN's", 0.1)
QUARTER = Goal("a quarter of OVN's", 0.25)
NOT_MORE = Goal("not more than OVN's", 1.0)
AHEAD = Goal("ahead of OVN's", 1.0, less=False)
NOT_BEHIND = Goal("OVN's less 5 %", 0.95, less=False)


def compared(
    both: Both, name: str, unit: str, values: tuple[float, float], goal: Goal, details: dict[str, object]
) -> Figure:
    """`values`: Tenet's and OVN's."""
    ours, theirs = values
    ratio = against(theirs, ours)
    return Figure(
        name=f"peers-{name}",
        value=ours,
        unit=unit,
        peer=theirs,
        ratio=ratio,
        peer_is=f"OVN {both.version}",
        at_least=goal.text,
        holds=ratio is not None and goal.holds(ratio),
        details={**details, "load": os.getloadavg()[0]},
    )


def bounded(
    both: Both, name: str, unit: str, values: tuple[float, float], most: float, details: dict[str, object]
) -> Figure:
    """As `compared`, with a goal for Tenet's value whatever OVN's is."""
    figure = compared(both, name, unit, values, Goal(f"{most:,g} {unit}" if most else "0", 0.0), details)
    figure.holds = figure.value <= most
    return figure


def took(act: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
