"""Answers of DNS about own names a second on one member: to questions that come again, and to ones that never do.

20 simulated switches with 50 ports each, in a process of their own, as for `dhcp-rate`.  Each port asks for the name of
another one; then for names that are not there, none twice: nothing that is kept can help.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.bench.dhcp_rate import NETWORKS, PORTS, SWITCHES, Storm
from tests.bench.figure import Figure
from tests.bench.http import Client
from tests.bench.scale_100k import Tenet
from tests.bench.site import cpu

SECONDS, RATE, OTHERS = 10.0, 5_000.0, 40
MODULE = "tests.bench.naming_switches"


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="tenet-bench-") as name, ExitStack() as stack:
        tenet = Tenet(stack, Path(name), SWITCHES)
        client = tenet.start()
        storm = Storm(stack, tenet.openflow, MODULE)
        ports = populate(client)
        tenet.settled(client)
        yield measured(tenet, storm, ports, "dns-own", 0)
        yield measured(tenet, storm, ports, "dns-own-never-asked", OTHERS)


def measured(tenet: Tenet, storm: Storm, ports: dict[str, tuple[str, str, str]], name: str, others: int) -> Figure:
    able = storm.order(leases={vif: (*said, others) for vif, said in ports.items()})["ports"]
    if able != len(ports):
        raise RuntimeError(f"{able} of {len(ports)} ports can ask: {tenet.log.read_text()[-2000:]}")
    storm.order(seconds=2.0)  # whatever is built once
    used = cpu(tenet.process.pid)
    found = storm.order(seconds=SECONDS)
    used = cpu(tenet.process.pid) - used
    rate = found["leases"] / found["seconds"]
    if found["offers"]:
        raise RuntimeError(f"{found['offers']} errors")
    aim = {"at_least": f"{RATE:,.0f} answers/s", "holds": rate >= RATE} if not others else {}
    return Figure(
        name=name, value=rate, unit="1/s", **aim,
        details={"cpu_us": used / max(1, found["leases"]) * 1e6, "cpu_is": "for an answer", "asked_at_once": 16,
                 "answers": found["leases"], "waited_p50_p95_ms": found["waited"], "ports": len(ports),
                 "names_of_a_port": others or 1,
                 "switches_run": "simulated, in a process of their own on this machine"},
    )  # fmt: skip


def populate(client: Client) -> dict[str, tuple[str, str, str]]:
    """Networks and ports with names; of each interface its MAC and address, and the name of another port."""
    found: dict[str, tuple[str, str, str]] = {}
    names = [f"v{number}" for number in range(SWITCHES * PORTS)]
    for turn in range(NETWORKS):
        network = client.json("POST", "/v2.0/networks", {"network": {"project_id": "bench"}})["network"]["id"]
        subnet = {"network_id": network, "project_id": "bench", "ip_version": 4, "cidr": "10.0.0.0/22"}
        client.json("POST", "/v2.0/subnets", {"subnet": subnet})
        body = [
            {"network_id": network, "project_id": "bench", "binding:profile": {"interface": name}, "dns_name": name}
            for name in names[turn::NETWORKS]
        ]
        made = client.json("POST", "/v2.0/ports", {"ports": body})["ports"]
        for each, other in zip(made, [*made[1:], made[0]], strict=True):
            interface = each["binding:profile"]["interface"]
            address = each["fixed_ips"][0]["ip_address"]
            found[interface] = each["mac_address"], address, other["dns_assignment"][0]["fqdn"]
    return found
