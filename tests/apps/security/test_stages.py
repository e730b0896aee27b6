"""What ports with security groups may do whatever their rules say, and what they may not; what no rule can name."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from controller.compile.catalogue import apps
from controller.compile.compiler import Compiler
from controller.flow import Rates
from controller.flow.ranges import covering
from controller.model.rows import Port, Row
from tests.apps.clouds import four, group, mac, network, plugged, port, rule, six, switch
from tests.world import Said, World

EVERYBODY = "ff:ff:ff:ff:ff:ff"
UDP4: Said = {"eth_type": 0x0800, "ip_proto": 17}
UDP6: Said = {"eth_type": 0x86DD, "ip_proto": 17}
ICMP6: Said = {"eth_type": 0x86DD, "ip_proto": 58}
ALWAYS: dict[str, Said] = {
    "ARP": {"eth_type": 0x0806, "arp_op": 1, "arp_sha": mac(1), "arp_spa": four(1), "arp_tpa": four(9)},
    "asks for an address": {**UDP4, "ipv4_dst": "255.255.255.255", "udp_src": 68, "udp_dst": 67},
    "asks for an IPv6 address": {**UDP6, "ipv6_src": six(1), "ipv6_dst": "ff02::1:2", "udp_src": 546, "udp_dst": 547},
    "asks for routers": {**ICMP6, "ipv6_src": six(1), "ipv6_dst": "ff02::2", "icmpv6_type": 133},
    "asks for a neighbour": {**ICMP6, "ipv6_src": six(1), "ipv6_dst": "ff02::1:ff00:2", "icmpv6_type": 135,
                             "nd_target": six(2)},
    "tells a neighbour": {**ICMP6, "ipv6_src": six(1), "ipv6_dst": "ff02::1", "icmpv6_type": 136, "nd_target": six(1)},
    "joins a group": {**ICMP6, "ipv6_src": six(1), "ipv6_dst": "ff02::16", "icmpv6_type": 143},
}  # fmt: skip
NEVER: dict[str, Said] = {
    "gives out addresses": {**UDP4, "ipv4_src": four(1), "ipv4_dst": four(2), "udp_src": 67, "udp_dst": 68},
    "gives out IPv6 addresses": {**UDP6, "ipv6_src": six(1), "ipv6_dst": six(2), "udp_src": 547, "udp_dst": 546},
    "is a router": {**ICMP6, "ipv6_src": six(1), "ipv6_dst": "ff02::1", "icmpv6_type": 134},
    "another ethertype": {"eth_type": 0x88B5},
}


def two(groups: tuple[str, ...] | None, *more: Row) -> World:
    """alice, with groups, on h1; bob, open, on h2, where he answers."""
    return World(
        switch(1), switch(2), network("red"), replace(port("alice", "red", 1), security_groups=groups),
        plugged("alice", 1, 1), port("bob", "red", 2), plugged("bob", 2, 1), *more,
    )  # fmt: skip


ALLOWING = [
    group("all", 7),
    *(rule(f"{way}{v}", "all", way, family=v) for way in ("egress", "ingress") for v in (4, 6)),
]


@pytest.mark.parametrize("what", ALWAYS)
def test_without_any_rule_it_may(what: str) -> None:
    assert two(()).send("alice", eth_src=mac(1), eth_dst=EVERYBODY, **ALWAYS[what]).ports == ["bob"]


@pytest.mark.parametrize("what", NEVER)
def test_whatever_its_rules_it_may_not(what: str) -> None:
    for to in (EVERYBODY, mac(2)):
        assert two(("all",), *ALLOWING).send("alice", eth_src=mac(1), eth_dst=to, **NEVER[what]).ports == []


@pytest.mark.parametrize("what", [{"owner": "network:dhcp"}, {"security": False}, {"groups": None}], ids=str)
def test_without_a_filter_it_may_serve(what: dict[str, object]) -> None:
    world = two(())
    alice = world.model.rows(Port)["alice"]
    world.put(replace(
        alice, device_owner=str(what.get("owner", "")), port_security=bool(what.get("security", True)),
        security_groups=None if "groups" in what else (),
    ))  # fmt: skip
    sent = world.send("alice", eth_src=mac(1), eth_dst=mac(2), **NEVER["gives out addresses"])
    assert sent.ports == ["bob"]


@pytest.mark.parametrize("to", [EVERYBODY, mac(1)])
def test_without_any_rule_it_hears_what_it_needs(to: str) -> None:
    world = two(())
    world.put(replace(world.model.rows(Port)["bob"], port_security=False))
    answers: list[Said] = [
        NEVER["is a router"], {**NEVER["gives out addresses"], "ipv4_src": four(2)},
        {"eth_type": 0x0806, "arp_op": 1, "arp_sha": mac(2), "arp_spa": four(2), "arp_tpa": four(9)},
        {**ICMP6, "ipv6_src": six(2), "ipv6_dst": "ff02::1", "icmpv6_type": 130},
    ]  # fmt: skip
    for said in answers:
        assert world.send("bob", eth_src=mac(2), eth_dst=to, **said).ports == ["alice"]
    ping: Said = {"eth_type": 0x0800, "ipv4_src": four(2), "ipv4_dst": four(1), "ip_proto": 1, "icmpv4_type": 8}
    assert world.send("bob", eth_src=mac(2), eth_dst=to, **ping).ports == []
    assert world.send("bob", eth_src=mac(2), eth_dst=to, eth_type=0x88B5).ports == []


def test_permitted_ethertypes() -> None:
    world = two(())
    world.compiler = Compiler(world.model, apps(Rates(1000), (0x88B5,)))
    world.put()
    for to in (EVERYBODY, mac(2)):
        assert world.send("alice", eth_src=mac(1), eth_dst=to, eth_type=0x88B5).ports == ["bob"]
        assert world.send("alice", eth_src=mac(1), eth_dst=to, eth_type=0x88B6).ports == []
    for to in (EVERYBODY, mac(1)):
        assert world.send("bob", eth_src=mac(2), eth_dst=to, eth_type=0x88B5).ports == ["alice"]


def test_nothing_is_allowed_by_a_group_that_is_gone() -> None:
    world = two(("all",), *ALLOWING)
    ping: Said = {"eth_type": 0x0800, "ipv4_src": four(1), "ipv4_dst": four(2), "ip_proto": 1, "icmpv4_type": 8}
    assert world.send("alice", eth_src=mac(1), eth_dst=mac(2), **ping).ports == ["bob"]
    world.put("security_group/all")
    assert world.send("alice", eth_src=mac(1), eth_dst=mac(2), **ping).ports == []


@pytest.mark.parametrize("protocol", ["dccp 80", "udplite 80"])
def test_ports_that_the_switch_cannot_see_are_not_allowed(protocol: str) -> None:
    world = two(("g",), group("g", 7), rule("r", "g", "egress", protocol))
    number = {"dccp 80": 33, "udplite 80": 136}[protocol]
    sent: Said = {"eth_type": 0x0800, "ipv4_src": four(1), "ipv4_dst": four(2), "ip_proto": number}
    assert world.send("alice", eth_src=mac(1), eth_dst=mac(2), **sent).ports == []
    world.put(rule("r", "g", "egress", protocol.partition(" ")[0]))
    assert world.send("alice", eth_src=mac(1), eth_dst=mac(2), **sent).ports == ["bob"]


def test_two_groups_that_name_each_other() -> None:
    """Each switch carries both address sets, and a member of either reaches the other."""
    rows = [group("a", 7), group("b", 8)]
    for one, other in (("a", "b"), ("b", "a")):
        rows += [rule(f"{one}-{way}", one, way, remote_group_id=other) for way in ("egress", "ingress")]
    world = two(("a",), *rows)
    world.put(replace(world.model.rows(Port)["bob"], security_groups=("b",)))
    ping: Said = {"eth_type": 0x0800, "ip_proto": 1, "icmpv4_type": 8}
    assert world.send("alice", eth_src=mac(1), eth_dst=mac(2), ipv4_src=four(1), ipv4_dst=four(2), **ping).ports
    assert world.send("bob", eth_src=mac(2), eth_dst=mac(1), ipv4_src=four(2), ipv4_dst=four(1), **ping).ports
    world.put(replace(world.model.rows(Port)["bob"], security_groups=("a",)))
    assert not world.send("alice", eth_src=mac(1), eth_dst=mac(2), ipv4_src=four(1), ipv4_dst=four(2), **ping).ports


def test_ranges_of_ports() -> None:
    every = range(1 << 8)
    for first in every:
        for last in range(first, 1 << 8):
            masks = list(covering(first, last, 8))
            assert len(masks) <= 14
            met = [sum(number & mask == value for value, mask in masks) for number in every]
            assert met == [int(first <= number <= last) for number in every]
    assert len(list(covering(1, 65534))) == 30 and list(covering(0, 65535)) == [(0, 0)]
