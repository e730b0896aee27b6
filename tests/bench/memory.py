"""The controller's memory with 10,000 ports in 500 networks, each network on 10 of 100 switches.

The switches are simulated, in one process of their own, over real OpenFlow connections; they and their interfaces are
in the store before the controller starts, as a controller before it would have left them.  Networks, subnets and ports
are made through the API.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from controller.store import open_store
from controller.store.codec import encode
from tests.bench.deployment import Shape, observations, vif
from tests.bench.figure import Figure
from tests.bench.http import Client
from tests.lab import Controller, Lab
from tests.lab.netns import inside
from tests.lab.processes import Process

SHAPE = Shape(switches=100, networks=500, ports=10_000, spread=10)
WANTED = 400.0  # MB
TOGETHER = 500  # ports a request
PATIENCE = 180.0  # seconds
ROOT = Path(__file__).parents[2]


def measure() -> Iterator[Figure]:
    with Lab(0) as lab:
        controller = Controller(lab)
        _observe(controller.directory / "tenet.db")
        controller.start()
        assert controller.process is not None
        pid = controller.process.pid
        bare = _rss(pid)
        _switches(lab, controller)
        client = Client(controller.dial("127.0.0.1", 9696, PATIENCE))
        _settled(client)
        began = time.perf_counter()
        _populate(client)
        flows = _settled(client)
        took = time.perf_counter() - began
        made = _rss(pid)
        controller.kill()
        controller.start()
        pid = controller.process.pid
        _settled(client := Client(controller.dial("127.0.0.1", 9696, PATIENCE)))
        restarted = _rss(pid)
        value = max(made, restarted)
        yield Figure(
            name="memory",
            value=value,
            unit="MB",
            at_least=f"{WANTED:g} MB",
            holds=value <= WANTED,
            details={
                "rss_after_making_mb": made,
                "rss_after_restart_mb": restarted,
                "peak_after_restart_mb": memory_of(pid, "VmHWM"),
                "rss_with_switches_and_interfaces_only_mb": bare,
                "made_and_confirmed_s": took,
                "flows_on_switches": flows,
                "shape": SHAPE._asdict(),
            },
        )


def _observe(path: Path) -> None:
    """Switches and interfaces, as rows in the store."""
    store = open_store(f"sqlite:///{path}")
    rows = list(observations(SHAPE))
    taken = {f"taken/switch/{number + 1}": f"switch/s{number}".encode() for number in range(SHAPE.switches)}
    store.commit({}, {row.key: encode(row) for row in rows} | taken)
    store.close()


def _switches(lab: Lab, controller: Controller) -> None:
    """All the simulated switches."""
    argv = [sys.executable, "-m", "tests.bench.simulated", controller.address, "6653", str(SHAPE.switches)]
    process = Process(inside(lab.namespace, argv), lab.directory / "simulated.log", {"PYTHONPATH": str(ROOT)})
    lab.at_end(process.kill)


def _populate(client: Client) -> None:
    networks: list[str] = []
    for number in range(SHAPE.networks):
        made = client.json("POST", "/v2.0/networks", {"network": {"project_id": f"tenant-{number % 50}"}})
        networks.append(made["network"]["id"])
        subnet = {"network_id": networks[-1], "ip_version": 4, "cidr": "10.0.0.0/24"}
        client.json("POST", "/v2.0/subnets", {"subnet": subnet})
    for start in range(0, SHAPE.ports, TOGETHER):
        ports = [
            {"network_id": networks[number % SHAPE.networks], "binding:profile": {"interface": vif(number)}}
            for number in range(start, start + TOGETHER)
        ]
        client.json("POST", "/v2.0/ports", {"ports": ports})


def _settled(client: Client) -> int:
    """Wait until all switches are there and hold what they should; how many flows that is."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = client.json("GET", "/tenet/v1/switches")["switches"]
        if all(each["connected"] and each["flows_wanted"] == each["flows_installed"] > 0 for each in found):
            return sum(each["flows_wanted"] for each in found)
        time.sleep(0.5)
    raise TimeoutError(json.dumps(found)[:2000])


def _rss(pid: int) -> float:
    return memory_of(pid, "VmRSS")


def memory_of(pid: int, what: str) -> float:
    """MB, as the kernel counts them for a process."""
    found = re.search(rf"{what}:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024
