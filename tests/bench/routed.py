"""Routers on 4 real switches: a port more in one of 10 networks of a router, 50 networks attached, TCP over it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from tests.bench.figure import Figure, against, percentiles
from tests.bench.floor import PAUSE, Bare, alone
from tests.bench.http import request
from tests.bench.site import CLIENTS_RUN, HYPERVISORS, PORTS, Site, port, site
from tests.lab import Vm
from tests.lab.netns import CommandFailed, inside
from tests.lab.processes import Process

LEVELS, REAL = (100, 1_000, 2_000, 10_000), 2_000  # ports present, of which on real interfaces
NETWORKS, SAMPLES, OWN = 10, 60, 40
PORT, GROWTH, FLOWS = 10.0, 1.3, 4.0  # ms, times, flows a hypervisor a port
ATTACHED, ATTACHED_SECONDS = 50, 2.0
TURNS, SECONDS, RATIO = 6, 1, 0.95
REST = 3.0  # seconds
FLOWS_THERE, FLOWS_ELSEWHERE = 15, 3  # flows that one port comes to
ROUTERS = "/v2.0/routers"
OPEN: dict[str, object] = {"device_owner": "network:bench"}  # addresses are checked, and nothing is filtered
OWNER = {"project_id": "bench"}
OVN_FLOWS = 20.0


class Joined:
    """Networks on one router, each with a subnet of 65,000 addresses; its id is `router`."""

    def __init__(self, at: Site, count: int, first: int) -> None:
        self.at = at
        self.router = str(at.client.json("POST", ROUTERS, {"router": OWNER})["router"]["id"])
        self.networks: list[str] = []
        self.subnets: list[str] = []
        for number in range(first, first + count):
            network = at.client.json("POST", "/v2.0/networks", {"network": OWNER})["network"]["id"]
            subnet = {"network_id": network, "ip_version": 4, "cidr": f"10.{number}.0.0/16", **OWNER}
            self.subnets.append(str(at.client.json("POST", "/v2.0/subnets", {"subnet": subnet})["subnet"]["id"]))
            self.networks.append(str(network))

    def attach(self, subnet: str) -> None:
        self.at.client.json("PUT", f"{ROUTERS}/{self.router}/add_router_interface", {"subnet_id": subnet})

    def attach_all(self) -> None:
        for subnet in self.subnets:
            self.attach(subnet)
        self.at.settled()


def measure() -> Iterator[Figure]:
    with site() as made:
        quota = {"port": -1, "network": -1, "subnet": -1, "router": -1}
        made.client.json("PUT", "/v2.0/quotas/bench", {"quota": quota})
        own = made.plug(OWN)
        yield from _traffic(made)
        yield from _ports(made, own)
        yield _attachments(made)


def _ports(made: Site, own: list[str]) -> Iterator[Figure]:
    joined = Joined(made, NETWORKS, 100)
    joined.attach_all()
    present, p50s, ours, held = 0, {}, {}, {}
    bare = [Bare(hypervisor) for hypervisor in made.lab]
    for level in LEVELS:
        vifs = made.plug(level - present, real=level <= REAL)
        for start in range(0, len(vifs), 1_000):
            wanted = [{**port(joined.networks[(present + start + n) % NETWORKS], vif), **OPEN}
                      for n, vif in enumerate(vifs[start : start + 1_000])]  # fmt: skip
            made.client.json("POST", PORTS, {"ports": wanted}, Prefer="wait=60")
        present = level
        made.settled()
        time.sleep(REST)
        held[level] = sum(len(hypervisor.flows()) for hypervisor in made.lab) / HYPERVISORS
        delays = [_one(made, joined.networks[turn % NETWORKS], own[turn % OWN]) for turn in range(SAMPLES)]
        p50, p95 = (each * 1e3 for each in percentiles(delays))
        floor, _ = alone(bare, FLOWS_THERE, FLOWS_ELSEWHERE)
        p50s[level], ours[level] = p50, p50 - floor
        yield Figure(
            name=f"routed-port-{level}", value=p50, unit="ms", at_least=f"p50 {PORT:g} ms", holds=p50 <= PORT,
            details={"p95_ms": p95, "samples": SAMPLES, "networks_on_the_router": NETWORKS, "clients_run": CLIENTS_RUN,
                     "controllers_part_p50_ms": p50 - floor, "switches_alone_p50_ms": floor},
        )  # fmt: skip
    least, most = LEVELS[0], LEVELS[-1]
    growth = p50s[most] / p50s[least]
    yield Figure(
        name="routed-port-growth", value=growth, unit="times", at_least=f"{GROWTH:g}", holds=growth <= GROWTH,
        details={"from_ports": least, "to_ports": most, "of_controllers_part": ours[most] / ours[least]},
    )  # fmt: skip
    each = (held[most] - held[least]) / (most - least)
    yield Figure(
        name="routed-port-flows", value=each, unit="flows", peer=OVN_FLOWS, ratio=against(OVN_FLOWS, each),
        peer_is="OVN 26.03, as the issue has it", at_least=f"{FLOWS:g} a hypervisor a port", holds=each <= FLOWS,
        details={"of": "ports of 10 networks on one router, a quarter of them here, unfiltered, IPv4 only"},
    )  # fmt: skip


def _one(made: Site, network: str, vif: str) -> float:
    """Make a port and remove it again; seconds that the making took, until the reply said ACTIVE."""
    data = request("POST", PORTS, {"port": {**port(network, vif), **OPEN}}, {"Prefer": "wait=30"})
    began = time.perf_counter()
    reply = made.client.ask(data)
    took = time.perf_counter() - began
    said: Any = json.loads(reply.body)
    if reply.status != 201 or said["port"]["status"] != "ACTIVE":
        raise RuntimeError(f"{reply.status} {reply.body[:500]!r}")
    made.client.ask(request("DELETE", f"{PORTS}/{said['port']['id']}"))
    time.sleep(PAUSE)
    return took


def _attachments(made: Site) -> Figure:
    """50 networks, each with a port on every hypervisor, attached one call after the other."""
    joined = Joined(made, ATTACHED, 150)
    vifs = made.plug(ATTACHED * HYPERVISORS)
    wanted = [{**port(joined.networks[n % ATTACHED], vif), **OPEN} for n, vif in enumerate(vifs)]
    made.client.json("POST", PORTS, {"ports": wanted}, Prefer="wait=60")
    made.settled()
    time.sleep(REST)
    began = time.perf_counter()
    for subnet in joined.subnets:
        joined.attach(subnet)
    calls = time.perf_counter() - began
    made.settled()
    took = time.perf_counter() - began
    return Figure(
        name="router-attachments", value=took, unit="s", at_least=f"{ATTACHED_SECONDS:g} s",
        holds=took <= ATTACHED_SECONDS, details={"networks": ATTACHED, "calls_s": calls, "ports_in_them": len(vifs)},
    )  # fmt: skip


def _traffic(made: Site) -> Iterator[Figure]:
    """TCP between two networks of a router, beside TCP within one of them; best of several, in turns."""
    joined = Joined(made, 2, 90)
    joined.attach_all()
    one, other = joined.networks
    client, _ = _vm(made, one, 0, "client")
    for hypervisors, at in (("one", 0), ("two", 1)):
        servers = [_vm(made, network, at, f"{name}{at}") for network, name in ((other, "routed"), (one, "near"))]
        for vm, address in servers:
            if not client.reaches(address):
                raise RuntimeError(f"{address} is not reached")
            log = made.lab.directory / f"iperf3-{vm.name}.log"
            made.lab.at_end(Process(inside(vm.namespace, ["iperf3", "-s"]), log).kill)
        rates: list[list[float]] = [[], []]
        for turn in range(TURNS):
            for which in (0, 1) if turn % 2 else (1, 0):
                rates[which].append(throughput(client, servers[which][1]))
        routed, switched = max(rates[0]), max(rates[1])
        yield Figure(
            name=f"routed-tcp-{hypervisors}", value=routed, unit="Mbit/s", peer=switched, ratio=routed / switched,
            peer_is="TCP within one network, between the same hypervisors", at_least=f"{RATIO:g} of it",
            holds=routed >= RATIO * switched, details={"runs": rates[0], "peer_runs": rates[1], "of": "best"},
        )  # fmt: skip


def _vm(made: Site, network: str, at: int, name: str) -> tuple[Vm, str]:
    there = made.client.json("POST", PORTS, {"port": {**port(network, name), **OPEN}})["port"]
    address = str(there["fixed_ips"][0]["ip_address"])
    vm = made.lab.vm(made.lab[at], name, f"{address}/16", mac=there["mac_address"], iface_id=name)
    made.active(there["id"])
    vm.exec("ip", "route", "add", "default", "via", f"{address.rsplit('.', 2)[0]}.0.1")
    return vm, address


def throughput(client: Vm, to: str) -> float:
    """Mbit/s of one TCP connection."""
    for _ in range(20):
        with suppress(CommandFailed):
            if received := json.loads(client.exec("iperf3", "-J", "-t", str(SECONDS), "-c", to))["end"]:
                return float(received["sum_received"]["bits_per_second"]) / 1e6
        time.sleep(0.1)  # the server does not listen yet
    raise RuntimeError(f"iperf3 to {to} does not get through")
