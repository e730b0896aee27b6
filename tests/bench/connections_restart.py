"""kill -9 of the controller under 1,000 connections through security groups: packets lost, flow messages sent."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing

from tests.bench.figure import Figure
from tests.bench.peers.system import Guest
from tests.bench.security_groups import OPERATOR, RULES, group
from tests.bench.site import PORTS, Site, port, site
from tests.lab.netns import socket_in
from tests.lab.talk import Listener, Talk

EACH = 250  # connections a protocol and a place
FIRST = 20_000  # destination port
QUIET = 2.0  # seconds of traffic before and after
LATE = 5.0  # seconds after which what was said is lost
NO_PICKUP = {"openflow": {"connection_pickup": 0}}  # nothing passes but what the switches' trackers know


class Traffic(threading.Thread):
    """Round after round, in each connection one end says something and is answered, until `stop`.

    Ends take turns to speak first: a server that may only answer is not heard where a connection is forgotten.
    """

    def __init__(self, talks: Sequence[Talk]) -> None:
        super().__init__(daemon=True)
        self._talks = talks
        self._ended = threading.Event()
        self._rounds = 0
        self.answered = 0
        self.lost = 0

    def run(self) -> None:
        while not self._ended.is_set():
            self.round()

    def round(self) -> None:
        for talk in self._talks:
            ends = (talk.client_says, talk.server_says)
            first, second = ends if self._rounds % 2 == 0 else reversed(ends)
            if first(b"?", LATE) and second(b"!", LATE):
                self.answered += 1
            else:
                self.lost += 1
        self._rounds += 1

    def stop(self) -> None:
        """End with a round of all."""
        self._ended.set()
        self.join()
        self.round()


def measure() -> Iterator[Figure]:
    with site(options=NO_PICKUP) as made:
        client, *servers = _guests(made)
        tcp = [talk for server in servers for talk in _streams(client, server)]
        udp = [talk for at, server in enumerate(servers) for talk in _datagrams(client, server, FIRST + at * EACH)]
        traffic = Traffic([*tcp, *udp])
        traffic.round()
        if traffic.lost:
            raise RuntimeError(f"{traffic.lost} connections are not answered to begin with")
        again = sum(talk.retransmitted for talk in tcp)
        traffic.start()
        time.sleep(QUIET)
        began = time.monotonic()
        made.controller.restart()
        made.client = made.connect()
        made.settled()
        took = time.monotonic() - began
        time.sleep(QUIET)
        traffic.stop()
        again = sum(talk.retransmitted for talk in tcp) - again
        sent = made.controller.metric("tenet_flow_messages_total")
        for talk in (*tcp, *udp):
            talk.close()
    lost = traffic.lost + again
    yield Figure(
        name="connections-restart", value=lost, unit="packets lost", at_least="0, and 0 flow messages",
        holds=lost == 0 and sent == 0,
        details={
            "flow_messages": sent, "connections_tcp": len(tcp), "connections_udp": len(udp),
            "not_answered": traffic.lost, "tcp_segments_sent_again": again, "answered": traffic.answered,
            "restart_s": took, "are_between": "VMs of one hypervisor, and of two, half each",
        },
    )  # fmt: skip


def _guests(made: Site) -> list[Guest]:
    """A client, which may send anything, and two servers, which may only answer: beside it, and on another host."""
    asking = group(made)
    numbers: dict[str, object] = {"port_range_min": FIRST, "port_range_max": FIRST + 2 * EACH - 1}
    allowed: dict[str, object] = {"direction": "ingress", "ethertype": "IPv4", "remote_group_id": asking, **OPERATOR}
    serving = group(made, *({**allowed, **numbers, "protocol": protocol} for protocol in ("tcp", "udp")))
    found = made.client.json("GET", f"{RULES}?fields=id&security_group_id={serving}&direction=egress")
    for rule in found["security_group_rules"]:
        made.client.json("DELETE", f"{RULES}/{rule['id']}")
    network = made.network()
    return [
        _guest(made, network, at, name, of)
        for at, name, of in ((0, "client", asking), (0, "near", serving), (1, "far", serving))
    ]


def _guest(made: Site, network: str, at: int, name: str, of: str) -> Guest:
    body = {**port(network, name), "security_groups": [of]}
    there = made.client.json("POST", PORTS, {"port": body})["port"]
    address = there["fixed_ips"][0]["ip_address"]
    vm = made.lab.vm(made.lab[at], name, f"{address}/16", mac=there["mac_address"], iface_id=name)
    made.active(there["id"])
    return Guest(vm, address, there["id"])


def _streams(client: Guest, server: Guest) -> list[Talk]:
    with closing(Listener(server.vm, server.address, FIRST)) as listener:
        return [listener.accept(client.vm) for _ in range(EACH)]


def _datagrams(client: Guest, server: Guest, first: int) -> Iterator[Talk]:
    """UDP from a port to the same: each connection has one of its own."""
    for number in range(first, first + EACH):
        ends = [(client, (server.address, number)), (server, (client.address, number))]
        yield Talk(*(_bound(guest, number, to) for guest, to in ends))


def _bound(guest: Guest, number: int, to: tuple[str, int]) -> socket.socket:
    made = socket_in(guest.vm.namespace, socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((guest.address, number))
    made.connect(to)
    return made
