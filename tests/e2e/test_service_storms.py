"""A tenant's storm of questions to its network: others are answered at the first time of asking."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager

import pytest

from tests.lab import Vm, frames
from tests.lab.cloud import Body, Cloud, cloud
from tests.lab.dhcp import ACK, Client, discover
from tests.lab.netns import socket_in

RATE = 20  # questions a second of one port
LEASES = 20


class World:
    """Red's VM asks without end; blue's VM is on the same hypervisor, and green's on another."""

    def __init__(self, made: Cloud) -> None:
        self.cloud = made
        self.red, self.blue, self.green = (
            self._boot(made, name, at) for name, at in (("red", 0), ("blue", 0), ("g", 1))
        )

    def _boot(self, made: Cloud, project: str, at: int) -> Vm:
        v2 = made.v2(project)
        network = v2.network()
        v2.subnet(network, "10.0.0.0/24")
        v2.subnet(network, "2001:db8::/64", ipv6_ra_mode="slaac", ipv6_address_mode="slaac")
        port: Body = v2.port(network)
        return made.start(made[at], {**port, "fixed_ips": []})

    def asked(self) -> float:
        return self.cloud.controller.metric("tenet_service_frames_total")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with cloud([["vxlan"]] * 2, {"services": {"rate": RATE}}) as made:
        yield World(made)


def questions(vm: Vm) -> list[bytes]:
    """DHCP for both versions, a router solicitation, a name."""
    link_local = "fe80::1"
    query = b"\0\7\1\0\0\1\0\0\0\0\0\0\3www\7example\3com\0\0\1\0\1"
    return [
        discover(vm.mac, 1),
        frames.ethernet("33:33:00:01:00:02", vm.mac, frames.IPV6, frames.ipv6(
            link_local, "ff02::1:2", frames.UDP, frames.udp(546, 547, b"\1\0\0\1"))),
        frames.ethernet("33:33:00:00:00:02", vm.mac, frames.IPV6, frames.ipv6(
            "::", "ff02::2", 58, b"\x85\0\x7a\x36" + bytes(4))),
        frames.ethernet("0a:54:4e:f0:00:01", vm.mac, frames.IPV4, frames.ipv4(
            "10.0.0.2", "169.254.169.254", frames.UDP, frames.udp(4000, 53, query))),
    ]  # fmt: skip


@contextmanager
def storm(vm: Vm, said: Sequence[bytes]) -> Iterator[list[int]]:
    """As many frames as a thread can send; how many, once it is over."""
    over, sent = threading.Event(), [0]
    raw = socket_in(vm.namespace, socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind(("eth0", 0))

    def send() -> None:
        while not over.is_set():
            for frame in said:
                raw.send(frame)
            sent[0] += len(said)
            time.sleep(0.0005)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield sent
    finally:
        over.set()
        thread.join()
        raw.close()


def test_who_asks_without_end_slows_nobody_else(world: World) -> None:
    with ExitStack() as stack:
        clients = [
            stack.enter_context(closing(Client(vm.namespace, vm.mac))) for vm in (world.blue, world.green)
        ]  # fmt: skip
        before, began = world.asked(), time.monotonic()
        sent = stack.enter_context(storm(world.red, questions(world.red)))
        for _ in range(LEASES):
            for client in clients:
                offer, _ = client.discover()
                assert offer is not None, "not answered at the first time of asking"
                told, _ = client.request(offer)
                assert told is not None and told.kind == ACK
            time.sleep(0.15)  # so that their own shares are enough
        handled, took = world.asked() - before, time.monotonic() - began
        own = 2 * 2 * LEASES
        assert sent[0] > 4 * RATE * (took + 1), "that is no storm"
        assert handled - own <= RATE * (took + 2), "one port's share, and one burst"
    with closing(Client(world.red.namespace, world.red.mac)) as client:
        time.sleep(1.5)  # its share is its own again
        assert client.lease().kind == ACK
