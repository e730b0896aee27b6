"""Tenet on hypervisors of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.http import load, request
from tests.bench.peers.system import ENCAPSULATION, Guest
from tests.bench.site import PORTS, Site, port, refused, site

IDLE = 5.0  # seconds
OPEN: dict[str, object] = {"device_owner": "network:bench"}  # addresses are checked, and nothing else is filtered
TOGETHER = 1_000  # ports in one request


class Tenet:
    """A `tests.bench.peers.system.System`."""

    def __init__(self, made: Site) -> None:
        self._site = made
        self._used = time.monotonic()
        self.lab = made.lab

    def plug(self, count: int) -> list[str]:
        return self.fresh().plug(count)

    def network(self) -> str:
        return self.fresh().network()

    def port(self, network: str, vif: str) -> str:
        wanted = {"port": {**port(network, vif), **OPEN}}
        reply = self.fresh().client.ask(request("POST", PORTS, wanted, {"Prefer": "wait=60"}))
        made = json.loads(reply.body).get("port", {})
        if reply.status != 201 or made["status"] != "ACTIVE":
            raise RuntimeError(f"{reply.status} {reply.body[:500]!r}")
        return str(made["id"])

    def ports(self, network: str, vifs: list[str]) -> list[str]:
        made = self._create(network, vifs, Prefer="wait=60")
        if building := [one["status"] for one in made if one["status"] != "ACTIVE"]:
            raise RuntimeError(f"{len(building)} ports are not ACTIVE but {building[0]}")
        return [str(one["id"]) for one in made]

    def absent(self, network: str, vifs: list[str]) -> list[str]:
        made = self._create(network, vifs)
        self.fresh().settled()
        return [str(one["id"]) for one in made]

    def remove(self, port: str) -> None:
        reply = self.fresh().client.ask(request("DELETE", f"{PORTS}/{port}", headers={"Prefer": "wait=60"}))
        if reply.status != 204:
            raise RuntimeError(f"{reply.status} {reply.body[:500]!r}")

    def clear(self, network: str) -> None:
        found = self.fresh().client.json("GET", f"{PORTS}?fields=id&network_id={network}")["ports"]
        gone = [request("DELETE", f"{PORTS}/{one['id']}") for one in found]
        refused(load([self.fresh().connect()], [*gone, request("DELETE", f"/v2.0/networks/{network}")]), 204)
        self.fresh().settled()

    def vm(self, network: str, at: int, name: str) -> Guest:
        made = self.fresh().client.json("POST", PORTS, {"port": {**port(network, name), **OPEN}})["port"]
        address = made["fixed_ips"][0]["ip_address"]
        vm = self.lab.vm(self.lab[at], name, f"{address}/16", mac=made["mac_address"], iface_id=name)
        self.fresh().active(made["id"])
        return Guest(vm, address, made["id"])

    def restart(self, advised: bool) -> None:
        self._site.controller.restart()
        self._site.client = self._site.connect()
        self._site.settled()

    def processes(self) -> dict[str, int]:
        assert self._site.controller.process is not None
        return {"tenet": self._site.controller.process.pid}

    def fresh(self) -> Site:
        """The site with a connection that the server has not closed for idleness."""
        now = time.monotonic()
        if now - self._used > IDLE:
            self._site.client.sock.close()
            self._site.client = self._site.connect()
        self._used = now
        return self._site

    def _create(self, network: str, vifs: list[str], **headers: str) -> list[dict[str, object]]:
        made: list[dict[str, object]] = []
        for start in range(0, len(vifs), TOGETHER):
            wanted = [{**port(network, vif), **OPEN} for vif in vifs[start : start + TOGETHER]]
            made += self.fresh().client.json("POST", PORTS, {"ports": wanted}, **headers)["ports"]
        return made


@contextmanager
def tenet() -> Iterator[Tenet]:
    with site(ENCAPSULATION) as made:
        yield Tenet(made)
