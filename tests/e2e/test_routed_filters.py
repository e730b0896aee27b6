"""Routers between filtered ports on real Open vSwitch: fragments, verdicts, and that nobody else is a router."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab import Vm
from tests.lab.cloud import Body, Cloud, cloud, until
from tests.lab.frames import ARP, BROADCAST, arp, ethernet, mac

NETWORKS = {"a": 1, "b": 2}
LARGE = 3000  # bytes of a ping that is sent in three fragments
FAMILIES = [4, 6]


def address(network: str, host: int, family: int = 4) -> str:
    return f"10.0.{NETWORKS[network]}.{host}" if family == 4 else f"fd00:{NETWORKS[network]}::{host:x}"


class World:
    """alice in network `a`; bob on another hypervisor, and bea on hers, in `b`: alice's group alone may ping them.

    ann, in `a`, has no port security.
    """

    def __init__(self, made: Cloud) -> None:
        self.cloud, self.api = made, made.v2("red")
        self.networks = {name: self.api.network(name) for name in NETWORKS}
        router = self.api.router("r")
        for name in NETWORKS:
            for family, cidr in ((4, f"{address(name, 0)}/24"), (6, f"{address(name, 0, 6)}/64")):
                gateway = address(name, 254, family)
                subnet = self.api.subnet(self.networks[name], cidr, gateway_ip=gateway)
                self.api.interface(router, subnet_id=subnet["id"])
        asking, served = self.api.group("asking"), self.api.group("served")
        for kind, protocol in (("IPv4", "icmp"), ("IPv6", "ipv6-icmp")):
            self.api.rule(served, "ingress", protocol, ethertype=kind, remote_group_id=asking["id"])
        self.alice = self._vm("a", 1, 0, security_groups=[asking["id"]])
        self.bob = self._vm("b", 1, 1, security_groups=[served["id"]])
        self.bea = self._vm("b", 2, 0, security_groups=[served["id"]])
        self.ann = self._vm("a", 3, 1, port_security_enabled=False)

    def _vm(self, network: str, host: int, at: int, **more: object) -> Vm:
        row = self.networks[network]
        port: Body = self.api.port(row, address(network, host), address(network, host, 6), **more)
        vm = self.cloud.start(self.cloud[at], port, mtu=row["mtu"])
        for family, option in ((4, "-4"), (6, "-6")):
            vm.exec("ip", option, "route", "add", "default", "via", address(network, 254, family))
        return vm


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with cloud([["vxlan"]] * 2) as made:
        yield World(made)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("host", [1, 2])
def test_filtered_ports_reach_each_other_over_a_router(world: World, family: int, host: int) -> None:
    """On one switch and on two; fragments are tracked by the sender's switch and by the receiver's."""
    to = address("b", host, family)
    assert world.alice.reaches(to)
    assert world.alice.ping(to, size=LARGE).lost == 0


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("of", ["a", "b"])
def test_a_router_answers_a_filtered_port(world: World, family: int, of: str) -> None:
    to = address(of, 254, family)
    assert world.alice.reaches(to)
    assert world.alice.ping(to, size=LARGE).lost == 0, "in fragments, too"


@pytest.mark.parametrize("family", FAMILIES)
def test_who_no_rule_allows_is_refused_behind_a_router_too(world: World, family: int) -> None:
    assert world.ann.reaches(address("a", 254, family))
    assert world.ann.ping(address("b", 1, family), wait=0.5).received == 0
    assert world.bob.ping(address("a", 1, family), wait=0.5).received == 0, "alice's group lets nobody in"


def test_a_duplicate_of_a_routers_address_is_noticed(world: World) -> None:
    """By the kernel of a VM that is to have it (RFC 4862)."""
    taken = address("a", 254, 6)
    world.ann.exec("sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=1")
    world.ann.exec("ip", "addr", "add", f"{taken}/64", "dev", "eth0")
    try:
        assert until(lambda: "dadfailed" in world.ann.exec("ip", "addr", "show", "dev", "eth0"), 10.0)
    finally:
        world.ann.exec("ip", "addr", "del", f"{taken}/64", "dev", "eth0")


def test_a_port_without_port_security_is_not_taken_for_the_router(world: World) -> None:
    router = address("a", 254)
    assert world.alice.reaches(router)
    known = world.alice.knows(router)
    claims = [ethernet(to, world.ann.mac, ARP, arp(operation, world.ann.mac, router, address("a", 1)))
              for to in (BROADCAST, world.alice.mac) for operation in (1, 2)]  # fmt: skip
    with world.alice.capture() as heard:
        world.ann.send(*claims)
        assert heard.frames(lambda frame: mac(world.ann.mac) + ARP.to_bytes(2, "big") in frame) == []
    assert world.alice.knows(router) == known and world.alice.ping(address("b", 1)).lost == 0


def test_a_trace_goes_through_the_router_and_the_filters(world: World) -> None:
    ends = {name: vm.iface_id for name, vm in (("from", world.alice), ("to", world.bob))}
    reply = world.cloud.controller.api("GET", f"/tenet/v1/trace?from={ends['from']}&to={ends['to']}")
    assert reply.status == 200
    asked, sent = reply.json["trace"]["frames"]
    assert asked["answered"] and sent["arrives"], (asked["verdict"], sent["verdict"])
    (router,) = [each for hop in sent["hops"] for each in hop["routers"]]
    assert router["route"] == f"{address('b', 0)}/24" and router["resolved"] == f"port/{ends['to']}"
    assert [each["passed"] for hop in sent["hops"] for each in hop["filters"]] == [True, True]
