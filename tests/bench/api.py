"""The tenant API over HTTP: what it creates, lists and shows a second, with 8 clients and the real store."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

from tests.bench.figure import Figure, against, percentiles
from tests.bench.http import Load, load, request
from tests.bench.site import Site, refused, site

CLIENTS = 8
PORTS = "/v2.0/ports"
# OpenStack's own server (MariaDB, 2 workers, 8 clients), measured before on the same kind of machine
PEER = "OpenStack Networking's own server, measured before on the same kind of machine"
FEW, MANY = 1_000, 100_000  # ports stored
BULK = 100


class Asked(NamedTuple):
    """What the clients saw, and the controller's processor time for it, in microseconds."""

    load: Load
    cpu: float

    def a_second(self, count: int) -> float:
        return count / self.load.seconds


def measure() -> Iterator[Figure]:
    with site() as made:
        network = _network(made)
        body = {"port": {"network_id": network}}
        single = _asked(made, [request("POST", PORTS, body)] * FEW, 201)
        delay = percentiles(single.load.delays)[1] * 1000
        yield _figure("api-port-create", single, FEW, 800, 21, {"p95_ms": delay})
        listing = _asked(made, [request("GET", f"{PORTS}?network_id={network}")] * 100, 200)
        yield _figure("api-port-list-1000", listing, 100, 60, 3.8)
        port = made.client.json("GET", f"{PORTS}?limit=1")["ports"][0]
        shows = _asked(made, [request("GET", f"{PORTS}/{port['id']}")] * 5_000, 200)
        yield _figure("api-port-show", shows, 5_000, 3_000, 222)
        few = _filtered(made, port["mac_address"])
        other = _network(made)
        bulk = request("POST", PORTS, {"ports": [{"network_id": other}] * BULK})
        filled = _asked(made, [bulk] * ((MANY - FEW) // BULK), 201)
        yield _figure("api-port-create-bulk-100", filled, MANY - FEW, 4_000, 21)
        many = _filtered(made, port["mac_address"])
        yield Figure(
            name="api-port-filter-100000", value=many * 1000, unit="ms", at_least="2 x of 1,000 stored",
            holds=many <= 2 * few, details={"with_1000_ms": few * 1000, "stored": MANY},
        )  # fmt: skip


def _network(made: Site) -> str:
    network = made.client.json("POST", "/v2.0/networks", {"network": {}})["network"]["id"]
    made.client.json("POST", "/v2.0/subnets", {"subnet": {"network_id": network, "ip_version": 4,
                                                          "cidr": "10.0.0.0/8"}})  # fmt: skip
    return str(network)


def _asked(made: Site, requests: list[bytes], status: int) -> Asked:
    clients, cpu = [made.connect() for _ in range(CLIENTS)], made.cpu()
    seen = load(clients, requests)
    cpu = made.cpu() - cpu
    refused(seen, status)
    return Asked(seen, cpu * 1e6)


def _filtered(made: Site, mac: str) -> float:
    """Seconds that a list by a filter takes; the median of many."""
    return median(_asked(made, [request("GET", f"{PORTS}?mac_address={mac}")] * 500, 200).load.delays)


def _figure(
    name: str, seen: Asked, count: int, wanted: float, peer: float, details: dict[str, object] | None = None
) -> Figure:
    """`count`: of requests, or of objects where a request has many."""
    value = seen.a_second(count)
    return Figure(
        name=name, value=value, unit="/s", peer=peer, ratio=against(peer, value), peer_is=PEER,
        at_least=f"{wanted:,g}/s", holds=value >= wanted,
        details={"clients": CLIENTS, "cpu_us": seen.cpu / count, **(details or {})},
    )  # fmt: skip
