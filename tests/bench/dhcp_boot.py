"""1,000 VMs on four hypervisors that boot at once: until the last one has its lease.

Each VM is an internal port of its switch, at which a client speaks DHCP by a packet socket.  All clients are one
process, which costs the machine less than a thousand kernels and clients would.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

from apps.services.served import AT_ONCE
from tests.bench.figure import Figure, percentiles
from tests.bench.http import request
from tests.bench.site import HYPERVISORS, Site, site
from tests.lab.boots import AGAIN, Boot, boot
from tests.lab.dhcp import Client
from tests.lab.netns import inside, ip, run

VMS, NETWORKS, TURNS = 1_000, 10, 3
ALL, MOST, PATIENCE = 2.0, 2, 30.0  # seconds until all have leases; how often a client asks; seconds until it gives up


def measure() -> Iterator[Figure]:
    with site() as made, ExitStack() as stack:
        clients = [stack.enter_context(closing(each)) for each in booting(made, VMS)]
        for turn in range(TURNS):
            used, switches = made.cpu(), made.switches_cpu()
            began, boots = boot(clients, PATIENCE)
            yield _figure(turn, began, boots, made.cpu() - used, made.switches_cpu() - switches)
            time.sleep(AT_ONCE)  # until the project may ask as much at once again


def _figure(turn: int, began: float, boots: list[Boot], used: float, switches: float) -> Figure:
    leased = [each.leased - began for each in boots if each.leased]
    without = len(boots) - len(leased)
    asked = max(max(each.asked) for each in boots)
    last = max(leased, default=PATIENCE)
    p50, p95 = percentiles(leased) if len(leased) > 1 else (0.0, 0.0)
    again = sum(count - 1 for each in boots for count in each.asked if count)
    return Figure(
        name=f"dhcp-boot-{turn + 1}", value=last, unit="s", at_least=f"{ALL:g} s, none asks {MOST + 1} times",
        holds=last <= ALL and asked <= MOST and not without,
        details={
            "vms": len(boots), "without_a_lease": without, "most_asked": asked, "asked_again": again,
            "asks_again_after_s": AGAIN, "p50_s": p50, "p95_s": p95, "networks": NETWORKS,
            "controller_cpu_ms_a_lease": used / len(boots) * 1e3, "switches_cpu_s": switches,
            "clients_run": "in the benchmark's process, on the machine's cores",
        },
    )  # fmt: skip


def booting(made: Site, vms: int) -> list[Client]:
    """A client for each of `vms` ports, in turn over hypervisors and networks; all ports are ACTIVE."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, vms + 1_000)), hard))
    for hypervisor in made.lab:  # their interfaces say nothing of their own
        run(inside(hypervisor.namespace, ["sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"]))
    vifs = made.plug(vms)
    for hypervisor in made.lab:
        ip([f"link set i{number} up" for number in range(made.plugged)], hypervisor.namespace)
    places = {vif: (made.lab[turn % HYPERVISORS], f"i{turn // HYPERVISORS}") for turn, vif in enumerate(vifs)}
    each = -(-len(vifs) // NETWORKS)
    for start in range(0, len(vifs), each):
        made.ports(made.network(), vifs[start : start + each])
    made.settled()
    reply = made.client.ask(request("GET", "/v2.0/ports?fields=mac_address&fields=binding:profile&device_owner="))
    macs = {port["binding:profile"]["interface"]: port["mac_address"] for port in json.loads(reply.body)["ports"]}
    return [Client(at.namespace, macs[vif], name) for vif, (at, name) in places.items()]
