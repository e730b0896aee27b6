"""A large site in this process: the whole controller without its listeners, over rows written straight to its store.

Networks of 50 ports, each network on 10 of the switches; no switch is connected.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from controller.assembly import Controller
from controller.config.settings import read
from controller.model.rows import (
    FixedIp,
    Interface,
    Link,
    Network,
    Pool,
    Port,
    Row,
    SecurityGroup,
    Subnet,
    Switch,
    Tunnel,
)
from controller.runtime import garbage, hub
from controller.runtime.held import HubWatch
from controller.store.codec import encode

EACH = 50  # ports of a network
SPREAD = 10  # switches of a network
PROJECTS = 4
TOGETHER = 5_000  # rows a commit
NOW = "2026-01-01T00:00:00Z"


class Reply:
    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Site:
    def __init__(self, directory: Path, ports: int, switches: int) -> None:
        config = directory / "tenet.conf"
        config.write_text(f"[store]\nurl = sqlite:///{directory}/tenet.db\n[hub]\nheld_warning = 0\n")
        self.controller = Controller(read(["--config-file", str(config)]))
        self.ports = ports
        self.switches = switches
        self.replica = self.controller.replica
        store = self.controller.store
        every = list(rows(ports, switches))
        for start in range(0, len(every), TOGETHER):
            store.commit({}, {row.key: encode(row) for row in every[start : start + TOGETHER]})
        self.replica.start()
        garbage.settle()
        self.controller.reconciler.start()

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        """As an HTTP server would, in a green thread of its own."""
        found: Reply = hub.spawn(self._call, method, path, body, headers).wait()
        return found

    def _call(self, method: str, path: str, body: object, headers: dict[str, str]) -> Reply:
        sent = b"" if body is None else body if isinstance(body, bytes) else msgspec.json.encode(body)
        name, _, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": method, "PATH_INFO": name, "QUERY_STRING": query, "SCRIPT_NAME": "",
            "SERVER_NAME": "localhost", "SERVER_PORT": "9696", "HTTP_HOST": "127.0.0.1:9696",
            "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(sent),
            "wsgi.errors": io.StringIO(), "CONTENT_LENGTH": str(len(sent)), "CONTENT_TYPE": "application/json",
            "REMOTE_ADDR": "127.0.0.1", **headers,
        }  # fmt: skip
        status: list[int] = []
        pieces = self.controller.application(environ, lambda said, fields: status.append(int(said[:3])))
        return Reply(status[0], b"".join(pieces))

    def look(self) -> None:
        """Look at the status of every port, as is done now and then for events."""
        self.controller._events.look()

    def during(self, call: Callable[[], Reply], others: Callable[[int], object]) -> Reply:
        """A call, and others beside it, numbered, for as long as it lasts: at least one."""
        first = hub.spawn(call)
        number = 0
        while not number or not first.dead:
            others(number)
            number += 1
        found: Reply = first.wait()
        return found

    def held(self, call: Callable[[], object], times: int = 3) -> float:
        """Seconds of processor time of the longest hold of the hub during a call; the best of several."""
        return min(self._held(call) for _ in range(times))

    def _held(self, call: Callable[[], object]) -> float:
        hub.sleep(0)
        watch = HubWatch(0.0, time.thread_time)
        watch.start()
        try:
            call()
            hub.sleep(0)
        finally:
            watch.stop()
        return watch.longest

    def close(self) -> None:
        self.replica.stop()
        self.controller.store.close()


@contextmanager
def running(directory: Path, ports: int, switches: int) -> Iterator[Site]:
    site = Site(directory, ports, switches)
    try:
        yield site
    finally:
        site.close()


def uuid(kind: int, number: int) -> str:
    """In another order than that of the numbers, as random ones are."""
    mixed = number * 2654435761 % 2**32
    return f"{mixed:08x}-{kind:04x}-4000-8000-{number:012x}"


def network_id(number: int) -> str:
    return uuid(1, number)


def port_id(number: int) -> str:
    return uuid(3, number)


GROUP = uuid(4, 0)  # a security group, of which no port is


def rows(ports: int, switches: int) -> Iterator[Row]:
    """All that the site holds."""
    for number in range(1, switches + 1):
        yield Switch(
            id=f"s{number}", number=number, dpid=number, host=f"h{number}", underlay_mtu=1500,
            encap_ip=f"198.18.{number >> 8}.{number & 255}", tunnels=(Tunnel("vxlan", 60_000),),
        )  # fmt: skip
        if number > 1:
            yield Link(switch_id=f"s{number}", ofport=50_000, far_switch_id=f"s{number - 1}", far_ofport=50_001)
            yield Link(switch_id=f"s{number - 1}", ofport=50_001, far_switch_id=f"s{number}", far_ofport=50_000)
    yield SecurityGroup(id=GROUP, name="g", number=1, project_id="p0", created_at=NOW, updated_at=NOW)
    for number in range(ports):
        network, nth = divmod(number, EACH)
        project = f"p{network % PROJECTS}"
        same = {"project_id": project, "created_at": NOW, "updated_at": NOW}
        subnet_id = uuid(2, network)
        if not nth:
            yield Network(id=network_id(network), name=f"n{network}", segment=network + 1, mtu=1450,
                          network_type="vxlan", **same)  # type: ignore[arg-type]  # fmt: skip
            yield Subnet(id=subnet_id, network_id=network_id(network), cidr="10.0.0.0/24", ip_version=4,
                         gateway_ip="10.0.0.1", allocation_pools=(Pool("10.0.0.2", "10.0.0.254"),), **same)  # type: ignore[arg-type]  # fmt: skip
        vif = port_id(number)
        yield Port(
            id=vif, name=f"v{number}", network_id=network_id(network), mac_address=mac(number),
            fixed_ips=(FixedIp(subnet_id, f"10.0.0.{nth + 2}"),), tags=(f"t{number % 7}",), **same,  # type: ignore[arg-type]
        )  # fmt: skip
        switch = (network * SPREAD + nth % SPREAD) % switches + 1
        yield Interface(switch_id=f"s{switch}", name=f"i{number}", vif=vif, ofport=number % 49_000 + 1)


def mac(number: int) -> str:
    return "fa:16:3e:" + ":".join(f"{number >> shift & 255:02x}" for shift in (16, 8, 0))
