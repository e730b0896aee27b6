"""Of two members with 1,000 simulated switches and 20,000 ports, one dies: until all are right at the other."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.bench.figure import Figure
from tests.bench.http import load, request
from tests.bench.members import LEASE, Member, settled, swarm
from tests.bench.site import refused
from tests.store.etcd_process import Cluster

SWITCHES, PORTS, NETWORKS, CLIENTS = 1_000, 20_000, 500, 8
WANTED = 10.0  # seconds


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        etcd = Cluster(Path(folder) / "etcd", 1)
        etcd.start()
        stack.callback(etcd.stop)
        members = [Member(stack, Path(folder), number, etcd) for number in range(2)]
        clients = [member.client() for member in members]
        _ports(members[0])
        swarm(stack, members, SWITCHES, PORTS // SWITCHES)
        settled(members, clients, SWITCHES)
        dead, left = members
        held = sum(1 for each in left.cluster(clients[1])["switches"] if each["held_by"] == dead.name)
        began = time.monotonic()
        dead.process.kill()
        settled([left], clients[1:], SWITCHES)
        took = time.monotonic() - began
    yield Figure(
        name="takeover-1000",
        value=took - LEASE,
        unit="s after the lease",
        at_least=f"{WANTED:g} s",
        holds=took - LEASE < WANTED,
        details={"switches": SWITCHES, "taken_over": held, "ports": PORTS, "networks": NETWORKS, "members": 2,
                 "from_kill_s": took, "switches_run": "simulated, in a process of their own on this machine"},
    )  # fmt: skip


def _ports(member: Member) -> None:
    """Each network has its ports on a few switches; a port's VIF is the name of a switch's port."""
    clients = [member.client() for _ in range(CLIENTS)]
    networks = []
    for number in range(NETWORKS):
        made = clients[number % CLIENTS].json("POST", "/v2.0/networks", {"network": {"project_id": "bench"}})
        networks.append(made["network"]["id"])
        subnet = {"network_id": networks[-1], "ip_version": 4, "cidr": "10.0.0.0/16", "project_id": "bench"}
        clients[number % CLIENTS].json("POST", "/v2.0/subnets", {"subnet": subnet})
    bodies = [
        request("POST", "/v2.0/ports", {"port": {
            "network_id": networks[number * NETWORKS // PORTS], "project_id": "bench",
            "binding:profile": {"interface": f"v{number}"}}})
        for number in range(PORTS)
    ]  # fmt: skip
    refused(load(clients, bodies), 201)
