"""ARP, neighbour discovery and echoes for the addresses of routers; nobody else may claim them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from apps.source import link_local
from controller.model.rows import AddressPair, Port
from tests.apps.clouds import group, rule
from tests.apps.routing.rows import GATEWAY, all_of, attached, four, mac, network, router, six, station, switch
from tests.apps.routing.test_east_west import address, packet
from tests.world import Outcome, Said, World, frame

EVERYBODY = "ff:ff:ff:ff:ff:ff"
HERE, THERE = mac(1, GATEWAY), mac(2, GATEWAY)
MINE = mac(1, 1)


def cloud() -> World:
    """alice, and lea of Quantum v1.1, in a routed network, with bob on another switch."""
    return World(*all_of(
        switch(1), switch(2), network(1), network(2), router("r", 7), attached("r", 1), attached("r", 2),
        station("alice", 1, 1, 1, 1), station("lea", 1, 3, 1, 2, learning=True), station("bob", 1, 2, 2, 1),
    ))  # fmt: skip


def arp(to: str = EVERYBODY, **said: int | str) -> Said:
    return {"eth_src": MINE, "eth_dst": to, "eth_type": 0x0806, "arp_op": 1, "arp_sha": MINE,
            "arp_spa": four(1, 1), "arp_tpa": four(1, GATEWAY), **said}  # fmt: skip


def solicitation(**said: int | str) -> Said:
    return {
        "eth_src": MINE, "eth_dst": "33:33:ff:00:00:fe", "eth_type": 0x86DD, "ip_proto": 58, "ip_ttl": 255,
        "ipv6_src": six(1, 1), "ipv6_dst": "ff02::1:ff00:fe", "icmpv6_type": 135, "nd_target": six(1, GATEWAY),
        "nd_options_type": 1, "nd_sll": MINE, **said,
    }  # fmt: skip


@pytest.mark.parametrize("to", [EVERYBODY, HERE])
@pytest.mark.parametrize("sender", [four(1, 1), ""])
def test_arp_for_a_router_is_answered_at_the_edge(to: str, sender: str) -> None:
    """Also what was sent to the router alone, and probes (RFC 5227)."""
    asked = arp(to, arp_spa=sender or "0.0.0.0")
    outcome = cloud().send("alice", **asked)
    answer = frame(
        eth_src=HERE, eth_dst=MINE, eth_type=0x0806, arp_op=2, arp_sha=HERE, arp_spa=four(1, GATEWAY), arp_tha=MINE,
        arp_tpa=sender or "0.0.0.0",
    )  # fmt: skip
    assert outcome.arrived == [("alice", answer)] and outcome.wire == []


def advertised(outcome: Outcome) -> dict[str, int]:
    ((port, got),) = outcome.arrived
    assert port == "alice" and outcome.wire == []
    return {name: value for name, value in got.items() if name != "nd_sll"}  # no field of an advertisement


@pytest.mark.parametrize("target", [six(1, GATEWAY), link_local(HERE)])
@pytest.mark.parametrize("to", [("33:33:ff:00:00:fe", "ff02::1:ff00:fe"), (HERE, "")])
@pytest.mark.parametrize("sender", [six(1, 1), link_local(MINE)])
def test_a_solicitation_for_a_router_is_answered_at_the_edge(target: str, to: tuple[str, str], sender: str) -> None:
    asked = solicitation(eth_dst=to[0], ipv6_dst=to[1] or target, nd_target=target, ipv6_src=sender)
    assert advertised(cloud().send("alice", **asked)) == frame(
        eth_src=HERE, eth_dst=MINE, eth_type=0x86DD, ip_proto=58, ip_ttl=255, ipv6_src=target, ipv6_dst=sender,
        icmpv6_type=136, nd_target=target, nd_tll=HERE, nd_options_type=2, nd_reserved=0xE0000000,
    )  # fmt: skip


def test_who_looks_for_a_duplicate_of_a_routers_address_hears_of_it() -> None:
    """From a port that may send anything: others may look for duplicates of their own addresses only."""
    world = cloud()
    alice = world.model.get(Port, "alice")
    assert alice is not None
    world.put(replace(alice, port_security=False))
    assert advertised(world.send("alice", **solicitation(ipv6_src="::", nd_sll="00:00:00:00:00:00"))) == frame(
        eth_src=HERE, eth_dst="33:33:00:00:00:01", eth_type=0x86DD, ip_proto=58, ip_ttl=255, ipv6_dst="ff02::1",
        ipv6_src=six(1, GATEWAY), icmpv6_type=136, nd_target=six(1, GATEWAY), nd_tll=HERE, nd_options_type=2,
        nd_reserved=0xA0000000,
    )  # fmt: skip


def test_a_solicitation_from_beyond_the_link_is_not_answered() -> None:
    assert "alice" not in cloud().send("alice", **solicitation(ip_ttl=64)).ports


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("of", [1, 2])
def test_an_echo_request_to_any_address_of_the_router_is_answered(family: int, of: int) -> None:
    asked = packet(family, (1, 1), (of, GATEWAY), ip_proto=1 if family == 4 else 58, ip_ttl=3)
    asked |= {"icmpv4_type": 8} if family == 4 else {"icmpv6_type": 128}
    outcome = cloud().send("alice", **{name: value for name, value in asked.items() if not name.startswith("udp")})
    version, kind = ("ipv4", {}) if family == 4 else ("ipv6", {"icmpv6_type": 129})
    answer = frame(**{
        "eth_src": HERE, "eth_dst": MINE, "eth_type": asked["eth_type"], "ip_ttl": 64, "ip_proto": asked["ip_proto"],
        f"{version}_src": address(family, of, GATEWAY), f"{version}_dst": address(family, 1, 1), **kind,
    })  # fmt: skip
    assert outcome.arrived == [("alice", answer)] and outcome.wire == []


def test_the_router_answers_its_link_local_address() -> None:
    asked = packet(6, (1, 1), (1, GATEWAY), ip_proto=58, icmpv6_type=128)
    asked |= {"ipv6_src": link_local(MINE), "ipv6_dst": link_local(HERE)}
    ((port, got),) = cloud().send("alice", **asked).arrived
    assert port == "alice" and got["ipv6_src"] == frame(ipv6_src=link_local(HERE))["ipv6_src"]


@pytest.mark.parametrize("stateful", [True, False])
def test_the_answer_passes_the_filter_of_who_asked(stateful: bool) -> None:
    """Of a stateful port because it asked; of a stateless one if a rule allows it."""
    world = cloud()
    alice = world.model.get(Port, "alice")
    assert alice is not None
    world.put(group("g", 1, stateful=stateful), rule("out", "g", "egress"), replace(alice, security_groups=("g",)))
    asked = packet(4, (1, 1), (1, GATEWAY), ip_proto=1, icmpv4_type=8)
    assert world.send("alice", **asked).ports == (["alice"] if stateful else [])
    world.put(rule("in", "g", "ingress", "icmp 0 0"))
    assert world.send("alice", **asked).ports == ["alice"]


# --- claims -----------------------------------------------------------------------------------------------------------

CLAIMS: dict[str, Said] = {
    "its MAC": {"eth_src": HERE, "eth_dst": mac(1, 2), "eth_type": 0x0800, "ipv4_src": four(1, 1)},
    "gratuitous ARP": arp(arp_spa=four(1, GATEWAY)),
    "an ARP reply": arp(mac(1, 2), arp_op=2, arp_spa=four(1, GATEWAY), arp_tpa=four(1, 2)),
    "an advertisement": solicitation(icmpv6_type=136, eth_dst=mac(1, 2), ipv6_dst=six(1, 2)),
    "an advertisement of its link-local address": solicitation(
        icmpv6_type=136, eth_dst=mac(1, 2), ipv6_dst=six(1, 2), nd_target=link_local(HERE)
    ),
    "a solicitation in its name": solicitation(ipv6_src=six(1, GATEWAY), nd_target=six(1, 2), eth_dst=mac(1, 2)),
    "its IPv4 address": packet(4, (1, 1), (1, 2)) | {"eth_dst": mac(1, 2), "ipv4_src": four(1, GATEWAY)},
    "its IPv6 address": packet(6, (1, 1), (1, 2)) | {"eth_dst": mac(1, 2), "ipv6_src": six(1, GATEWAY)},
    "its address elsewhere": packet(4, (1, 1), (2, GATEWAY)) | {"ipv4_src": four(1, GATEWAY)},
}
PAIRS = (
    AddressPair("0.0.0.0/0", MINE), AddressPair("::/0", MINE), AddressPair(four(1, GATEWAY), HERE),
    AddressPair("0.0.0.0/0", HERE), AddressPair(four(1, GATEWAY), MINE), AddressPair(six(1, GATEWAY), MINE),
)  # fmt: skip


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("of", ["its own addresses", "no port security", "address pairs", "v1.1"])
def test_no_port_speaks_for_a_router(claim: str, of: str) -> None:
    world = cloud()
    alice, lea = world.model.get(Port, "alice"), world.model.get(Port, "lea")
    assert alice is not None and lea is not None
    if of == "no port security":
        world.put(replace(alice, port_security=False))
    elif of == "address pairs":
        world.put(replace(alice, address_pairs=PAIRS))
    elif of == "v1.1":
        world.put(replace(alice, learning=True, fixed_ips=()))
    assert world.send("alice", **CLAIMS[claim]).arrived == []
    world.put("router/r")  # the test means something: without the router whoever may send anything is heard
    if of == "no port security" and claim != "its address elsewhere":
        assert "bob" in world.send("alice", **CLAIMS[claim]).ports
