"""POST /v2.0/ports a second with 8 clients, durable on SQLite, while 4 real switches follow."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.bench.figure import Figure, against, percentiles
from tests.bench.http import load
from tests.bench.site import CLIENTS_RUN, HYPERVISORS, creation, refused, site

COUNT, WARM, CLIENTS = 2_000, 100, 8
WANTED = 800.0  # a second
OPENSTACK = 21.0  # a second


def measure() -> Iterator[Figure]:
    with site() as made:
        warm, vifs = made.plug(WARM), made.plug(COUNT)
        network = made.network()
        clients = [made.connect() for _ in range(CLIENTS)]
        refused(load(clients, [creation(network, vif) for vif in warm]), 201)
        made.settled()
        requests = [creation(network, vif) for vif in vifs]
        cpu, switches, began = made.cpu(), made.switches_cpu(), time.perf_counter()
        seen = load(clients, requests)
        cpu = made.cpu() - cpu
        made.settled()
        confirmed, switches = time.perf_counter() - began, made.switches_cpu() - switches
        refused(seen, 201)
        p50, p95 = percentiles(seen.delays)
        value = COUNT / seen.seconds
        yield Figure(
            name="port-create",
            value=value,
            unit="ports/s",
            peer=OPENSTACK,
            ratio=against(OPENSTACK, value),
            peer_is="OpenStack Networking's server, measured before on the same kind of machine",
            at_least=f"{WANTED:g}/s",
            holds=value >= WANTED,
            details={
                "ports": COUNT,
                "clients": CLIENTS,
                "clients_run": CLIENTS_RUN,
                "seconds": seen.seconds,
                "p50_ms": p50 * 1e3,
                "p95_ms": p95 * 1e3,
                "all_flows_confirmed_after_s": confirmed,
                "controller_cpu_s": cpu,
                "cpu_us": cpu / COUNT * 1e6,
                "switches_cpu_s": switches,
                "switches": HYPERVISORS,
            },
        )
