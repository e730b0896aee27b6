"""One network of many ports on many simulated switches: processor time of the controller for one port more.

10,000 ports on 100 switches, and 2,000 ports on 1,000 switches, made through the API.  Processor time includes that of
the request, of the compiler, and of a bundle on each switch whose flows change.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.bench.deployment import Shape
from tests.bench.figure import Figure, percentiles
from tests.bench.scale_100k import Tenet, metrics, observe, populate, port, simulate
from tests.bench.site import cpu

SHAPES = (Shape(switches=100, networks=1, ports=10_000, spread=100),
          Shape(switches=1_000, networks=1, ports=2_000, spread=1_000))  # fmt: skip
SINGLES = 100
REST = 10.0  # seconds over which the cost of doing nothing is taken
WANTED = 10.0  # ms


def measure() -> Iterator[Figure]:
    for shape in SHAPES:
        with tempfile.TemporaryDirectory(prefix="tenet-bench-") as name, ExitStack() as stack:
            folder = Path(name)
            observe(folder / "tenet.db", shape._replace(ports=shape.ports + SINGLES))
            tenet = Tenet(stack, folder, shape.switches)
            client = tenet.start()
            simulate(stack, tenet.openflow, shape.switches)
            (network,) = populate(client, shape, "10.0.0.0/16")
            tenet.settled(client)
            yield _one_more(tenet, network, shape)


def _one_more(tenet: Tenet, network: str, shape: Shape) -> Figure:
    client, pid = tenet.client, tenet.process.pid
    began, idle = time.perf_counter(), cpu(pid)
    time.sleep(REST)
    at_rest = (cpu(pid) - idle) / (time.perf_counter() - began)
    messages, before, began = _messages(tenet), cpu(pid), time.perf_counter()
    delays = []
    for number in range(shape.ports, shape.ports + SINGLES):
        asked = time.perf_counter()
        made = client.json("POST", "/v2.0/ports", {"port": port(network, number)}, Prefer="wait=30")
        delays.append(1000 * (time.perf_counter() - asked))
        if made["port"]["status"] != "ACTIVE":
            raise RuntimeError(f"a port is {made['port']['status']}: {made['port']}")
    took = cpu(pid) - before - at_rest * (time.perf_counter() - began)
    p50, p95 = percentiles(delays)
    value = 1000 * took / SINGLES
    return Figure(
        name=f"wide network {shape.ports:,} ports on {shape.switches:,} switches",
        value=value,
        unit="ms of CPU a port",
        at_least=f"{WANTED:g} ms",
        holds=value <= WANTED,
        details={"p50_ms": p50, "p95_ms": p95, "flow_messages_a_port": (_messages(tenet) - messages) / SINGLES,
                 "cpu_is": "of the controller, without what it needs at rest", "samples": SINGLES},
    )  # fmt: skip


def _messages(tenet: Tenet) -> float:
    return metrics(tenet.client)["tenet_flow_messages_total"]
