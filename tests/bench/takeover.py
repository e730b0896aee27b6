"""kill -9 of a switch's master: how long until the next API write is on the switch, and what traffic notices."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from tests.bench.figure import Figure
from tests.cluster.site import LEASE, Site, messages, site

ROUNDS = 5
PAUSE = 1.0
INTERVAL = 0.001  # seconds between pings


def measure() -> Iterator[Figure]:
    with site(2, 3) as made:
        project = made.cloud.v2("bench")
        network = project.network()
        project.subnet(network, "10.0.0.0/24")
        ports = [project.port(network) for _ in range(3)]
        one, *_ = (made.cloud.start(made.lab[n % 2], port) for n, port in enumerate(ports))
        address = ports[1]["fixed_ips"][0]["ip_address"]
        if not one.reaches(address):
            raise RuntimeError("the VMs do not reach each other")
        traffic = one.pinging(address, INTERVAL)
        took, sent = zip(*(_round(made, ports[2], bool(n % 2)) for n in range(ROUNDS)), strict=True)
        time.sleep(PAUSE)
        lost = traffic.stop()
        answered = len(traffic.answered())
    yield Figure(
        name="takeover",
        value=max(took),
        unit="s",
        at_least=f"{LEASE + 1:g} s, 0 lost",
        holds=max(took) <= LEASE + 1 and not lost,
        details={
            "each_s": list(took), "lease_s": LEASE, "members": 3, "hypervisors": 2, "pings_answered": answered,
            "pings_lost": len(lost), "flow_messages": list(sent), "flow_messages_are": "of the write that follows",
            "value_is": "the longest, from the kill until a write made then is confirmed by the switch",
        },
    )  # fmt: skip


def _round(made: Site, port: dict[str, Any], up: bool) -> tuple[float, float]:
    """Seconds, and flow messages that the survivors sent."""
    made.settled()
    master = made.master("hv1")
    survivors = [member for member in made.members if member is not master]
    before = messages(survivors)
    time.sleep(PAUSE)
    began = time.monotonic()
    master.kill()
    body = {"port": {"admin_state_up": up}}
    reply = survivors[0].api("PUT", f"/v2.0/ports/{port['id']}", body, {"Prefer": "wait=30"})
    took = time.monotonic() - began
    if reply.status != 200 or reply.json["port"]["status"] != ("ACTIVE" if up else "DOWN"):
        raise RuntimeError(f"{reply.status} {reply.body[:500]!r}")
    sent = messages(survivors) - before
    master.start()
    return took, sent
