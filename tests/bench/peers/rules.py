"""OVN's filters, for Tenet's to be measured beside: one rule more, flows, throughput, new connections.

Figures of OVN alone, until Tenet has security groups.  Groups are removed before anything else is measured.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

from tests.bench.figure import Figure, percentiles
from tests.bench.peers import connections
from tests.bench.peers.access_lists import AccessLists
from tests.bench.peers.ground import Ground
from tests.bench.peers.ovn import Ovn
from tests.bench.peers.traffic import SECONDS, TURNS, Guests
from tests.bench.peers.traffic import throughput as rate
from tests.bench.peers.turns import alone, took

MEMBERS, SAMPLES = 100, 15
PAUSE = 0.05  # seconds
WIDE_MEMBERS, WIDE_HERE, WIDE_RULES = 1_000, 50, 100


def one_more(ovn: Ovn, version: str, ground: Ground) -> Iterator[Figure]:
    """A rule more on a group of 100 ports, with as many ports present as there are."""
    lists = AccessLists(ovn)
    group = lists.group(ground.ports[:MEMBERS])
    seconds = []
    for number in range(SAMPLES):
        seconds.append(took(partial(lists.rule, group, 8_000 + number)))
        time.sleep(PAUSE)
    lists.remove(group)
    p50, p95 = percentiles(seconds)
    level = len(ground.ports)
    details: dict[str, object] = {"p95_ms": p95 * 1e3, "samples": SAMPLES, "members": MEMBERS, "ports_present": level}
    yield alone(version, f"rule-{level}", "ms", p50 * 1e3, details)


def new_connections(ovn: Ovn, version: str, guests: Guests) -> Iterator[Figure]:
    """Between VMs of a group on one switch."""
    lists = AccessLists(ovn)
    group = lists.group([each.port for each in guests.each])
    runs = [connections.once(guests, turn) for turn in range(TURNS)]
    lists.remove(group)
    details: dict[str, object] = {
        "are": "UDP packets, each of another source port", "in_each_run": connections.COUNT, "of": "best", "runs": runs,
    }  # fmt: skip
    yield alone(version, "connections", "/s", max(runs), details)


def flows(ovn: Ovn, version: str) -> Iterator[Figure]:
    """Flows of a switch with 50 ports of a group of 1,000 members, with 100 rules that name the group."""
    lists = AccessLists(ovn)
    network = ovn.network()
    names = [f"wide{number}" for number in range(WIDE_MEMBERS)]
    ovn.lab[0].interfaces({name: name for name in names[:WIDE_HERE]})
    ports = ovn.ports(network, names[:WIDE_HERE]) + ovn.absent(network, names[WIDE_HERE:])
    ovn.northbound.sync()
    without = len(ovn.lab[0].flows())
    group = lists.group(ports)
    lists.rule(group, *range(8_000, 8_000 + WIDE_RULES), remote=True)
    count = len(ovn.lab[0].flows()) - without
    lists.remove(group)
    ovn.clear(network)
    details: dict[str, object] = {
        "are": "more than without the group", "without": without,
        "ports_on_the_switch": WIDE_HERE, "members": WIDE_MEMBERS, "rules": WIDE_RULES,
    }  # fmt: skip
    yield alone(version, "rules-flows", "flows", count, details)


def throughput(ovn: Ovn, version: str, guests: Guests) -> Iterator[Figure]:
    """TCP between VMs of a group, as a share of the same without one, in turns."""
    lists = AccessLists(ovn)
    for place, server in (("one-hypervisor", 1), ("two-hypervisors", 2)):
        filtered, bare = [], []
        for _ in range(TURNS):
            group = lists.group([each.port for each in guests.each])
            filtered.append(rate(guests, server))
            lists.remove(group)
            bare.append(rate(guests, server))
        details: dict[str, object] = {
            "with_mbit_s": filtered, "without_mbit_s": bare, "of": "best", "seconds_each": SECONDS,
        }  # fmt: skip
        yield alone(version, f"tcp-rules-{place}", "of without", max(filtered) / max(bare), details)
