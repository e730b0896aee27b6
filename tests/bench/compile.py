"""Flows computed from the model and encoded, on one core, from nothing, in a fresh process."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator

from controller import memory
from controller.compile.compiler import Compiler
from controller.model.model import Applied, Model
from controller.registry import EVERYWHERE, HERE
from tests.bench.deployment import Shape, rows, switch_id
from tests.bench.figure import Figure

SHAPE = Shape(switches=100, networks=500, ports=10_000, spread=10)
WANTED = 100_000  # flows/s


def measure() -> Iterator[Figure]:
    model = Model()
    model.apply([Applied(1, row.key, row) for row in rows(SHAPE)])
    memory.settle()
    compiler = Compiler(model, HERE, EVERYWHERE)
    switches = [switch_id(number) for number in range(SHAPE.switches)]
    wall, cpu = time.perf_counter(), time.process_time()
    for each in switches:
        compiler.include(each)
    compiler.run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    distinct = sum(len(sheet) for sheet in compiler.sheets.values())
    everywhere = sum(compiler.count(each) for each in switches)
    yield Figure(
        name="compile",
        value=distinct / wall,
        unit="flows/s",
        at_least=f"{WANTED:,}",
        holds=distinct / wall >= WANTED,
        details={
            "distinct_flows": distinct,
            "flows_on_switches": everywhere,
            "flows_on_switches_per_s": everywhere / wall,
            "seconds": wall,
            "cpu_seconds": cpu,
            "units": compiler.computed,
            "shape": SHAPE._asdict(),
            "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "counted": "flows that were computed; one that several switches hold counts once",
        },
    )
