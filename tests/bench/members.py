"""Members of a cluster on loopback, for benchmarks with simulated switches."""

from __future__ import annotations

import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any

from tests.bench.http import Client, request
from tests.bench.site import cpu
from tests.store.etcd_process import Cluster, free_ports

LEASE = 3.0  # seconds
PATIENCE = 240.0


def connected(port: int, patience: float) -> Client:
    """A client of the REST API on a loopback port, once it listens."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return Client(socket.create_connection(("127.0.0.1", port), 600))
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


class Member:
    def __init__(self, stack: ExitStack, folder: Path, number: int, etcd: Cluster) -> None:
        self.name = f"m{number}"
        self.api, self.openflow, ovsdb = free_ports(3)
        config = folder / f"{number}.conf"
        sections = {
            "store": f"url = {etcd.url('tenet')}", "northbound": f"listen = 127.0.0.1:{self.api}",
            "openflow": f"listen = 127.0.0.1:{self.openflow}\naudit_interval = 3600\nverify_interval = 3600",
            "ovsdb": f"listen = 127.0.0.1:{ovsdb}", "cluster": f"member = {self.name}\nlease = {LEASE:g}",
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
        return connected(self.api, 30.0)

    def cluster(self, client: Client) -> dict[str, Any]:
        return dict(client.json("GET", "/tenet/v1/cluster", None)["cluster"])

    def cpu(self) -> float:
        """Seconds of processor time that it has used."""
        return cpu(self.process.pid)

    def metric(self, client: Client, name: str) -> float:
        lines = client.ask(request("GET", "/metrics")).body.decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.split("{")[0].split(" ")[0] == name)


def swarm(stack: ExitStack, members: list[Member], switches: int, ports: int) -> None:
    """A process of simulated switches with `ports` ports each, v0, v1 ... over all, connected to all members."""
    doors = [f"127.0.0.1:{member.openflow}" for member in members]
    command = [sys.executable, "-m", "tests.bench.shared_switches", str(switches), str(ports)]
    process = Popen([*command, *doors], stdout=DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.kill)


def settled(members: list[Member], clients: list[Client], switches: int) -> None:
    """Wait until these are the members, and every switch is held by one of them and none is behind."""
    names = {member.name for member in members}
    deadline = time.monotonic() + PATIENCE
    while True:
        cluster = members[0].cluster(clients[0])
        present = [each for each in cluster["members"] if each["present"]]
        held = sum(each["switches_held"] for each in present)
        behind = sum(each["switches_behind"] for each in present)
        if {each["id"] for each in present} == names and held == switches and not behind:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(
                f"{held} of {switches} switches held, {behind} behind: {members[0].log.read_text()[-2000:]}"
            )
        time.sleep(0.1)
