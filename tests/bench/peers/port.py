"""One port more, from the request until every switch has confirmed it, with many ports present."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.bench.figure import Figure, percentiles
from tests.bench.peers.ground import Ground
from tests.bench.peers.turns import TENTH, Both, compared, took

SAMPLES = 30  # a level
PAUSE = 0.1  # seconds; Open vSwitch goes on for a while after it has confirmed


def measure(both: Both, grounds: tuple[Ground, Ground]) -> Iterator[Figure]:
    samples = [[_once(ground, turn) for ground in grounds] for turn in range(SAMPLES)]
    ours, theirs = (percentiles([each[which] * 1e3 for each in samples]) for which in (0, 1))
    level = len(grounds[0].ports)
    details: dict[str, object] = {"samples": SAMPLES, "ports_present": level, "networks": 1}
    for name, place in (("p50", 0), ("p95", 1)):
        yield compared(both, f"port-{level}-{name}", "ms", (ours[place], theirs[place]), TENTH, details)


def _once(ground: Ground, turn: int) -> float:
    """Seconds that a port takes; it is removed again."""
    made: list[str] = []
    vif = ground.own[turn % len(ground.own)]
    seconds = took(lambda: made.append(ground.system.port(ground.network, vif)))
    time.sleep(PAUSE)
    ground.system.remove(made[0])
    time.sleep(PAUSE)
    return seconds
