"""DISCOVER to OFFER and REQUEST to ACK of one VM, on a site at rest; dnsmasq and OVN beside it, under the same client.

The three take turns, so that what else the machine does falls on all.  dnsmasq answers at a port of the client's own
switch, OVN's controller on the client's own hypervisor, Tenet's over a network for management.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import NamedTuple

from tests.bench.figure import Figure, against, percentiles
from tests.bench.peers import ovn
from tests.bench.peers.dnsmasq import dnsmasq
from tests.bench.peers.dnsmasq import version as version_of_dnsmasq
from tests.bench.peers.tenet import tenet
from tests.bench.site import cpu
from tests.lab.dhcp import Client, Message

SAMPLES, PAUSE = 300, 0.02  # of each server; seconds between two
P50, P95 = 3.0, 8.0  # ms
ROUTER_MAC, SERVER, LEASE = "02:dd:00:00:00:01", "10.0.0.1", 86_400  # of OVN's network


class Server(NamedTuple):
    """A client, and how long it has waited for offers and acknowledgements, in seconds."""

    client: Client
    offers: list[float]
    acks: list[float]


def measure() -> Iterator[Figure]:
    with ExitStack() as stack:
        ours = stack.enter_context(tenet())
        vm = ours.vm(ours.network(), 0, "client").vm
        theirs = stack.enter_context(ovn.ovn())
        others = served(theirs).vm, stack.enter_context(dnsmasq())
        servers = [
            Server(stack.enter_context(closing(Client(each.namespace, each.mac))), [], []) for each in (vm, *others)
        ]
        time.sleep(3.0)  # what the new ports have set going
        (pid,) = ours.processes().values()
        used = cpu(pid)
        for _ in range(SAMPLES):
            for server in servers:
                once(server)
                time.sleep(PAUSE)
        used = cpu(pid) - used
        version = ovn.version()
    for name, place in (("offer", 1), ("ack", 2)):
        tenets, ovns, dnsmasqs = (percentiles([each * 1e3 for each in server[place]]) for server in servers)
        yield Figure(
            name=f"dhcp-{name}", value=tenets[0], unit="ms", peer=dnsmasqs[0], ratio=against(dnsmasqs[0], tenets[0]),
            peer_is=f"dnsmasq {version_of_dnsmasq()} on the client's own switch",
            at_least=f"p50 {P50:g}, p95 {P95:g} ms", holds=tenets[0] <= P50 and tenets[1] <= P95,
            details={
                "p95_ms": tenets[1], "dnsmasq_p95_ms": dnsmasqs[1], "ovn_p50_ms": ovns[0], "ovn_p95_ms": ovns[1],
                "ovn": version, "samples": SAMPLES, "worst_ms": max(servers[0][place]) * 1e3,
                "controller_cpu_ms_a_lease": used / SAMPLES * 1e3,
            },
        )  # fmt: skip


def once(server: Server) -> None:
    offer, waited = server.client.discover()
    if offer is None:
        raise TimeoutError(f"{server.client.mac}: no offer")
    ack, waited_again = server.client.request(offer)
    check(offer, ack)
    server.offers.append(waited)
    server.acks.append(waited_again)


def check(offer: Message, ack: Message | None) -> None:
    if ack is None or ack.address != offer.address or ack.lease != LEASE:
        raise RuntimeError(f"offered: {offer}; acknowledged: {ack}")


def served(system: ovn.Ovn) -> ovn.Guest:
    """A VM of a network whose DHCP OVN's controllers answer."""
    guest = system.vm(system.network(), 0, "client")
    options = {"server_id": SERVER, "server_mac": ROUTER_MAC, "lease_time": str(LEASE), "router": SERVER}
    row = {"cidr": "10.0.0.0/16", "options": ["map", list(map(list, options.items()))]}
    system.northbound.transact(
        {"op": "insert", "table": "DHCP_Options", "row": row, "uuid-name": "options"},
        {"op": "update", "table": "Logical_Switch_Port", "where": [["_uuid", "==", ["uuid", guest.port]]],
         "row": {"dhcpv4_options": ["named-uuid", "options"]}},
    )  # fmt: skip
    system.northbound.sync()
    return guest
