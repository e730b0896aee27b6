"""One port, from its POST until 4 real switches have confirmed all flows that follow, with many ports present."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from tests.bench.figure import Figure, against, percentiles
from tests.bench.floor import PAUSE, Bare, alone
from tests.bench.http import Client, request
from tests.bench.site import CLIENTS_RUN, PORTS, Site, creation, site

LEVELS = (100, 1_000, 2_000, 10_000)
REAL = 2_000  # ports on real interfaces; those beyond are on bare ones
SAMPLES, OWN = 150, 40  # measurements a level, and the real interfaces that they take turns on
P50, P95, GROWTH = 10.0, 25.0, 1.3  # ms, ms, times
REST = 3.0  # seconds, for all that the new ports set going
FLOWS_THERE, FLOWS_ELSEWHERE = 13, 2  # flows that one port comes to
OVN = {100: 61.0, 1_000: 101.0, 2_000: 202.0}  # ms


def measure() -> Iterator[Figure]:
    with site() as made:
        own = made.plug(OWN)
        network = made.network()
        present = 0
        whole: dict[int, float] = {}  # p50 of each level, ms
        ours: dict[int, float] = {}  # without what the switches need for the same bundles
        bare = [Bare(hypervisor) for hypervisor in made.lab]
        for level in LEVELS:
            vifs = made.plug(level - present, real=level <= REAL)
            made.ports(network, vifs)
            present = level
            made.settled()
            time.sleep(REST)
            whole[level], figure = _level(made, network, own, level)
            floor = alone(bare, FLOWS_THERE, FLOWS_ELSEWHERE)
            ours[level] = whole[level] - floor[0]
            figure.details |= {
                "controllers_part_p50_ms": ours[level],
                "switches_alone_p50_ms": floor[0],
                "switches_alone_p95_ms": floor[1],
                "switches_alone": "bundles of as many flows on all switches at once, by a bare OpenFlow client",
            }
            yield figure
        least, most = LEVELS[0], LEVELS[-1]
        growth = ours[most] / ours[least]
        yield Figure(
            name="port-latency-growth",
            value=growth,
            unit="times",
            at_least=f"{GROWTH:g}",
            holds=growth <= GROWTH,
            details={"from_ports": least, "to_ports": most, "of": "the controller's part of p50",
                     "of_whole_p50": whole[most] / whole[least]},
        )  # fmt: skip


def _level(made: Site, network: str, own: list[str], level: int) -> tuple[float, Figure]:
    cpu, switches = made.cpu(), made.switches_cpu()
    delays = [_one(made.client, network, own[turn % OWN]) for turn in range(SAMPLES)]
    cpu, switches = made.cpu() - cpu, made.switches_cpu() - switches
    p50, p95 = (each * 1e3 for each in percentiles(delays))
    peer = OVN.get(level)
    return p50, Figure(
        name=f"port-latency-{level}",
        value=p50,
        unit="ms",
        peer=peer,
        ratio=against(peer, p50),
        peer_is="OVN 26.03, 4 hypervisors, measured before on the same kind of machine" if peer else "",
        at_least=f"p50 {P50:g}, p95 {P95:g} ms",
        holds=p50 <= P50 and p95 <= P95,
        details={
            "p50_ms": p50,
            "p95_ms": p95,
            "worst_ms": max(delays) * 1e3,
            "samples": SAMPLES,
            "ports_present": level,
            "on_real_interfaces": min(level, REAL),
            "the_rest": "on OVS ports of type vxlan, which have a number but no device",
            "networks": 1,
            "controller_cpu_ms": cpu / SAMPLES * 1e3,
            "all_switches_cpu_ms": switches / SAMPLES * 1e3,
            "cpu_is": "for one port made and deleted",
            "clients_run": CLIENTS_RUN,
        },
    )


def _one(client: Client, network: str, vif: str) -> float:
    """Make a port and remove it again; seconds that the making took, until the reply said ACTIVE."""
    data = creation(network, vif, Prefer="wait=30")
    began = time.perf_counter()
    reply = client.ask(data)
    took = time.perf_counter() - began
    made = _port(reply.body)
    if reply.status != 201 or made["status"] != "ACTIVE":
        raise RuntimeError(f"{reply.status} {reply.body[:500]!r}")
    gone = client.ask(request("DELETE", f"{PORTS}/{made['id']}"))
    if gone.status != 204:
        raise RuntimeError(f"{gone.status} {gone.body[:500]!r}")
    time.sleep(PAUSE)
    return took


def _port(body: bytes) -> dict[str, str]:
    made: dict[str, str] = json.loads(body)["port"]
    return made
