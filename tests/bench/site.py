"""Four real hypervisors with interfaces plugged in, and a controller process that has found them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench import management
from tests.bench.http import Client, Load, request
from tests.lab import Controller, Hypervisor, Lab
from tests.lab.controller import Options

HYPERVISORS = 4
PATIENCE = 120.0  # seconds
CLIENTS_RUN = "in the benchmark's process, beside the controller's and four ovs-vswitchd, on the machine's cores"
PORTS = "/v2.0/ports"
INTERFACES = re.compile(rb'tenet_objects\{kind="interface"\} (\S+)')


class Site:
    """`plugged`: how many interfaces there are on each hypervisor."""

    def __init__(self, lab: Lab, controller: Controller) -> None:
        self.lab = lab
        self.controller = controller
        self.plugged = 0
        self.client = self.connect()

    def connect(self) -> Client:
        return Client(self.controller.dial("127.0.0.1", 9696, PATIENCE))

    def network(self) -> str:
        """A network with a subnet of 65,000 addresses; its id."""
        made = self.client.json("POST", "/v2.0/networks", {"network": {"name": "bench", "project_id": "bench"}})
        network = str(made["network"]["id"])
        subnet = {"network_id": network, "ip_version": 4, "cidr": "10.0.0.0/16", "project_id": "bench"}
        self.client.json("POST", "/v2.0/subnets", {"subnet": subnet})
        return network

    def ports(self, network: str, vifs: Sequence[str]) -> list[str]:
        """A port for each interface, in bulk; returns when all flows are confirmed.  Their ids."""
        ids: list[str] = []
        for start in range(0, len(vifs), 1000):
            ports = [port(network, vif) for vif in vifs[start : start + 1000]]
            made = self.client.json("POST", PORTS, {"ports": ports}, Prefer="wait=60")
            ids += [one["id"] for one in made["ports"]]
            building = [one["status"] for one in made["ports"] if one["status"] != "ACTIVE"]
            if building:
                raise RuntimeError(f"{len(building)} ports are not ACTIVE but {building[0]}")
        return ids

    def plug(self, count: int, real: bool = True) -> list[str]:
        """Plug `count` interfaces in, in turn over the hypervisors; their iface-ids.

        `real` ones are internal ports, the others have an OpenFlow number but no device.
        """
        each = count // HYPERVISORS
        wanted = self._interfaces() + each * HYPERVISORS
        for start in range(self.plugged, self.plugged + each, 500):
            numbers = range(start, min(start + 500, self.plugged + each))
            for hypervisor in self.lab:
                if real:
                    hypervisor.interfaces({f"i{number}": vif_of(hypervisor, number) for number in numbers})
                else:
                    plug_bare(hypervisor, numbers)
        vifs = [vif_of(one, self.plugged + number) for number in range(each) for one in self.lab]
        self.plugged += each
        self._await_interfaces(wanted)
        return vifs

    def active(self, id: str) -> None:
        """Wait until a port is ACTIVE."""
        deadline = time.monotonic() + PATIENCE
        while self.client.json("GET", f"{PORTS}/{id}")["port"]["status"] != "ACTIVE":
            if time.monotonic() > deadline:
                raise TimeoutError(f"port {id} does not become ACTIVE")
            time.sleep(0.02)

    def settled(self) -> None:
        """Wait until every switch holds all flows that it should."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            switches = self.client.json("GET", "/tenet/v1/switches")["switches"]
            if len(switches) == HYPERVISORS and all(
                each["connected"] and each["flows_wanted"] == each["flows_installed"] for each in switches
            ):
                return
            time.sleep(0.02)
        raise TimeoutError("the switches do not come to hold what they should")

    def _await_interfaces(self, wanted: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while self._interfaces() != wanted:
            if time.monotonic() > deadline:
                raise TimeoutError("the controller does not see the interfaces")
            time.sleep(0.05)

    def _interfaces(self) -> int:
        """How many interfaces with an iface-id the controller sees."""
        found = INTERFACES.search(self.controller.api("GET", "/metrics").body)
        return int(float(found[1])) if found else 0

    def cpu(self) -> float:
        """Seconds of processor time that the controller has used."""
        assert self.controller.process is not None
        return cpu(self.controller.process.pid)

    def switches_cpu(self) -> float:
        """Seconds of processor time that all ovs-vswitchd have used."""
        return sum(cpu(hypervisor.switch.pid) for hypervisor in self.lab if hypervisor.switch is not None)


def cpu(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def port(network: str, vif: str) -> dict[str, object]:
    return {"network_id": network, "project_id": "bench", "binding:profile": {"interface": vif}}


def creation(network: str, vif: str, **headers: str) -> bytes:
    return request("POST", PORTS, {"port": port(network, vif)}, headers)


def refused(seen: Load, status: int) -> None:
    """Raise when any request was answered otherwise."""
    wrong = [reply for reply in seen.replies if reply.status != status]
    if wrong:
        raise RuntimeError(f"{len(wrong)} answers are not {status}: {wrong[0]}")


@contextmanager
def site(encapsulation: str = "vxlan", options: Options | None = None) -> Iterator[Site]:
    """`options`: of the controller, beyond those that its listeners need."""
    with Lab(HYPERVISORS) as lab:
        management.connect(lab)
        more = options or {}
        sections = {*management.OPTIONS, *more}
        merged = {name: {**management.OPTIONS.get(name, {}), **more.get(name, {})} for name in sections}
        controller = Controller(lab, merged)
        controller.start()
        lab.configure((encapsulation,), management.MANAGER)
        for hypervisor in lab:
            hypervisor.await_bridge()
        made = Site(lab, controller)
        made.settled()
        yield made


def vif_of(hypervisor: Hypervisor, number: int) -> str:
    return f"vif-{hypervisor.system_id}-{number}"


def plug_bare(hypervisor: Hypervisor, numbers: Sequence[int]) -> None:
    """Plug in interfaces of these numbers that have no device of their own.

    They are tunnel ports to nowhere: Open vSwitch gives each an OpenFlow number, and all of them share one device.
    """
    arguments: list[str] = []
    for number in numbers:
        arguments += ["--", "add-port", "br-int", f"b{number}", "--", "set", "interface", f"b{number}", "type=vxlan"]
        arguments += [f"options:remote_ip=203.0.113.{number % 250 + 1}", f"options:key={1_000_000 + number}"]
        arguments += [f"external_ids:iface-id={vif_of(hypervisor, number)}"]
    hypervisor.vsctl(*arguments[1:], timeout=PATIENCE)
