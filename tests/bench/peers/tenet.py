"""Tenet on hypervisors of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.http import load, request
from tests.bench.peers.system import ENCAPSULATION, Guest
from tests.bench.site import PORTS, Site, creation, port, refused, site

IDLE = 5.0  # seconds


class Tenet:
    """A `tests.bench.peers.system.System`."""

    def __init__(self, made: Site) -> None:
        self._site = made
        self._used = time.monotonic()
        self.lab = made.lab

    def plug(self, count: int) -> list[str]:
        return self._fresh().plug(count)

    def network(self) -> str:
        return self._fresh().network()

    def port(self, network: str, vif: str) -> str:
        reply = self._fresh().client.ask(creation(network, vif, Prefer="wait=60"))
        made = json.loads(reply.body).get("port", {})
        if reply.status != 201 or made["status"] != "ACTIVE":
            raise RuntimeError(f"{reply.status} {reply.body[:500]!r}")
        return str(made["id"])

    def ports(self, network: str, vifs: list[str]) -> list[str]:
        return self._fresh().ports(network, vifs)

    def remove(self, port: str) -> None:
        reply = self._fresh().client.ask(request("DELETE", f"{PORTS}/{port}", headers={"Prefer": "wait=60"}))
        if reply.status != 204:
            raise RuntimeError(f"{reply.status} {reply.body[:500]!r}")

    def clear(self, network: str) -> None:
        found = self._fresh().client.json("GET", f"{PORTS}?fields=id&network_id={network}")["ports"]
        gone = [request("DELETE", f"{PORTS}/{one['id']}") for one in found]
        refused(load([self._fresh().connect()], [*gone, request("DELETE", f"/v2.0/networks/{network}")]), 204)
        self._fresh().settled()

    def vm(self, network: str, at: int, name: str) -> Guest:
        made = self._fresh().client.json("POST", PORTS, {"port": port(network, name)})["port"]
        address = made["fixed_ips"][0]["ip_address"]
        vm = self.lab.vm(self.lab[at], name, f"{address}/16", mac=made["mac_address"], iface_id=name)
        self._fresh().active(made["id"])
        return Guest(vm, address, made["id"])

    def restart(self, advised: bool) -> None:
        self._site.controller.restart()
        self._site.client = self._site.connect()
        self._site.settled()

    def processes(self) -> dict[str, int]:
        assert self._site.controller.process is not None
        return {"tenet": self._site.controller.process.pid}

    def _fresh(self) -> Site:
        """The site with a connection that the server has not closed for idleness."""
        now = time.monotonic()
        if now - self._used > IDLE:
            self._site.client.sock.close()
            self._site.client = self._site.connect()
        self._used = now
        return self._site


@contextmanager
def tenet() -> Iterator[Tenet]:
    with site(ENCAPSULATION) as made:
        yield Tenet(made)
