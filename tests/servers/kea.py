"""Kea's DHCP servers in a network namespace, and another one from which a relay agent reaches them."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.lab.netns import inside, ip, run, socket_in
from tests.lab.processes import Process

RELAY4, SERVER4, OTHER4 = "198.51.100.1", "198.51.100.2", "198.51.100.3"
RELAY6, SERVER6 = "2001:db8:99::1", "2001:db8:99::2"
PATIENCE = 20.0  # seconds


class Wire(NamedTuple):
    """The namespaces at both ends of a cable."""

    relay: str
    server: str

    def sockets(self) -> dict[int, Any]:
        """As the relay agent has them."""
        found: dict[int, Any] = {4: socket_in(self.relay, socket.AF_INET, socket.SOCK_DGRAM),
                                 6: socket_in(self.relay, socket.AF_INET6, socket.SOCK_DGRAM)}  # fmt: skip
        found[4].bind((RELAY4, 67))
        found[6].bind((RELAY6, 547))
        return found


@contextlib.contextmanager
def wire() -> Iterator[Wire]:
    made = Wire(f"rel-{os.getpid()}", f"srv-{os.getpid()}")
    for namespace in made:
        run(["ip", "netns", "add", namespace])
    try:
        ip([f"link add eth0 type veth peer name eth0 netns {made.server}"], made.relay)
        ip([f"addr add {RELAY4}/24 dev eth0", f"addr add {RELAY6}/64 dev eth0 nodad", "link set eth0 up"], made.relay)
        ip([f"addr add {SERVER4}/24 dev eth0", f"addr add {OTHER4}/24 dev eth0",
            f"addr add {SERVER6}/64 dev eth0 nodad", "link set eth0 up", "link set lo up"], made.server)  # fmt: skip
        end = time.monotonic() + PATIENCE
        while "state UP" not in run(["ip", "-n", made.server, "link", "show", "eth0"]):
            assert time.monotonic() < end
            time.sleep(0.02)
        yield made
    finally:
        for namespace in made:
            run(["ip", "netns", "del", namespace])


@contextlib.contextmanager
def kea(
    folder: Path, namespace: str, version: int, subnets: list[dict[str, Any]], at: str = "", **more: Any
) -> Iterator[Process]:
    """A server of these subnets, as Kea's configuration has them.  `at`: INTERFACE/ADDRESS."""
    name, address = f"Dhcp{version}", SERVER4 if version == 4 else SERVER6
    config: dict[str, Any] = {
        "interfaces-config": {"interfaces": [at or f"eth0/{address}"]},
        "lease-database": {"type": "memfile", "persist": False},
        f"subnet{version}": subnets,
        **more,
    }
    if version == 4:
        config["interfaces-config"]["dhcp-socket-type"] = "udp"
        config["host-reservation-identifiers"] = ["circuit-id"]
    else:
        config["server-id"] = {"type": "LL", "persist": False}
    file = folder / f"kea{version}.json"
    file.write_text(json.dumps({name: config}))
    environment = {**os.environ, "KEA_LOCKFILE_DIR": "none", "KEA_PIDFILE_DIR": str(folder)}
    argv = inside(namespace, [f"kea-dhcp{version}", "-c", str(file)])
    process = Process(argv, folder / f"kea{version}.log", environment)
    try:
        end = time.monotonic() + PATIENCE
        while f"DHCP{version}_STARTED" not in (said := process.text()):
            assert process.running() and time.monotonic() < end, said
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
