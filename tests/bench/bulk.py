"""One network with 1,000 ports on 4 real switches, interfaces already plugged: until all flows are confirmed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

from tests.bench.figure import Figure, against
from tests.bench.http import load, request
from tests.bench.site import CLIENTS_RUN, HYPERVISORS, PORTS, Site, creation, refused, site

COUNT, TURNS, CLIENTS = 1_000, 3, 8
WANTED = 1.0  # seconds
OVN = 2.4  # seconds


def measure() -> Iterator[Figure]:
    with site() as made:
        together: list[float] = []
        singly: list[float] = []
        cpu: list[float] = []
        vifs = made.plug(COUNT)
        for _ in range(TURNS):
            for runs, run in ((together, _together), (singly, _singly)):
                used = made.cpu()
                runs.append(run(made, vifs))
                if run is _together:
                    cpu.append(made.cpu() - used)
                _clear(made)
        value = median(together)
        yield Figure(
            name="bulk-1000",
            value=value,
            unit="s",
            peer=OVN,
            ratio=against(OVN, value),
            peer_is="OVN 26.03, 4 hypervisors, measured before on the same kind of machine",
            at_least=f"{WANTED:g} s",
            holds=value <= WANTED,
            details={
                "ports": COUNT,
                "requests": "network, subnet, one POST of 1,000 ports with Prefer: wait",
                "runs": together,
                "cpu_us": min(cpu) / COUNT * 1e6,
                "8_clients_1000_posts_s": median(singly),
                "8_clients_runs": singly,
                "clients_run": CLIENTS_RUN,
                "switches": HYPERVISORS,
            },
        )


def _together(made: Site, vifs: list[str]) -> float:
    """All ports in one request."""
    began = time.perf_counter()
    made.ports(made.network(), vifs)
    return time.perf_counter() - began


def _singly(made: Site, vifs: list[str]) -> float:
    """A request for each port, by several clients."""
    clients = [made.connect() for _ in range(CLIENTS)]
    began = time.perf_counter()
    network = made.network()
    seen = load(clients, [creation(network, vif) for vif in vifs])
    made.settled()
    took = time.perf_counter() - began
    refused(seen, 201)
    return took


def _clear(made: Site) -> None:
    """Remove all ports and networks, so that the next run finds nothing."""
    for plural, path in (("ports", PORTS), ("networks", "/v2.0/networks")):
        found = made.client.json("GET", f"{path}?fields=id")[plural]
        refused(load([made.connect()], [request("DELETE", f"{path}/{one['id']}") for one in found]), 204)
    made.settled()
