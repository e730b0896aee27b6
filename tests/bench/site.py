"""Four real hypervisors with interfaces plugged in, and a controller process that has found them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench.http import Client, Load, request
from tests.lab import Controller, Hypervisor, Lab

HYPERVISORS = 4
PATIENCE = 120.0  # seconds
CLIENTS_RUN = "in the benchmark's process, beside the controller's and four ovs-vswitchd, on the machine's cores"
PORTS = "/v2.0/ports"


class Site:
    """`vifs`: the iface-ids of interfaces that are plugged in and not yet some port's, in turn over the switches."""

    def __init__(self, lab: Lab, controller: Controller) -> None:
        self.lab = lab
        self.controller = controller
        self.vifs: list[str] = []
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

    def take(self, count: int) -> list[str]:
        """Interfaces that nobody else gets."""
        taken, self.vifs = self.vifs[:count], self.vifs[count:]
        if len(taken) < count:
            raise RuntimeError("not enough interfaces are plugged in")
        return taken

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

    def cpu(self) -> float:
        """Seconds of processor time that the controller has used."""
        assert self.controller.process is not None
        fields = Path(f"/proc/{self.controller.process.pid}/stat").read_text().rpartition(")")[2].split()
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
def site(interfaces: int, bare: int = 0) -> Iterator[Site]:
    """`interfaces` real (internal) ones on each hypervisor, then `bare` that have a number but no device."""
    with Lab(HYPERVISORS) as lab:
        controller = Controller(lab)
        controller.start()
        lab.configure(("vxlan",), controller.manager)
        for hypervisor in lab:
            hypervisor.await_bridge()
            hypervisor.interfaces({f"i{number}": _vif(hypervisor, number) for number in range(interfaces)})
            for start in range(0, bare, 500):
                _plug_bare(hypervisor, range(start, min(start + 500, bare)))
        made = Site(lab, controller)
        made.vifs = [_vif(hypervisor, number) for number in range(interfaces) for hypervisor in lab]
        made.vifs += [_vif(hypervisor, number, "bare") for number in range(bare) for hypervisor in lab]
        _await_interfaces(made, len(made.vifs))
        made.settled()
        yield made


def _vif(hypervisor: Hypervisor, number: int, kind: str = "vif") -> str:
    return f"{kind}-{hypervisor.system_id}-{number}"


def _plug_bare(hypervisor: Hypervisor, numbers: range) -> None:
    """Tunnel ports to nowhere: Open vSwitch gives each an OpenFlow number, and all of them share one device."""
    arguments: list[str] = []
    for number in numbers:
        arguments += ["--", "add-port", "br-int", f"b{number}", "--", "set", "interface", f"b{number}", "type=vxlan"]
        arguments += [f"options:remote_ip=203.0.113.{number % 250 + 1}", f"options:key={1_000_000 + number}"]
        arguments += [f"external_ids:iface-id={_vif(hypervisor, number, 'bare')}"]
    hypervisor.vsctl(*arguments[1:], timeout=PATIENCE)


def _await_interfaces(made: Site, count: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while made.controller.metric("tenet_objects") < count:  # of all kinds together
        if time.monotonic() > deadline:
            raise TimeoutError("the controller does not see the interfaces")
        time.sleep(0.05)
