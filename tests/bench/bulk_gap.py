"""The longest time without an answer that a pinging VM sees while 1,000 ports come on its switch."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from statistics import median

from tests.bench import management
from tests.bench.figure import Figure
from tests.bench.http import Client, load, request
from tests.bench.site import PATIENCE, PORTS, plug_bare, port, refused, vif_of
from tests.lab import Controller, Lab, Vm
from tests.lab.cloud import Cloud, settled, until
from tests.lab.netns import inside
from tests.lab.processes import Process

COUNT, TURNS = 1_000, 5
INTERVAL = 5.0  # ms between two pings
CALM = 1.5  # seconds without any change, to compare with
WANTED = 25.0  # ms beyond what it is at rest
_ANSWER = re.compile(r"^\[(\d+\.\d+)\] .*icmp_seq=", re.MULTILINE)


def measure() -> Iterator[Figure]:
    with Lab(1) as lab:
        management.connect(lab)
        controller = Controller(lab, management.OPTIONS)
        controller.start()
        lab.configure(("vxlan",), management.MANAGER)
        made = Cloud(lab, controller)
        made.connected()
        vm = _pair(made)
        plug_bare(lab[0], range(COUNT))
        bulk: list[float] = []
        calm: list[float] = []
        took: list[float] = []
        for turn in range(TURNS):
            calm.append(_longest_gap(vm, f"calm{turn}", lambda: time.sleep(CALM)))
            bulk.append(_longest_gap(vm, f"bulk{turn}", lambda: took.append(_bulk(made))))
            _clear(made)
        value = median(bulk)
        yield Figure(
            name="bulk-gap",
            value=value,
            unit="ms",
            at_least=f"{WANTED:g} ms more than at rest",
            holds=value <= median(calm) + WANTED,
            details={
                "gaps_ms": bulk,
                "gaps_at_rest_ms": calm,
                "at_rest_ms": median(calm),
                "ports": COUNT,
                "flow_messages": controller.metric("tenet_flow_messages_total"),
                "interval_ms": INTERVAL,
                "request_to_confirmed_s": took,
            },
        )


def _pair(made: Cloud) -> Vm:
    """One of two VMs that are there before."""
    red = made.v2("red")
    network = red.network()
    red.subnet(network, "10.0.0.0/24")
    vm = made.start(made[0], red.port(network, "10.0.0.1"))
    made.start(made[0], red.port(network, "10.0.0.2"))
    if not vm.reaches("10.0.0.2"):
        raise RuntimeError("the VMs do not reach each other")
    return vm


def _longest_gap(vm: Vm, name: str, happens: Callable[[], None]) -> float:
    """Milliseconds between two answers, at most, from half a second before it happens to half a second after."""
    output = vm.at.directory / f"gap-{name}.txt"
    ping = Process(inside(vm.namespace, ["ping", "-n", "-D", "-i", f"{INTERVAL / 1000}", "10.0.0.2"]), output)
    time.sleep(0.5)
    happens()
    time.sleep(0.5)
    ping.signal(signal.SIGINT)
    ping.wait()
    return 1e3 * max(later - earlier for earlier, later in pairwise(map(float, _ANSWER.findall(ping.text()))))


def _bulk(made: Cloud) -> float:
    """Seconds from the request for all ports until their flows are confirmed."""
    client = _client(made)
    network = client.json("POST", "/v2.0/networks", {"network": {"project_id": "bench"}})["network"]["id"]
    subnet = {"network_id": network, "ip_version": 4, "cidr": "10.0.0.0/16", "project_id": "bench"}
    client.json("POST", "/v2.0/subnets", {"subnet": subnet})
    began = time.perf_counter()
    ports = [port(network, vif_of(made[0], number)) for number in range(COUNT)]
    client.json("POST", PORTS, {"ports": ports}, Prefer="wait=60")
    return time.perf_counter() - began


def _clear(made: Cloud) -> None:
    client = _client(made)
    for plural in ("ports", "networks"):
        found = client.json("GET", f"/v2.0/{plural}?fields=id&project_id=bench")[plural]
        refused(load([client], [request("DELETE", f"/v2.0/{plural}/{one['id']}") for one in found]), 204)
    if not until(lambda: all(map(settled, made.controller.switches().values()))):
        raise RuntimeError("the switch does not come to hold what it should")


def _client(made: Cloud) -> Client:
    return Client(made.controller.dial("127.0.0.1", 9696, PATIENCE))
