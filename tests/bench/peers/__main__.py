"""All measurements of both systems, printed as a table and kept in tests/bench/results.jsonl."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

from tests.bench.figure import Figure
from tests.bench.peers import bulk, memory, port, restart, traffic
from tests.bench.peers.ovn import ovn, version
from tests.bench.peers.report import table, write_down
from tests.bench.peers.tenet import tenet
from tests.bench.peers.turns import Both


def main() -> int:
    began = time.monotonic()
    figures: list[Figure] = []
    for figure in measure():
        figure.details["cores"] = os.cpu_count()
        figures.append(figure)
        print(f"{time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}: {figure.name}", file=sys.stderr)
    write_down(figures)
    print(table(figures))
    return 0


def measure() -> Iterator[Figure]:
    with ExitStack() as stack:
        both = Both(stack.enter_context(tenet()), stack.enter_context(ovn()), version())
        guests = traffic.Guests(both.tenet), traffic.Guests(both.ovn)
        yield from traffic.measure(both, guests)
        yield from bulk.measure(both)
        yield from port.measure(both)
        yield from memory.measure(both)
        yield from restart.measure(both, guests)


if __name__ == "__main__":
    sys.exit(main())
