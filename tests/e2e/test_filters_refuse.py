"""What filters never let through, what moves with a port, and what goes on without any controller."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.lab import Vm, frames, socket_in
from tests.lab.cloud import Body, Cloud, cloud, until
from tests.lab.talk import Listener

SCTP = 132
SCTP_INIT = "0100001400000001ffffffff0001000100000001"  # (RFC 9260, 3.3.2)


class World:
    """`client` and `server` may talk TCP 443, UDP 53 and SCTP 38412 to the server; `other` is in the client's group."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.api = cloud.v2("red")
        network = self.api.network("n")
        self.api.subnet(network, "10.0.0.0/24")
        asking, self.served = self.api.group("asking"), self.api.group("served")
        for protocol, number in (("tcp", 443), ("udp", 53), ("sctp", 38412)):
            self.api.rule(self.served, "ingress", protocol, number)
        groups = (asking, self.served, asking)
        self.ports: list[Body] = [
            self.api.port(network, f"10.0.0.{n}", security_groups=[group["id"]]) for n, group in enumerate(groups, 1)
        ]
        self.client, self.server, self.other = [cloud.start(cloud[n % 2], port) for n, port in enumerate(self.ports)]
        assert until(lambda: self.client.knows("10.0.0.2") or self.client.ping("10.0.0.2", 1) is None)

    def drops(self, number: int) -> list[dict[str, Any]]:
        reply = self.cloud.controller.api("GET", f"/tenet/v1/ports/{self.ports[number]['id']}/drops")
        return reply.json["drops"]["last"]  # type: ignore[no-any-return]

    def reasons(self, number: int) -> list[str]:
        return [one["reason"] for one in self.drops(number)]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with cloud([["vxlan"]] * 2) as made:
        yield World(made)


def datagrams(vm: Vm, address: str = "", port: int = 0) -> socket.socket:
    made = socket_in(vm.namespace, socket.AF_INET, socket.SOCK_DGRAM)
    made.settimeout(5)
    if port:
        made.bind((address, port))
    return made


def test_an_answer_passes_and_one_of_somebody_else_does_not(world: World) -> None:
    """Also from the same port, to the port that waits for an answer."""
    with closing(datagrams(world.client)) as client, closing(datagrams(world.server, "10.0.0.2", 53)) as server:
        client.sendto(b"question", ("10.0.0.2", 53))
        _, waiting = server.recvfrom(64)
        with closing(datagrams(world.other, "10.0.0.3", 53)) as attacker:
            attacker.sendto(b"forged", waiting)
            assert until(lambda: f"no rule allows udp/{waiting[1]} in from 10.0.0.3" in world.reasons(0))
        server.sendto(b"answer", waiting)
        assert client.recvfrom(64)[0] == b"answer"


def test_a_forged_sender_does_not_get_past_its_own_switch(world: World) -> None:
    forged = frames.ipv4("10.0.0.2", "10.0.0.1", frames.UDP, bytes.fromhex("0035c35000080000"))
    with world.client.capture() as seen:
        world.other.send(frames.ethernet(world.client.mac, world.other.mac, frames.IPV4, forged))
        assert seen.first(lambda frame: forged in frame, 1.0) is None


def test_a_port_cannot_be_a_dhcp_server(world: World) -> None:
    offer = frames.ipv4("10.0.0.3", "10.0.0.1", frames.UDP, bytes.fromhex("0043004400080000"))
    with world.client.capture() as seen:
        world.other.send(frames.ethernet(world.client.mac, world.other.mac, frames.IPV4, offer))
        assert until(lambda: "a port may not be a DHCP server or a router" in world.reasons(2))
        assert seen.first(lambda frame: offer in frame, 0.5) is None


def test_sctp_by_its_ports(world: World) -> None:
    """The kernel has no SCTP: frames by hand, with the checksum that RFC 9260 asks for."""

    def init(to: int) -> bytes:
        head = (40000).to_bytes(2, "big") + to.to_bytes(2, "big") + bytes(8)
        whole = head + bytes.fromhex(SCTP_INIT)
        return whole[:8] + crc32c(whole).to_bytes(4, "little") + whole[12:]

    with world.server.capture() as seen:
        for number in (38412, 38413):
            packet = frames.ipv4("10.0.0.1", "10.0.0.2", SCTP, init(number))
            world.client.send(frames.ethernet(world.server.mac, world.client.mac, frames.IPV4, packet))
        assert seen.first(lambda frame: init(38412) in frame) is not None
        assert seen.first(lambda frame: init(38413) in frame, 1.0) is None
    assert until(lambda: "no rule allows sctp/38413 in from 10.0.0.1" in world.reasons(1))


def crc32c(data: bytes) -> int:
    """Castagnoli's (RFC 9260, appendix A)."""
    value = 0xFFFFFFFF
    for octet in data:
        value ^= octet
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def test_a_connection_moves_with_its_port(world: World) -> None:
    """Its client speaks next: to the new host it is a new connection that the rules allow."""
    with closing(Listener(world.server, "10.0.0.2", 443)) as listener, closing(listener.accept(world.client)) as talk:
        assert talk.client_says(b"from the old host") and talk.server_says(b"to the old host")
        world.client.move(world.cloud[1], "10.0.0.1/24")
        assert until(lambda: world.api.show("port", world.ports[0]["id"])["binding:host_id"] == "hv2")
        assert world.api.status(world.ports[0], "ACTIVE") == "ACTIVE"
        assert talk.client_says(b"from the new host") and talk.server_says(b"to the new host")


def test_filters_without_a_controller(world: World) -> None:
    with closing(Listener(world.server, "10.0.0.2", 443)) as listener, closing(listener.accept(world.other)) as talk:
        world.cloud.controller.kill()
        try:
            assert talk.client_says(b"x") and talk.server_says(b"y") and talk.retransmitted == 0
            listener.accept(world.client).close()
            with closing(Listener(world.server, "10.0.0.2", 444)) as refused:
                assert refused.refuses(world.client)
        finally:
            world.cloud.controller.start()
        world.cloud.connected()
        assert talk.client_says(b"x") and world.cloud.controller.metric("tenet_flow_messages_total") == 0
