"""Ports in 10 networks on one router, on both systems: how soon one more is confirmed, and the flows that ports are."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Protocol

from tests.bench.figure import Figure, percentiles
from tests.bench.peers.northbound import wait
from tests.bench.peers.ovn import Ovn, created_port
from tests.bench.peers.system import HYPERVISORS, System
from tests.bench.peers.tenet import Tenet
from tests.bench.peers.turns import Both, bounded, took
from tests.bench.routed import FLOWS, NETWORKS, PORT, Joined

LEVELS, SAMPLES, OWN = (100, 1_000, 2_000), 30, 20
PAUSE, REST = 0.1, 3.0  # seconds


class RoutedSystem(Protocol):
    """10 networks on a router.  Calls return when every switch has confirmed."""

    system: System

    def ports(self, vifs: list[str]) -> None:
        """A port for each interface, in turn over the networks."""

    def port(self, turn: int, vif: str) -> str:
        """One in the network of that turn."""


class TenetRouted:
    def __init__(self, tenet: Tenet) -> None:
        self.system: System = tenet
        self._tenet = tenet
        self._joined = Joined(tenet.fresh(), NETWORKS, 100)
        self._joined.attach_all()

    def ports(self, vifs: list[str]) -> None:
        for turn, network in enumerate(self._joined.networks):
            self._tenet.ports(network, vifs[turn::NETWORKS])

    def port(self, turn: int, vif: str) -> str:
        return self._tenet.port(self._joined.networks[turn % NETWORKS], vif)


class OvnRouted:
    """A logical router with a port in each of the logical switches."""

    def __init__(self, ovn: Ovn) -> None:
        self.system: System = ovn
        self._ovn = ovn
        self._networks = [ovn.network() for _ in range(NETWORKS)]
        self._numbers = itertools.count(10)
        operations = [{"op": "insert", "table": "Logical_Router", "row": {"name": "r"}, "uuid-name": "r"}]
        for turn, network in enumerate(self._networks):
            mac, name = f"02:bb:00:00:00:{turn:02x}", f"rp{turn}"
            port = {"name": name, "mac": mac, "networks": f"10.{100 + turn}.0.1/16"}
            end = {"name": f"sp{turn}", "type": "router", "addresses": "router",
                   "options": ["map", [["router-port", name]]]}  # fmt: skip
            operations += [
                {"op": "insert", "table": "Logical_Router_Port", "row": port, "uuid-name": name},
                {"op": "mutate", "table": "Logical_Router", "where": [["name", "==", "r"]],
                 "mutations": [["ports", "insert", ["named-uuid", name]]]},
                {"op": "insert", "table": "Logical_Switch_Port", "row": end, "uuid-name": f"sp{turn}"},
                {"op": "mutate", "table": "Logical_Switch", "where": [["_uuid", "==", ["uuid", network]]],
                 "mutations": [["ports", "insert", ["named-uuid", f"sp{turn}"]]]},
            ]  # type: ignore[list-item]  # fmt: skip
        ovn.northbound.transact(*operations)
        ovn.northbound.sync()

    def ports(self, vifs: list[str]) -> None:
        operations = [self._port(turn, vif) for turn, vif in enumerate(vifs)]
        self._ovn.northbound.transact(*itertools.chain.from_iterable(operations))
        down: tuple[object, ...] = (["set", []], False)
        plain = [["type", "==", ""]]
        self._ovn.northbound.sync(
            *(wait("Logical_Switch_Port", [*plain, ["up", "==", value]], "up", []) for value in down)
        )

    def port(self, turn: int, vif: str) -> str:
        made = self._ovn.northbound.transact(*self._port(turn, vif))
        port = str(made[0]["uuid"][1])
        up = wait("Logical_Switch_Port", [["_uuid", "==", ["uuid", port]]], "up", [True])
        self._ovn.northbound.sync(up)
        return port

    def _port(self, turn: int, vif: str) -> list[dict[str, object]]:
        number = next(self._numbers)
        mac = (0x02CC00000000 + number).to_bytes(6, "big").hex(":")
        address = f"10.{100 + turn % NETWORKS}.{number >> 8}.{number & 255}"
        return created_port(self._networks[turn % NETWORKS], vif, mac, address)


def measure(both: Both, systems: tuple[RoutedSystem, RoutedSystem]) -> Iterator[Figure]:
    own = [each.system.plug(OWN) for each in systems]
    present, held = 0, []
    for level in LEVELS:
        for each in systems:
            each.ports(each.system.plug(level - present))
        present = level
        time.sleep(REST)
        held.append([_flows(each.system) for each in systems])
        seconds: list[list[float]] = [[], []]
        for turn, (which, each) in itertools.product(range(SAMPLES), enumerate(systems)):
            seconds[which].append(_once(each, turn, own[which][turn % OWN]))
        (ours, ours95), (theirs, theirs95) = (percentiles([each * 1e3 for each in ones]) for ones in seconds)
        details: dict[str, object] = {
            "p95_ms": ours95, "peer_p95_ms": theirs95, "samples": SAMPLES, "networks_on_the_router": NETWORKS,
        }  # fmt: skip
        yield bounded(both, f"routed-port-{level}", "ms", (ours, theirs), PORT, details)
    more = LEVELS[-1] - LEVELS[0]
    ours, theirs = ((held[-1][which] - held[0][which]) / more for which in (0, 1))
    yield bounded(both, "routed-port-flows", "flows", (ours, theirs), FLOWS, {"of": "a port, on each hypervisor"})


def _once(at: RoutedSystem, turn: int, vif: str) -> float:
    made: list[str] = []
    seconds = took(lambda: made.append(at.port(turn, vif)))
    time.sleep(PAUSE)
    at.system.remove(made[0])
    time.sleep(PAUSE)
    return seconds


def _flows(system: System) -> float:
    return sum(len(hypervisor.flows()) for hypervisor in system.lab) / HYPERVISORS
