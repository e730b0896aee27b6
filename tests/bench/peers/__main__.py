"""All measurements of both systems, printed as a table and kept in tests/bench/results.jsonl."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

from tests.bench.figure import Figure
from tests.bench.peers import bulk, filtered_traffic, memory, port, restart, routed, rules, traffic
from tests.bench.peers.access_lists import AccessLists
from tests.bench.peers.ground import LEVELS, Ground
from tests.bench.peers.groups import Groups
from tests.bench.peers.ovn import ovn, version
from tests.bench.peers.report import table
from tests.bench.peers.tenet import tenet
from tests.bench.peers.turns import Both
from tests.bench.results import write_down

REST = 3.0  # seconds, for all that new ports set going


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.bench.peers", description=__doc__)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"of {', '.join(STAGES)}; all when none is given")
    stages = parser.parse_args().stages or list(STAGES)
    if unknown := [stage for stage in stages if stage not in STAGES]:
        parser.error(f"no such stage: {', '.join(unknown)}")
    began = time.monotonic()
    figures: list[Figure] = []
    for stage in stages:
        for figure in STAGES[stage]():
            figure.details["cores"] = os.cpu_count()
            figures.append(figure)
            write_down([figure])
            print(f"{time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}: {figure.name}", file=sys.stderr)
    print(table(figures))
    return 0


def unfiltered() -> Iterator[Figure]:
    """Ports that may talk to each other freely."""
    with ExitStack() as stack:
        both = Both(stack.enter_context(tenet()), stack.enter_context(ovn()), version())
        guests = traffic.Guests(both.tenet), traffic.Guests(both.ovn)
        yield from traffic.measure(both, guests)
        yield from bulk.measure(both)
        grounds = Ground(both.tenet), Ground(both.ovn)
        for level in LEVELS:
            for ground in grounds:
                ground.grow(level)
            time.sleep(REST)
            yield from port.measure(both, grounds)
        yield from memory.measure(both)
        yield from restart.measure(both, guests)


def filtered() -> Iterator[Figure]:
    """Ports with stateful filters: apart, for what OVN keeps of them would count as its memory."""
    with ExitStack() as stack:
        ours, theirs = stack.enter_context(tenet()), stack.enter_context(ovn())
        both = Both(ours, theirs, version())
        filters = Groups(ours), AccessLists(theirs)
        guests = traffic.Guests(ours), traffic.Guests(theirs)
        yield from filtered_traffic.tcp(both, filters, guests)
        yield from filtered_traffic.new_connections(both, filters, guests)
        yield rules.flows(both, filters)
        grounds = Ground(ours), Ground(theirs)
        p50s = []
        for level in LEVELS:
            for ground in grounds:
                ground.grow(level)
            time.sleep(REST)
            figure = rules.one_more(both, filters, grounds)
            p50s.append(figure)
            yield figure
        yield rules.growth(both, p50s)


def over_a_router() -> Iterator[Figure]:
    """Ports in networks that a router joins."""
    with ExitStack() as stack:
        ours, theirs = stack.enter_context(tenet()), stack.enter_context(ovn())
        both = Both(ours, theirs, version())
        yield from routed.measure(both, (routed.TenetRouted(ours), routed.OvnRouted(theirs)))


STAGES = {"unfiltered": unfiltered, "filtered": filtered, "routed": over_a_router}


if __name__ == "__main__":
    sys.exit(main())
