"""POST /v2.0/ports a second with 8 clients on a 3-member etcd on this machine: at one controller, then over three."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import DEVNULL, Popen
from sys import executable

from tests.bench.figure import Figure, percentiles
from tests.bench.http import Client, load, request
from tests.bench.site import refused
from tests.store.etcd_process import Cluster, free_ports

ETCD, CONTROLLERS, CLIENTS = 3, 3, 8
COUNT, WARM = 2_000, 100
WANTED = 300.0  # a second
PATIENCE = 30.0  # seconds


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        etcd = Cluster(Path(folder) / "etcd", ETCD)
        etcd.start()
        stack.callback(etcd.stop)
        ports = [_controller(stack, Path(folder), number, etcd) for number in range(CONTROLLERS)]
        yield _figure("writes-etcd", _rate(ports[:1]))
        yield _figure("writes-etcd-3-controllers", _rate(ports))


def _controller(stack: ExitStack, folder: Path, number: int, etcd: Cluster) -> int:
    """Start one, on ports of its own; the port of its API."""
    api, openflow, ovsdb = free_ports(3)
    config = folder / f"{number}.conf"
    sections = {"store": f"url = {etcd.url('tenet')}", "northbound": f"listen = 127.0.0.1:{api}",
                "openflow": f"listen = 127.0.0.1:{openflow}", "ovsdb": f"listen = 127.0.0.1:{ovsdb}"}  # fmt: skip
    config.write_text("".join(f"[{section}]\n{option}\n" for section, option in sections.items()))
    process = Popen(
        [executable, "-m", "controller", "run", "--config-file", str(config)], stdout=DEVNULL, stderr=DEVNULL
    )
    stack.callback(process.wait)
    stack.callback(process.kill)
    return api


def _connect(port: int) -> Client:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return Client(socket.create_connection(("127.0.0.1", port), PATIENCE))
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _rate(ports: list[int]) -> tuple[float, float, float]:
    """Ports a second on a new network, and p50 and p95 of the answers' delays in seconds."""
    clients = [_connect(ports[number % len(ports)]) for number in range(CLIENTS)]
    made = clients[0].json("POST", "/v2.0/networks", {"network": {"project_id": "bench"}})
    network = made["network"]["id"]
    subnet = {"network_id": network, "ip_version": 4, "cidr": "10.0.0.0/16", "project_id": "bench"}
    clients[0].json("POST", "/v2.0/subnets", {"subnet": subnet})
    time.sleep(0.5)  # every controller knows them
    body = request("POST", "/v2.0/ports", {"port": {"network_id": network, "project_id": "bench"}})
    refused(load(clients, [body] * WARM), 201)
    seen = load(clients, [body] * COUNT)
    refused(seen, 201)
    for client in clients:
        client.sock.close()
    return COUNT / seen.seconds, *percentiles(seen.delays)


def _figure(name: str, rate: tuple[float, float, float]) -> Figure:
    value, p50, p95 = rate
    details: dict[str, object] = {"ports": COUNT, "clients": CLIENTS, "etcd_members": ETCD}
    details |= {"p50_ms": p50 * 1e3, "p95_ms": p95 * 1e3, "clients_run": "in the benchmark's process"}
    return Figure(
        name=name, value=value, unit="ports/s", at_least=f"{WANTED:g}/s", holds=value >= WANTED, details=details
    )
