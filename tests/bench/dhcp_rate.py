"""DHCP transactions a second on one member, and what they cost changes of ports meanwhile.

20 simulated switches with 50 ports each, in a process of their own; a transaction is a DISCOVER with its OFFER and a
REQUEST with its ACK.  Meters are the switches' and simulated ones have none, so nothing but the controller is a bound.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE, Popen
from threading import Thread
from typing import Any

from tests.bench.figure import Figure, percentiles
from tests.bench.http import Client, request
from tests.bench.scale_100k import Tenet
from tests.bench.site import cpu

SWITCHES, PORTS, NETWORKS = 20, 50, 10
SPARE = 20  # ports of the switches that nobody has, for the changes
SECONDS, CHANGES, PAUSE = 10.0, 150, 0.02
RATE, TIMES = 5_000.0, 2.0  # transactions a second; p95 of a change over that at rest
RUN = {"switches_run": "simulated, in a process of their own on this machine", "ports": SWITCHES * PORTS - SPARE}


class Storm:
    """The process of simulated switches, and orders to it."""

    def __init__(self, stack: ExitStack, openflow: int, module: str = "tests.bench.asking_switches") -> None:
        command = [sys.executable, "-m", module, "127.0.0.1", openflow, SWITCHES, PORTS]
        self._process = Popen(list(map(str, command)), stdin=PIPE, stdout=PIPE, text=True)
        stack.callback(self._process.wait)
        stack.callback(self._process.kill)

    def order(self, **said: object) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(said) + "\n")
        self._process.stdin.flush()
        return dict(json.loads(self._process.stdout.readline()))


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="tenet-bench-") as name, ExitStack() as stack:
        tenet = Tenet(stack, Path(name), SWITCHES)
        client = tenet.start()
        storm = Storm(stack, tenet.openflow)
        network, leases = populate(client)
        tenet.settled(client)
        asking = storm.order(leases=leases)["ports"]
        if asking != len(leases):
            raise RuntimeError(f"{asking} of {len(leases)} ports can ask: {tenet.log.read_text()[-2000:]}")
        yield capacity(tenet, storm)
        yield changed(client, storm, network)


def capacity(tenet: Tenet, storm: Storm) -> Figure:
    storm.order(seconds=2.0)  # whatever is built once
    used = cpu(tenet.process.pid)
    found = storm.order(seconds=SECONDS)
    used = cpu(tenet.process.pid) - used
    rate = found["leases"] / found["seconds"]
    return Figure(
        name="dhcp-rate", value=rate, unit="1/s", at_least=f"{RATE:,.0f} transactions/s", holds=rate >= RATE,
        details={"cpu_us": used / max(1, found["leases"]) * 1e6, "cpu_is": "for a transaction", "asked_at_once": 16,
                 "offers": found["offers"], "leases": found["leases"], "waited_p50_p95_ms": found["waited"], **RUN},
    )  # fmt: skip


def changed(client: Client, storm: Storm, network: str) -> Figure:
    """A port made, until its switch has confirmed it, at rest and while 5,000 transactions a second go on."""
    rest = percentiles(list(changes(client, network)))
    found: list[dict[str, Any]] = []
    length = CHANGES * (rest[0] + PAUSE) * 1.5
    asking = Thread(target=lambda: found.append(storm.order(seconds=length, rate=2 * RATE)))
    asking.start()
    time.sleep(0.5)
    busy = percentiles(list(changes(client, network, while_=asking)))
    asking.join()
    (stormed,) = found
    return Figure(
        name="dhcp-rate port-change", value=busy[1] / rest[1], unit="times",
        at_least=f"{TIMES:g} times p95 at rest, at {RATE:,.0f} transactions/s", holds=busy[1] <= TIMES * rest[1],
        details={
            "p95_ms": busy[1] * 1e3, "p95_at_rest_ms": rest[1] * 1e3, "p50_ms": busy[0] * 1e3,
            "p50_at_rest_ms": rest[0] * 1e3, "transactions_a_second": stormed["leases"] / stormed["seconds"],
            "waited_p50_p95_ms": stormed["waited"], "left_unanswered": stormed["unanswered"], **RUN,
        },
    )  # fmt: skip


def changes(client: Client, network: str, while_: Thread | None = None) -> Iterator[float]:
    """Seconds that each of many changes took, as long as `while_` runs."""
    for turn in range(CHANGES):
        if while_ is not None and not while_.is_alive() and turn > 1:
            break
        vif = f"v{SWITCHES * PORTS - 1 - turn % SPARE}"
        began = time.perf_counter()
        made = client.json("POST", "/v2.0/ports", {"port": port(network, vif)}, Prefer="wait=30")["port"]
        yield time.perf_counter() - began
        if made["status"] != "ACTIVE":
            raise RuntimeError(f"a port is {made['status']}: {made}")
        client.ask(request("DELETE", f"/v2.0/ports/{made['id']}", headers={"Prefer": "wait=30"}))
        time.sleep(PAUSE)


def populate(client: Client) -> tuple[str, dict[str, tuple[str, str]]]:
    """Networks and ports; the last network, and of each interface with a port its MAC and address."""
    leases: dict[str, tuple[str, str]] = {}
    names = [f"v{number}" for number in range(SWITCHES * PORTS - SPARE)]
    for turn in range(NETWORKS):
        body = {"network": {"project_id": "bench"}}
        network = client.json("POST", "/v2.0/networks", body)["network"]["id"]
        subnet = {"network_id": network, "project_id": "bench", "ip_version": 4, "cidr": "10.0.0.0/22"}
        client.json("POST", "/v2.0/subnets", {"subnet": subnet})
        wanted = [port(network, name) for name in names[turn::NETWORKS]]
        for each in client.json("POST", "/v2.0/ports", {"ports": wanted})["ports"]:
            interface = each["binding:profile"]["interface"]
            leases[interface] = each["mac_address"], each["fixed_ips"][0]["ip_address"]
    return network, leases


def port(network: str, vif: str) -> dict[str, object]:
    return {"network_id": network, "project_id": "bench", "binding:profile": {"interface": vif}}
