"""Changes of ports without a pause over 200 simulated switches, with one, two and three members: what each costs.

Everything shares this machine's cores, so more members are not faster here; what counts is that a change costs them
together not much more processor time than it costs one.  Networks whose switches are all mastered by one member are
computed by that one; networks over switches of all members are computed by each.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from tests.bench.figure import Figure
from tests.bench.http import Client, load, request
from tests.bench.members import Member, settled, swarm
from tests.bench.site import refused
from tests.store.etcd_process import Cluster

SWITCHES, PER_SWITCH, SPREAD, SHARE = 200, 20, 10, 2  # a network has SHARE ports on each of SPREAD switches
CLIENTS, CHANGES, RUNS = 12, 2_000, 3
OF_ONE, OF_ALL = 1.25, 1.6  # times the processor time with one member


def measure() -> Iterator[Figure]:
    yield (one := _measure(1, OF_ALL, None))
    for count in (2, 3):
        for wanted in (OF_ONE, OF_ALL):
            yield _measure(count, wanted, one.value)


class Run(NamedTuple):
    """`cost`: µs of all members' processor time a flow update."""

    cost: float
    updates: float
    seconds: float


def _measure(count: int, wanted: float, alone: float | None) -> Figure:
    """`wanted`: times `alone`, OF_ONE for networks over switches of one member, OF_ALL over those of all."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        etcd = Cluster(Path(folder) / "etcd", 1)
        etcd.start()
        stack.callback(etcd.stop)
        members = [Member(stack, Path(folder), number, etcd) for number in range(count)]
        asking = [member.client() for member in members]
        clients = [members[number % count].client() for number in range(CLIENTS)]
        swarm(stack, members, SWITCHES, PER_SWITCH)
        settled(members, asking, SWITCHES)
        switches = _by_master(asking[0]) if wanted == OF_ONE else list(range(SWITCHES))
        ids = _ports(clients, switches)
        settled(members, asking, SWITCHES)
        runs = [_run(members, asking, clients, ids) for _ in range(RUNS)]
        of_one = _of_one(asking[0], switches)
    best = min(runs)
    return Figure(
        name=f"scale-out-{count}, networks of one member" if wanted == OF_ONE else f"scale-out-{count}",
        value=best.cost,
        unit="µs of CPU a flow update",
        at_least=f"{wanted:g} times one member's" if alone else "",
        holds=best.cost <= wanted * alone if alone else None,
        details={
            "members": count, "switches": SWITCHES, "ports": SWITCHES * PER_SWITCH, "clients": CLIENTS,
            "networks_with_switches_of_one_member": of_one, "of": "least", "runs": [run.cost for run in runs],
            "flow_updates_per_s": best.updates / best.seconds, "port_changes_per_s": CHANGES / best.seconds,
            "flow_updates": best.updates, "cpu_ms_a_port_change": best.cost * best.updates / CHANGES / 1e3,
            "times_one_member": best.cost / alone if alone else 1.0,
            "cpu_is": "of all members' processes", "switches_run": "simulated, in a process of their own",
        },
    )  # fmt: skip


def _run(members: list[Member], asking: list[Client], clients: list[Client], ids: list[str]) -> Run:
    """Ports go down and come back."""
    changes = [_switched(ids[number * 7 % len(ids)], False) for number in range(CHANGES // 2)]
    changes += [_switched(ids[number * 7 % len(ids)], True) for number in range(CHANGES // 2)]
    sent, cpu, began = _sent(members, asking), _cpu(members), time.monotonic()
    refused(load(clients, changes), 200)
    settled(members, asking, SWITCHES)
    seconds = time.monotonic() - began
    sent, cpu = _sent(members, asking) - sent, _cpu(members) - cpu
    return Run(cpu / sent * 1e6, sent, seconds)


def _masters(client: Client) -> dict[int, str]:
    """Each switch's master, by the switch's number."""
    switches = client.json("GET", "/tenet/v1/switches")["switches"]
    return {int(each["dpid"], 16) - 1: each["master"] for each in switches}


def _by_master(client: Client) -> list[int]:
    """The switches by their masters, so that all but a few networks have switches of one."""
    masters = _masters(client)
    return sorted(masters, key=lambda switch: (masters[switch], switch))


def _of_one(client: Client, switches: list[int]) -> float:
    """The share of networks whose switches have the same master."""
    masters = _masters(client)
    groups = [{masters[switch] for switch in switches[at : at + SPREAD]} for at in range(0, SWITCHES, SPREAD)]
    return sum(len(group) == 1 for group in groups) / len(groups)


def _ports(clients: list[Client], switches: list[int]) -> list[str]:
    """A port for each port of each switch; ids.  Switches that are next to each other share networks."""
    networks = []
    for number in range(SWITCHES // SPREAD * PER_SWITCH // SHARE):
        made = clients[number % len(clients)].json("POST", "/v2.0/networks", {"network": {"project_id": "bench"}})
        networks.append(made["network"]["id"])
        subnet = {"network_id": networks[-1], "ip_version": 4, "cidr": "10.0.0.0/24", "project_id": "bench"}
        clients[number % len(clients)].json("POST", "/v2.0/subnets", {"subnet": subnet})
    ids: list[str] = []
    for place, switch in enumerate(switches):
        bodies = [
            {"network_id": networks[place // SPREAD * (PER_SWITCH // SHARE) + number // SHARE], "project_id": "bench",
             "binding:profile": {"interface": f"v{switch * PER_SWITCH + number}"}}
            for number in range(PER_SWITCH)
        ]  # fmt: skip
        made = clients[place % len(clients)].json("POST", "/v2.0/ports", {"ports": bodies})
        ids += [port["id"] for port in made["ports"]]
    return ids


def _switched(port_id: str, up: bool) -> bytes:
    return request("PUT", f"/v2.0/ports/{port_id}", {"port": {"admin_state_up": up}})


def _sent(members: list[Member], clients: list[Client]) -> float:
    pairs = zip(members, clients, strict=True)
    return sum(member.metric(client, "tenet_flow_messages_total") for member, client in pairs)


def _cpu(members: list[Member]) -> float:
    return sum(member.cpu() for member in members)
