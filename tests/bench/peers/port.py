"""One port more, from the request until every switch has confirmed it, with many ports present."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

from tests.bench.figure import Figure, percentiles
from tests.bench.peers.system import System
from tests.bench.peers.turns import TENTH, Both, compared, took

LEVELS = (100, 1_000, 2_000)
SAMPLES, OWN = 40, 20  # measurements a level, and the interfaces that they take turns on
PAUSE = 0.1  # seconds; Open vSwitch goes on for a while after it has confirmed
REST = 3.0  # seconds, for all that new ports set going


class Ground:
    """A system whose one network grows."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.network = system.network()
        self._own = system.plug(OWN)
        self._present = 0

    def grow(self, level: int) -> None:
        self.system.ports(self.network, self.system.plug(level - self._present))
        self._present = level

    def once(self, turn: int) -> float:
        """Seconds that a port takes; it is removed again."""
        made: list[str] = []
        seconds = took(lambda: made.append(self.system.port(self.network, self._own[turn % OWN])))
        time.sleep(PAUSE)
        self.system.remove(made[0])
        time.sleep(PAUSE)
        return seconds


def measure(both: Both) -> Iterator[Figure]:
    grounds = [Ground(both.tenet), Ground(both.ovn)]
    for level in LEVELS:
        for ground in grounds:
            ground.grow(level)
        time.sleep(REST)
        samples = [[ground.once(turn) for ground in grounds] for turn in range(SAMPLES)]
        ours, theirs = (percentiles([each[which] * 1e3 for each in samples]) for which in (0, 1))
        figure = partial(compared, both, unit="ms", goal=TENTH)
        details: dict[str, object] = {"samples": SAMPLES, "ports_present": level, "networks": 1}
        for name, place in (("p50", 0), ("p95", 1)):
            yield figure(f"port-{level}-{name}", values=(ours[place], theirs[place]), details=details)
