"""1,000 simulated switches, 100,000 ports in 2,000 networks of 50 ports on 10 switches each, on one member.

The switches run in a process of their own.  They and their interfaces are in the store before the controller starts;
networks, subnets and ports are made through the API in bulk.  Measured: the restart with all of it, memory, one more
port at rest, what audits cost, and how long the hub is held.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any, NamedTuple

from controller.store import open_store
from controller.store.codec import encode
from tests.bench.deployment import Shape, observations, vif
from tests.bench.figure import Figure, percentiles
from tests.bench.http import Client, request
from tests.bench.members import connected
from tests.bench.memory import memory_of
from tests.bench.site import cpu
from tests.store.etcd_process import free_ports

SHAPE = Shape(switches=1_000, networks=2_000, ports=100_000, spread=10)
TOGETHER = 1_000  # ports a request
SINGLES = 200
AT_REST = 65.0  # seconds over which the cost of audits is taken: more than the default interval
PATIENCE = 900.0


class Wanted(NamedTuple):
    start: float = 60.0  # seconds
    reconnect: float = 30.0
    memory: float = 1_500.0  # MB
    p50: float = 10.0  # ms
    p95: float = 25.0
    audits: float = 0.05  # of a core
    held: float = 50.0  # ms


WANTED = Wanted()


class Tenet:
    """`tenet run` on a store in `folder`; started any number of times."""

    def __init__(self, stack: ExitStack, folder: Path, switches: int = SHAPE.switches) -> None:
        self.rest, self.openflow, ovsdb = free_ports(3)
        self.log = folder / "log"
        self._stack = stack
        self._switches = switches
        self._config = folder / "tenet.conf"
        self._config.write_text(
            f"[store]\nurl = sqlite:///{folder}/tenet.db\n[northbound]\nlisten = 127.0.0.1:{self.rest}\n"
            f"[openflow]\nlisten = 127.0.0.1:{self.openflow}\n[ovsdb]\nlisten = 127.0.0.1:{ovsdb}\n"
        )

    def start(self) -> Client:
        command = [sys.executable, "-m", "controller", "run", "--config-file", str(self._config)]
        with self.log.open("ab") as log:
            self.process = Popen(command, stdout=log, stderr=log)
        self._stack.callback(self.process.wait)
        self._stack.callback(self.process.kill)
        self.client = connected(self.rest, PATIENCE)
        return self.client

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def settled(self, client: Client) -> dict[str, Any]:
        """Wait until every switch is connected and holds exactly what it should: sums over the switches."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            seen = metrics(client)
            wanted, installed = seen.get("tenet_flows_wanted", 0.0), seen.get("tenet_flows_installed", 0.0)
            if seen["tenet_switches_connected"] == self._switches and wanted == installed > 0:
                return seen
            time.sleep(0.5)
        raise TimeoutError(f"{json.dumps(seen)[:1000]} {self.log.read_text()[-2000:]}")


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="tenet-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        observe(folder / "tenet.db", SHAPE._replace(ports=SHAPE.ports + SINGLES))
        tenet = Tenet(stack, folder)
        client = tenet.start()
        simulate(stack, tenet.openflow, SHAPE.switches)
        began = time.perf_counter()
        networks = populate(client, SHAPE)
        made = time.perf_counter() - began
        flows = tenet.settled(client)["tenet_flows_wanted"]
        confirmed = time.perf_counter() - began
        yield from latency(client, networks)
        yield from rest(tenet, client)
        tenet.kill()
        yield from restarted(tenet, {"made_s": made, "confirmed_s": confirmed, "flows_on_switches": flows})


def restarted(tenet: Tenet, details: dict[str, object]) -> Iterator[Figure]:
    began = time.perf_counter()
    client = tenet.start()
    ready = time.perf_counter() - began
    seen = tenet.settled(client)
    took = time.perf_counter() - began
    pid = tenet.process.pid
    sent = seen["tenet_flow_messages_total"]
    about = {"flow_messages": sent, "ready_s": ready, "cpu_s": cpu(pid), **details}
    yield figure("scale-100k start", took, "s", WANTED.start, about, took <= WANTED.start and not sent)
    yield figure("scale-100k reconnect", took - ready, "s", WANTED.reconnect, {})
    yield figure(
        "scale-100k memory", memory_of(pid, "VmRSS"), "MB", WANTED.memory, {"peak_mb": memory_of(pid, "VmHWM")}
    )
    for path in ("/v2.0/ports", "/tenet/v1/topology", "/tenet/v1/switches"):
        client.ask(request("GET", path))
    held = longest_hold(client)
    yield figure("scale-100k hub held", 1000 * held, "ms", WANTED.held, {"over": "start, lists, topology, metrics"})


def latency(client: Client, networks: list[str]) -> Iterator[Figure]:
    delays = []
    for number in range(SINGLES):
        body = {"port": port(networks[number % len(networks)], SHAPE.ports + number)}
        began = time.perf_counter()
        answer = client.json("POST", "/v2.0/ports", body, Prefer="wait=30")
        delays.append(1000 * (time.perf_counter() - began))
        if answer["port"]["status"] != "ACTIVE":
            raise RuntimeError(f"a port is {answer['port']['status']}: {answer['port']}")
        time.sleep(0.02)
    p50, p95 = percentiles(delays)
    yield figure("scale-100k port p50", p50, "ms", WANTED.p50, {"p95": p95, "worst": max(delays)})
    yield figure("scale-100k port p95", p95, "ms", WANTED.p95, {})


def rest(tenet: Tenet, client: Client) -> Iterator[Figure]:
    before, began = cpu(tenet.process.pid), time.perf_counter()
    time.sleep(AT_REST)
    share = (cpu(tenet.process.pid) - before) / (time.perf_counter() - began)
    yield figure("scale-100k audits", share, "of a core", WANTED.audits,
                 {"of": "the whole controller at rest, echoes included", "seconds": AT_REST})  # fmt: skip


def figure(
    name: str, value: float, unit: str, most: float, details: dict[str, object], holds: bool | None = None
) -> Figure:
    return Figure(name=name, value=value, unit=unit, at_least=f"{most:g} {unit}",
                  holds=value <= most if holds is None else holds, details=details)  # fmt: skip


def observe(path: Path, shape: Shape) -> None:
    """Switches and interfaces as rows of the store."""
    store = open_store(f"sqlite:///{path}")
    rows = list(observations(shape))
    taken = {f"taken/switch/{number + 1}": f"switch/s{number}".encode() for number in range(shape.switches)}
    store.commit({}, {row.key: encode(row) for row in rows} | taken)
    store.close()


def simulate(stack: ExitStack, openflow: int, switches: int) -> None:
    command = [sys.executable, "-m", "tests.bench.lean_switch", "127.0.0.1", str(openflow), str(switches)]
    process = Popen(command, stdout=DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.kill)


def populate(client: Client, shape: Shape, subnet: str = "10.0.0.0/24") -> list[str]:
    """Networks with a subnet each, then all ports; the networks' ids."""
    networks: list[str] = []
    for start in range(0, shape.networks, TOGETHER):
        some = [
            {"project_id": f"tenant-{number % 50}"} for number in range(start, min(start + TOGETHER, shape.networks))
        ]
        made = client.json("POST", "/v2.0/networks", {"networks": some})["networks"]
        networks += [one["id"] for one in made]
        subnets = [{"network_id": one["id"], "project_id": one["project_id"], "ip_version": 4, "cidr": subnet}
                   for one in made]  # fmt: skip
        client.json("POST", "/v2.0/subnets", {"subnets": subnets})
    for start in range(0, shape.ports, TOGETHER):
        ports = [port(networks[number % shape.networks], number) for number in range(start, start + TOGETHER)]
        client.json("POST", "/v2.0/ports", {"ports": ports})
    return networks


def port(network: str, number: int) -> dict[str, object]:
    return {"network_id": network, "binding:profile": {"interface": vif(number)}}


def metrics(client: Client) -> dict[str, float]:
    """Each metric, summed over its labels."""
    sums: dict[str, float] = {}
    for line in client.ask(request("GET", "/metrics")).body.decode().splitlines():
        if not line.startswith("#"):
            name = line.split("{")[0].split(" ")[0]
            sums[name] = sums.get(name, 0.0) + float(line.rpartition(" ")[2])
    return sums


def longest_hold(client: Client) -> float:
    """Seconds, since the controller was ready."""
    return metrics(client)["tenet_hub_held_longest_seconds"]
