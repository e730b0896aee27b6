"""Idle: memory and processor time of the controller with 1,000 simulated switches, and nothing to do.

After a first restart, as after an update, so that nothing of the making is left; then a minute for what comes once.
`IDLE_SECONDS`: how long to look, 600 by default.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.bench.deployment import Shape
from tests.bench.figure import Figure
from tests.bench.memory import memory_of
from tests.bench.scale_100k import Tenet, figure, observe, populate, simulate
from tests.bench.site import cpu

SHAPE = Shape(switches=1_000, networks=200, ports=10_000, spread=10)
WARM = 60.0  # seconds
SECONDS = float(os.environ.get("IDLE_SECONDS", "600"))
LOOKS = 10
GROWTH = 1.0  # MB: what one page of an allocator's arena more or less comes to
AT_REST = 0.05  # of a core


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="tenet-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        observe(folder / "tenet.db", SHAPE)
        tenet = Tenet(stack, folder, SHAPE.switches)
        client = tenet.start()
        simulate(stack, tenet.openflow, SHAPE.switches)
        populate(client, SHAPE)
        tenet.settled(client)
        tenet.kill()
        tenet.settled(tenet.start())
        time.sleep(WARM)
        yield from _idle(tenet.process.pid)


def _idle(pid: int) -> Iterator[Figure]:
    used, began = cpu(pid), time.perf_counter()
    seen = [memory_of(pid, "VmRSS")]
    for _ in range(LOOKS):
        time.sleep(SECONDS / LOOKS)
        seen.append(memory_of(pid, "VmRSS"))
    share = (cpu(pid) - used) / (time.perf_counter() - began)
    yield figure("idle memory growth", seen[-1] - seen[0], "MB", GROWTH, {"seen_mb": seen, "seconds": SECONDS})
    yield figure("idle", share, "of a core", AT_REST, {"of": "the whole controller, echoes included"})
