"""Of two members with 1,000 simulated switches and 20,000 ports, one dies: until all are right at the other."""

from __future__ import annotations

import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any

from tests.bench.figure import Figure
from tests.bench.http import Client, load, request
from tests.bench.site import refused
from tests.store.etcd_process import Cluster, free_ports

SWITCHES, PORTS, NETWORKS, CLIENTS = 1_000, 20_000, 500, 8
LEASE, WANTED = 3.0, 10.0  # seconds
PATIENCE = 240.0


class Member:
    def __init__(self, stack: ExitStack, folder: Path, number: int, etcd: Cluster) -> None:
        self.name = f"m{number}"
        self.api, self.openflow, ovsdb = free_ports(3)
        config = folder / f"{number}.conf"
        sections = {
            "store": f"url = {etcd.url('tenet')}", "northbound": f"listen = 127.0.0.1:{self.api}",
            "openflow": f"listen = 127.0.0.1:{self.openflow}\naudit_interval = 3600",
            "ovsdb": f"listen = 127.0.0.1:{ovsdb}", "cluster": f"member = {self.name}\nlease = {LEASE}",
        }  # fmt: skip
        config.write_text("".join(f"[{section}]\n{option}\n" for section, option in sections.items()))
        self.log = folder / f"{number}.log"
        with self.log.open("wb") as log:
            self.process = Popen(
                [sys.executable, "-m", "controller", "run", "--config-file", str(config)], stdout=log, stderr=log
            )
        stack.callback(self.process.wait)
        stack.callback(self.process.kill)

    def client(self) -> Client:
        deadline = time.monotonic() + 30
        while True:
            try:
                return Client(socket.create_connection(("127.0.0.1", self.api), 60))
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def cluster(self, client: Client) -> dict[str, Any]:
        return dict(client.json("GET", "/tenet/v1/cluster", None)["cluster"])


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        etcd = Cluster(Path(folder) / "etcd", 1)
        etcd.start()
        stack.callback(etcd.stop)
        members = [Member(stack, Path(folder), number, etcd) for number in range(2)]
        clients = [member.client() for member in members]
        _ports(members[0])
        doors = [f"127.0.0.1:{member.openflow}" for member in members]
        command = [sys.executable, "-m", "tests.bench.shared_switches", str(SWITCHES), str(PORTS // SWITCHES)]
        swarm = Popen([*command, *doors], stdout=DEVNULL)
        stack.callback(swarm.wait)
        stack.callback(swarm.kill)
        _await(members, clients, {member.name for member in members})
        dead, left = members
        held = sum(1 for each in left.cluster(clients[1])["switches"] if each["held_by"] == dead.name)
        began = time.monotonic()
        dead.process.kill()
        _await([left], clients[1:], {left.name})
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


def _await(members: list[Member], clients: list[Client], names: set[str]) -> None:
    """Until every switch is held by one of these and none is behind."""
    deadline = time.monotonic() + PATIENCE
    while True:
        cluster = members[0].cluster(clients[0])
        present = [each for each in cluster["members"] if each["present"]]
        held = sum(each["switches_held"] for each in present)
        behind = sum(each["switches_behind"] for each in present)
        if {each["id"] for each in present} == names and held == SWITCHES and not behind:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(
                f"{held} of {SWITCHES} switches held, {behind} behind: {members[0].log.read_text()[-2000:]}"
            )
        time.sleep(0.1)
