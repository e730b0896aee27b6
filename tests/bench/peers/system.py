"""What is measured of a system: its ports, its VMs, its processes."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol

from tests.lab import Lab, Vm

HYPERVISORS = 4
ENCAPSULATION = "geneve"
PATIENCE = 300.0  # seconds


class System(Protocol):
    """A system on `HYPERVISORS` hypervisors.  "Confirmed": every switch holds all flows that follow from the request.

    No call returns before that.  Networks and ports are named by their ids, interfaces by their iface-ids.
    """

    lab: Lab

    def plug(self, count: int) -> list[str]:
        """Plug `count` interfaces in, in turn over the hypervisors; their iface-ids."""

    def network(self) -> str:
        """A network with a subnet of 65,000 addresses, without a gateway or DHCP."""

    def port(self, network: str, vif: str) -> str:
        """A port for an interface that is plugged in."""

    def ports(self, network: str, vifs: list[str]) -> list[str]:
        """A port for each interface, in one request."""

    def absent(self, network: str, vifs: list[str]) -> list[str]:
        """A port for each of these interfaces, which are nowhere."""

    def remove(self, port: str) -> None:
        """Remove a port."""

    def clear(self, network: str) -> None:
        """Remove a network with its ports."""

    def vm(self, network: str, at: int, name: str) -> Guest:
        """A VM on the hypervisor of that number, with a port of the network."""

    def restart(self, advised: bool) -> None:
        """Kill -9 what controls the switches, and start it again; `advised`: as its manual advises for large sites."""

    def processes(self) -> dict[str, int]:
        """The process ids of all that runs beside Open vSwitch."""


class Guest(NamedTuple):
    vm: Vm
    address: str
    port: str


def memory(pid: int) -> float:
    """MB of a process, of shared pages its share (proportional set size)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no size of process {pid}")
