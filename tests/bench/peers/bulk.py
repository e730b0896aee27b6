"""1,000 ports of a new network in one request, interfaces plugged in already, until every switch has confirmed them."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from tests.bench.figure import Figure
from tests.bench.peers.system import System
from tests.bench.peers.turns import QUARTER, Both, compared, took

COUNT, TURNS = 1_000, 3


def measure(both: Both) -> Iterator[Figure]:
    systems = (both.tenet, both.ovn)
    vifs = [system.plug(COUNT) for system in systems]
    runs: list[list[float]] = [[], []]
    for _ in range(TURNS):
        for which, system in enumerate(systems):
            runs[which].append(_once(system, vifs[which]))
    details: dict[str, object] = {"ports": COUNT, "runs": runs[0], "peer_runs": runs[1], "of": "median"}
    yield compared(both, f"bulk-{COUNT}", "s", (median(runs[0]), median(runs[1])), QUARTER, details)


def _once(system: System, vifs: list[str]) -> float:
    network = system.network()
    seconds = took(lambda: system.ports(network, vifs))
    system.clear(network)
    return seconds
