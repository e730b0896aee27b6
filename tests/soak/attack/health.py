"""Whether a cluster is well while it is attacked: memory, leases, loops, holds of the hub, ports, read now and then."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from tests.cluster.site import Member, Site

WARM = 0.5  # of the time, in which caches, feeds and logs of recent commits fill up
GROWTH = 0.08  # of the memory, which may be what is alive just then
SLACK = 16.0  # MiB, on top of it
LONG = 0.25  # seconds: [hub] held_warning
MOST_LONG = 0.001  # of the holds: with more processes than cores a hold is also the time in which another runs
LONGEST = 1.0  # seconds: a third of the lease
_HELD = re.compile(r'^tenet_hub_held_seconds_bucket\{le="([^"]+)"\} (\S+)$', re.MULTILINE)


class Sample(NamedTuple):
    """Of one member.  `memory`: resident, in MiB; `held`: holds of the hub up to so many seconds."""

    at: float
    memory: float
    held: dict[float, float]
    counts: dict[str, float]


# Metrics that are to stay at 0, and what it means when they do not.
NEVER = {
    "tenet_cluster_lapses_total": "leases lapsed",
    "tenet_loop_restarts_total": "background loops raised",
    "tenet_units_failed": "units could not be computed",
    "tenet_cluster_frozen": "it writes to no switch",
}


class Health:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._began = time.monotonic()
        self.samples: dict[str, list[Sample]] = defaultdict(list)
        self.faults: set[str] = set()

    def look(self) -> None:
        for member in self._site.members:
            self.samples[member.name].append(self._sample(member))
        ports = (
            self._site.members[0]
            .api("GET", "/v2.0/ports?fields=id&fields=status&fields=tenet:status_reason")
            .json["ports"]
        )
        self.faults |= {
            f"port {port['id']}: {port['tenet:status_reason']}" for port in ports if port["status"] == "ERROR"
        }

    def wrong(self) -> Iterator[str]:
        """What was not as it should be, once all is over."""
        yield from sorted(self.faults)
        for name, found in self.samples.items():
            first, last = found[0], found[-1]
            for metric, what in NEVER.items():
                if grown := last.counts[metric] - first.counts[metric]:
                    yield f"{name}: {what}: {grown:g}"
            yield from (f"{name}: {each}" for each in grown_too_much(memory(found)))
            yield from (f"{name}: {each}" for each in held_too_long(holds(first, last)))

    def told(self) -> dict[str, Any]:
        return {
            name: {
                "memory_mib": [round(each) for each in memory(found)],
                "held_over": {end: count for end, count in over(holds(found[0], found[-1])).items() if end >= 0.1},
            }
            for name, found in self.samples.items()
        }

    def _sample(self, member: Member) -> Sample:
        text = member.api("GET", "/metrics").body.decode()
        counts = {name: total(text, name) for name in NEVER}
        held = {float(end): float(count) for end, count in _HELD.findall(text)}
        return Sample(time.monotonic() - self._began, resident(member), held, counts)


def total(text: str, metric: str) -> float:
    lines = (line for line in text.splitlines() if line.startswith((metric + " ", metric + "{")))
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def resident(member: Member) -> float:
    """MiB of a member's memory (VmRSS of proc(5))."""
    assert member.process is not None
    text = Path(f"/proc/{member.process.pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB$", text, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


def memory(found: list[Sample]) -> list[float]:
    """Medians of a member's memory in the sixths of the time."""
    size = max(1, len(found) // 6)
    return [
        median(each.memory for each in found[start : start + size])
        for start in range(0, size * 6, size)
        if found[start:]
    ]


def grown_too_much(sixths: list[float]) -> Iterator[str]:
    """After the time to warm up the least is compared with the last."""
    warm = sixths[int(len(sixths) * WARM) :]
    if warm[-1] > min(warm) * (1 + GROWTH) + SLACK:
        yield f"its memory grows: {[round(each) for each in sixths]} MiB"


def holds(first: Sample, last: Sample) -> dict[float, float]:
    """Holds of the hub between two samples, up to so many seconds."""
    return {end: last.held[end] - first.held[end] for end in last.held}


def over(held: dict[float, float]) -> dict[float, float]:
    """Holds that took longer than that."""
    return {end: max(held.values()) - count for end, count in held.items()}


def held_too_long(held: dict[float, float]) -> Iterator[str]:
    longer, count = over(held), max(held.values())
    if longer[LONGEST]:
        yield f"the hub was held for over {LONGEST:g} s: {longer[LONGEST]:g} times"
    if longer[LONG] > count * MOST_LONG + 1:
        yield f"the hub was held for over {LONG:g} s: {longer[LONG]:g} times of {count:g}"
