"""Security groups between real VMs, on one hypervisor and on two: what passes, what is cut, and what goes on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.lab import Vm, socket_in
from tests.lab.cloud import Body, Cloud, cloud
from tests.lab.talk import Listener, Talk

NEAR, FAR = "10.0.0.2", "10.0.0.3"  # on the client's hypervisor, and on another
SHORT = 1.5  # seconds in which nothing must be heard


class World:
    """A client, who may send to anybody; two servers, who may receive what the tests say, and begin nothing."""

    def __init__(self, cloud: Cloud) -> None:
        self.api = cloud.v2("red")
        network = self.api.network("n")
        self.api.subnet(network, "10.0.0.0/24")
        self.api.subnet(network, "fd00::/64")
        self.asking, self.served = self.api.group("asking"), self.api.group("served")
        for rule in self.served["security_group_rules"]:
            self.api.delete("security_group_rule", rule["id"])
        self.ports: list[Body] = [
            self.api.port(network, f"10.0.0.{n}", f"fd00::{n}", security_groups=[group["id"]])
            for n, group in ((1, self.asking), (2, self.served), (3, self.served))
        ]
        self.client, self.near, self.far = [cloud.start(cloud[n // 2], port) for n, port in enumerate(self.ports)]

    def server(self, address: str) -> Vm:
        return self.near if address == NEAR else self.far

    def opened(self, address: str, number: int) -> Talk:
        with closing(Listener(self.server(address), address, number)) as listener:
            return listener.accept(self.client)

    def rule(self, protocol: str, *ports: int, **more: object) -> Body:
        return self.api.rule(self.served, "ingress", protocol, *ports, **more)

    def end(self, rule: Body) -> None:
        self.api.delete("security_group_rule", rule["id"])


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with cloud([["vxlan"]] * 2) as made:
        yield World(made)


@pytest.mark.parametrize("address", [NEAR, FAR])
def test_a_rule_that_goes_cuts_its_connections_in_both_directions_and_no_other(world: World, address: str) -> None:
    by_group = world.rule("tcp", 7000, 7003, remote_group_id=world.asking["id"])
    by_prefix = world.rule("tcp", 7004, remote_ip_prefix="10.0.0.0/30")
    with (
        closing(world.opened(address, 7000)) as cut, closing(world.opened(address, 7001)) as back,
        closing(world.opened(address, 7004)) as kept,
    ):  # fmt: skip
        for talk in (cut, back, kept):
            assert talk.client_says(b"hello") and talk.server_says(b"hello")
        world.end(by_group)
        assert not cut.client_says(b"lost", SHORT) and not back.server_says(b"lost", SHORT)
        assert kept.client_says(b"on") and kept.server_says(b"on") and kept.retransmitted == 0
    with closing(Listener(world.server(address), address, 7000)) as listener:
        assert listener.refuses(world.client)
    world.end(by_prefix)


@pytest.mark.parametrize("address", [NEAR, FAR])
def test_a_member_that_goes_is_cut(world: World, address: str) -> None:
    rule = world.rule("tcp", 7100, 7101, remote_group_id=world.asking["id"])
    with closing(world.opened(address, 7100)) as talk:
        assert talk.client_says(b"hello")
        other = world.api.group("other")
        world.api.update("port", world.ports[0]["id"], security_groups=[other["id"]])
        assert not talk.client_says(b"lost", SHORT) and not talk.server_says(b"lost", SHORT)
        world.api.update("port", world.ports[0]["id"], security_groups=[world.asking["id"]])
    with closing(world.opened(address, 7101)) as talk:
        assert talk.client_says(b"hello") and talk.server_says(b"hello")
    world.end(rule)


@pytest.mark.parametrize("address", ["10.0.0.2", "10.0.0.3", "fd00::2", "fd00::3"])
def test_echo_with_fragments_one_way_only(world: World, address: str) -> None:
    family = {"ethertype": "IPv6"} if ":" in address else {}
    assert not world.client.ping(address, 1).received
    rule = world.rule("icmpv6" if family else "icmp", 128 if family else 8, 0, **family)
    assert world.client.reaches(address)
    assert world.client.ping(address, 5).lost == 0
    assert world.client.ping(address, 5, size=3000).lost == 0
    assert (
        not world.server(NEAR if address.endswith("2") else FAR).ping("fd00::1" if family else "10.0.0.1", 1).received
    )
    world.end(rule)
    assert not world.client.ping(address, 2).received


@pytest.mark.parametrize("address", [NEAR, FAR])
def test_an_error_about_a_connection_comes_back(world: World, address: str) -> None:
    """Port unreachable (RFC 792), about a datagram that the client sent."""
    rule = world.rule("udp", 5000)
    with closing(socket_in(world.client.namespace, socket.AF_INET, socket.SOCK_DGRAM)) as client:
        client.connect((address, 5000))
        client.settimeout(10)
        client.send(b"anybody?")
        with pytest.raises(ConnectionRefusedError):
            client.recv(100)
    world.end(rule)


@pytest.mark.parametrize("address", [NEAR, FAR])
def test_large_datagrams_pass_whole(world: World, address: str) -> None:
    rule = world.rule("udp", 5001)
    with (
        closing(socket_in(world.client.namespace, socket.AF_INET, socket.SOCK_DGRAM)) as client,
        closing(socket_in(world.server(address).namespace, socket.AF_INET, socket.SOCK_DGRAM)) as server,
    ):
        server.bind((address, 5001))
        server.settimeout(10)
        client.settimeout(10)
        for size in (4000, 100, 4000):
            client.sendto(bytes(size), (address, 5001))
            data, sender = server.recvfrom(5000)
            assert len(data) == size
            server.sendto(bytes(size), sender)
            assert len(client.recv(5000)) == size
        world.end(rule)
        server.settimeout(SHORT)
        client.sendto(bytes(4000), (address, 5001))
        with pytest.raises(TimeoutError):
            server.recv(5000)


def test_a_stateless_group_answers_by_rules_of_its_own(world: World) -> None:
    group = world.api.group("plain", stateful=False)
    for rule in group["security_group_rules"]:
        world.api.delete("security_group_rule", rule["id"])
    world.api.rule(group, "ingress", "udp", 5002)
    world.api.update("port", world.ports[2]["id"], security_groups=[group["id"]])
    with (
        closing(socket_in(world.client.namespace, socket.AF_INET, socket.SOCK_DGRAM)) as client,
        closing(socket_in(world.far.namespace, socket.AF_INET, socket.SOCK_DGRAM)) as server,
    ):
        server.bind((FAR, 5002))
        server.settimeout(10)
        client.settimeout(SHORT)
        client.sendto(b"question", (FAR, 5002))
        _, sender = server.recvfrom(100)
        server.sendto(b"answer", sender)
        with pytest.raises(TimeoutError):
            client.recv(100)
        world.api.rule(group, "egress", "udp")
        server.sendto(b"answer", sender)
        assert client.recv(100) == b"answer"
    world.api.update("port", world.ports[2]["id"], security_groups=[world.served["id"]])
