"""Three members are restarted one after the other while 10 real switches carry 1,000 packets a second."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.bench.figure import Figure
from tests.cluster.site import messages, site

HYPERVISORS, MEMBERS, FLOWS = 10, 3, 5
INTERVAL = 0.007  # seconds between pings of each pair: 5 pairs, there and back, make 1,000 packets a second and more


def measure() -> Iterator[Figure]:
    with site(HYPERVISORS, MEMBERS) as made:
        project = made.cloud.v2("bench")
        network = project.network()
        project.subnet(network, "10.0.0.0/24")
        ports = [project.port(network) for _ in range(HYPERVISORS)]
        vms = [made.cloud.start(made.lab[n], port) for n, port in enumerate(ports)]
        addresses = [port["fixed_ips"][0]["ip_address"] for port in ports]
        for n in range(FLOWS):
            if not vms[n].reaches(addresses[n + FLOWS]):
                raise RuntimeError("the VMs do not reach each other")
        made.settled()
        traffic = [vms[n].pinging(addresses[n + FLOWS], INTERVAL) for n in range(FLOWS)]
        began = time.monotonic()
        sent = 0.0
        for member in made.members:
            before = messages([each for each in made.members if each is not member])
            member.stop()
            member.start()
            made.settled()
            sent += messages(made.members) - before
        took = time.monotonic() - began
        lost = sum(len(each.stop()) for each in traffic)
        answered = sum(len(each.answered()) for each in traffic)
    yield Figure(
        name="rolling-restart",
        value=lost,
        unit="packets lost",
        at_least="0, and 0 flow messages",
        holds=lost == 0 and sent == 0,
        details={
            "flow_messages": sent, "members": MEMBERS, "switches": HYPERVISORS, "pings_answered": answered,
            "seconds": took, "packets_per_s": 2 * answered / took,
        },
    )  # fmt: skip
