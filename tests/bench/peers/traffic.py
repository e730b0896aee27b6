"""TCP throughput, and small packets a second, between two VMs on one and on two hypervisors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from itertools import product
from typing import NamedTuple

from tests.bench.figure import Figure
from tests.bench.peers.system import Guest, System
from tests.bench.peers.turns import NOT_BEHIND, Both, compared
from tests.bench.site import cpu
from tests.lab.netns import CommandFailed, inside
from tests.lab.processes import Process

TURNS, SECONDS = 8, 1
SMALL = 64  # bytes of UDP payload
TRIES = 20  # of an iperf3 whose server is not listening yet


class Guests:
    """Two VMs on the first hypervisor and one on the second, the latter two of which serve iperf3."""

    def __init__(self, system: System) -> None:
        self.system = system
        network = system.network()
        self.each: list[Guest] = [system.vm(network, at, f"vm{number}") for number, at in enumerate((0, 0, 1))]
        for number, (vm, address, _) in enumerate(self.each[1:]):
            if not self.each[0].vm.reaches(address):
                raise RuntimeError(f"the VMs do not reach each other: {address}")
            server = Process(inside(vm.namespace, ["iperf3", "-s"]), system.lab.directory / f"iperf3-{number}.log")
            system.lab.at_end(server.kill)

    def iperf(self, server: int, *options: str) -> dict[str, dict[str, float]]:
        """The end of iperf3's report, from the first VM to that of this number."""
        client, address = self.each[0].vm, self.each[server].address
        argv = ["iperf3", "-J", "-t", str(SECONDS), "-c", address, *options]
        for _ in range(TRIES):
            try:
                end: dict[str, dict[str, float]] = json.loads(client.exec(*argv))["end"]
            except CommandFailed:
                time.sleep(0.1)
            else:
                return end
        raise RuntimeError(f"{' '.join(argv)} does not get through")

    def switches_cpu(self) -> float:
        """Seconds of processor time that all ovs-vswitchd have used."""
        return sum(cpu(hypervisor.switch.pid) for hypervisor in self.system.lab if hypervisor.switch is not None)


def throughput(guests: Guests, server: int) -> float:
    """Mbit/s of one TCP connection."""
    return guests.iperf(server)["sum_received"]["bits_per_second"] / 1e6


def _packets(guests: Guests, server: int) -> float:
    """Thousand small UDP packets a second that arrive."""
    seen = guests.iperf(server, "-u", "-b", "0", "-l", str(SMALL))["sum"]
    return (seen["packets"] - seen["lost_packets"]) / seen["seconds"] / 1e3


def once(rate: Callable[[Guests, int], float], guests: Guests, server: int) -> tuple[float, float]:
    """A rate, and the ms of processor time that the switches needed for a unit of it."""
    before = guests.switches_cpu()
    value = rate(guests, server)
    return value, (guests.switches_cpu() - before) * 1e3 / (value * SECONDS)


class Kind(NamedTuple):
    name: str
    unit: str
    is_: str
    rate: Callable[[Guests, int], float]


KINDS = (
    Kind("tcp", "Mbit/s", "one connection, MTU 1,400", throughput),
    Kind("packets", "1,000/s", f"UDP with {SMALL} bytes, as many as can be sent; those that arrive", _packets),
)
PLACES = (("one-hypervisor", 1), ("two-hypervisors", 2))


def measure(both: Both, guests: tuple[Guests, Guests]) -> Iterator[Figure]:
    """Best of several, for what else the machine does only slows them."""
    for kind, (place, server) in product(KINDS, PLACES):
        rates: list[list[float]] = [[], []]
        work: list[list[float]] = [[], []]
        for turn in range(TURNS):
            for which in (0, 1) if turn % 2 else (1, 0):
                rate, cost = once(kind.rate, guests[which], server)
                rates[which].append(rate)
                work[which].append(cost)
        ours, theirs = rates
        details: dict[str, object] = {
            "is": kind.is_, "of": "best", "runs": ours, "peer_runs": theirs, "seconds_each": SECONDS,
            "switches_cpu_ms_a_unit": min(work[0]), "peer_switches_cpu_ms_a_unit": min(work[1]),
            "a_unit_is": "a Mbit, a thousand packets that arrive",
        }  # fmt: skip
        yield compared(both, f"{kind.name}-{place}", kind.unit, (max(ours), max(theirs)), NOT_BEHIND, details)
