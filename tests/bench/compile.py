"""Flows computed from the model and encoded, on one core, from nothing, each time in a fresh process."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

from controller.compile.catalogue import apps
from controller.compile.compiler import Compiler
from controller.flow import Rates
from controller.model.model import Applied, Model
from controller.runtime import garbage
from tests.bench.deployment import Shape, rows, switch_id
from tests.bench.figure import Figure

SHAPE = Shape(switches=100, networks=500, ports=10_000, spread=10)
TURNS = 5
WANTED = 100_000  # flows/s


class Run(NamedTuple):
    """Seconds on the clock and of processor time, and what was made in them."""

    wall: float
    cpu: float
    distinct: int
    on_switches: int
    units: int
    peak_rss_mb: float


def measure() -> Iterator[Figure]:
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as processes:
        runs = [processes.apply(compile_all) for _ in range(TURNS)]
    one = runs[0]
    cpu, wall = median(run.cpu for run in runs), median(run.wall for run in runs)
    yield Figure(
        name="compile",
        value=one.distinct / cpu,
        unit="flows/s",
        at_least=f"{WANTED:,}",
        holds=one.distinct / cpu >= WANTED,
        details={
            "is": "distinct flows a second of processor time; one that several switches hold counts once",
            "flows_per_s_on_the_clock": one.distinct / wall,
            "flows_on_switches_per_s": one.on_switches / cpu,
            "distinct_flows": one.distinct,
            "flows_on_switches": one.on_switches,
            "cpu_runs_s": [run.cpu for run in runs],
            "clock_runs_s": [run.wall for run in runs],
            "units": one.units,
            "shape": SHAPE._asdict(),
            "peak_rss_mb": one.peak_rss_mb,
        },
    )


def compile_all() -> Run:
    """Compile every switch of the deployment from nothing."""
    model = Model()
    model.apply([Applied(1, row.key, row) for row in rows(SHAPE)])
    garbage.settle()
    compiler = Compiler(model, apps(Rates(1000)))
    switches = [switch_id(number) for number in range(SHAPE.switches)]
    wall, cpu = time.perf_counter(), time.process_time()
    for each in switches:
        compiler.include(each)
    compiler.run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Run(
        wall=wall,
        cpu=cpu,
        distinct=sum(len(flow_set) for flow_set in compiler.flow_sets.values()),
        on_switches=sum(compiler.count(each) for each in switches),
        units=compiler.computed,
        peak_rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )
