"""Memory of all that runs beside Open vSwitch."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.figure import Figure
from tests.bench.peers.system import HYPERVISORS, System, memory
from tests.bench.peers.turns import NOT_MORE, Both, compared


def measure(both: Both) -> Iterator[Figure]:
    ours, theirs = (_each(system) for system in (both.tenet, both.ovn))
    details: dict[str, object] = {
        "is": "of shared pages each its share", "tenet_mb": ours, "ovn_mb": theirs, "hypervisors": HYPERVISORS,
    }  # fmt: skip
    yield compared(both, "memory", "MB", (sum(ours.values()), sum(theirs.values())), NOT_MORE, details)


def _each(system: System) -> dict[str, float]:
    return {name: round(memory(pid), 1) for name, pid in system.processes().items()}
