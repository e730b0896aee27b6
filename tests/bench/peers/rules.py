"""Rules of filters: how soon one more is in force on every switch, and the flows that many of a wide group are."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from tests.bench.figure import Figure, percentiles
from tests.bench.peers.filters import Filters
from tests.bench.peers.ground import Ground
from tests.bench.peers.system import HYPERVISORS, System
from tests.bench.peers.turns import Both, bounded, took

MEMBERS, SAMPLES = 100, 30
PAUSE = 0.1  # seconds; Open vSwitch goes on for a while after it has confirmed
RULE, GROWTH = 10.0, 1.3  # ms, times
WIDE_MEMBERS, WIDE_HERE, WIDE_RULES, WIDE_FLOWS = 1_000, 50, 100, 1_500


def one_more(both: Both, filters: Sequence[Filters], grounds: Sequence[Ground]) -> Figure:
    """A rule more on a group of 100 ports, with as many ports present as there are: p50."""
    groups = [each.group(ground.ports[:MEMBERS]) for each, ground in zip(filters, grounds, strict=True)]
    seconds: list[list[float]] = [[], []]
    for number in range(SAMPLES):
        for which, each in enumerate(filters):
            time.sleep(PAUSE)
            seconds[which].append(took(partial(each.rule, groups[which], 8_000 + number)))
    for each, group in zip(filters, groups, strict=True):
        each.remove(group)
    (ours, ours95), (theirs, theirs95) = (percentiles([each * 1e3 for each in ones]) for ones in seconds)
    level = len(grounds[0].ports)
    details: dict[str, object] = {
        "p95_ms": ours95, "peer_p95_ms": theirs95, "samples": SAMPLES, "members": MEMBERS, "ports_present": level,
    }  # fmt: skip
    return bounded(both, f"rule-{level}", "ms", (ours, theirs), RULE, details)


def growth(both: Both, levels: Sequence[Figure]) -> Figure:
    """Of `one_more`, from the fewest ports to the most."""
    least, most = levels[0], levels[-1]
    assert least.peer and most.peer
    details: dict[str, object] = {"from": least.name, "to": most.name}
    return bounded(both, "rule-growth", "times", (most.value / least.value, most.peer / least.peer), GROWTH, details)


def flows(both: Both, filters: Sequence[Filters]) -> Figure:
    """Flows of a switch with 50 ports of a group of 1,000 members, with 100 rules that name the group."""
    added, before = zip(*map(_added, (both.tenet, both.ovn), filters), strict=True)
    details: dict[str, object] = {
        "are": "more than without the group", "without": before[0], "peer_without": before[1],
        "ports_on_the_switch": WIDE_HERE, "members": WIDE_MEMBERS, "rules": WIDE_RULES,
    }  # fmt: skip
    return bounded(both, "rules-flows", "flows", added, WIDE_FLOWS, details)


def _added(system: System, filters: Filters) -> tuple[int, int]:
    """Flows that the group adds to the first switch, and those that were there without it."""
    network = system.network()
    here = system.plug(WIDE_HERE * HYPERVISORS)[::HYPERVISORS]
    elsewhere = [f"elsewhere-{number}" for number in range(WIDE_MEMBERS - WIDE_HERE)]
    ports = system.ports(network, here) + system.absent(network, elsewhere)
    without = len(system.lab[0].flows())
    group = filters.group(ports)
    filters.rule(group, *range(8_000, 8_000 + WIDE_RULES), remote=True)
    added = len(system.lab[0].flows()) - without
    system.clear(network)
    filters.remove(group)
    return added, without
