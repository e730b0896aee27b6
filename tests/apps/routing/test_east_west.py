"""Routing between networks, frame by frame, over every switch's flows."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from controller.model.rows import Port, Router
from tests.apps.routing.rows import GATEWAY, all_of, attached, four, mac, network, router, six, station, switch
from tests.world import Said, World, frame

FAMILIES = [4, 6]


def cloud() -> World:
    """Two networks on one router: alice and anna in the first on both switches, bob and bill in the second."""
    return World(*all_of(
        switch(1), switch(2), network(1), network(2), router("r", 7), attached("r", 1), attached("r", 2),
        station("alice", 1, 1, 1, 1), station("anna", 1, 2, 2, 1), station("bob", 2, 1, 2, 2),
        station("bill", 2, 2, 1, 2),
    ))  # fmt: skip


def address(family: int, network: int, host: int) -> str:
    return four(network, host) if family == 4 else six(network, host)


def packet(family: int, one: tuple[int, int], other: tuple[int, int], via: int = GATEWAY, **more: int | str) -> Said:
    """UDP from a station (network, host) to another, by the interface of a router in its own network."""
    version, kind = ("ipv4", 0x0800) if family == 4 else ("ipv6", 0x86DD)
    return {
        "eth_src": mac(*one), "eth_dst": mac(one[0], via), "eth_type": kind, f"{version}_src": address(family, *one),
        f"{version}_dst": address(family, *other), "ip_proto": 17, "ip_ttl": 64, "udp_src": 1000, "udp_dst": 53, **more,
    }  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("to", "host"), [("bob", 1), ("bill", 2)])
def test_a_packet_to_another_network(family: int, to: str, host: int) -> None:
    """Routed on the sender's switch: it crosses the fabric under the segment of the receiver's network, if at all."""
    world = cloud()
    sent = packet(family, (1, 1), (2, host))
    outcome = world.send("alice", **sent)
    assert outcome.arrived == [
        (to, frame(**sent | {"eth_src": mac(2, GATEWAY), "eth_dst": mac(2, host), "ip_ttl": 63}))
    ]
    assert outcome.wire == ([("h1", "h2", 0x102)] if to == "bob" else []) and outcome.shown == []


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_is_routed_without_a_router(family: int) -> None:
    sent = packet(family, (1, 1), (2, 1))
    for gone in ("router/r", "router_interface/r-n1", "router_interface/r-n2"):
        world = cloud()
        assert world.send("alice", **sent).ports == ["bob"]
        world.put(gone)
        assert world.send("alice", **sent).arrived == []


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("down", ["r", "r-n1", "r-n2"])
def test_a_router_or_an_interface_that_is_down_has_no_flows(family: int, down: str) -> None:
    world = cloud()
    row = world.model.get(Router, down) or world.model.get(Port, down)
    assert row is not None
    world.put(replace(row, admin_state_up=False))
    assert world.send("alice", **packet(family, (1, 1), (2, 1))).arrived == []


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("ttl", [0, 1])
def test_a_packet_at_the_end_of_its_life_is_not_routed(family: int, ttl: int) -> None:
    assert cloud().send("alice", **packet(family, (1, 1), (2, 1), ip_ttl=ttl)).arrived == []
    assert cloud().send("alice", **packet(family, (1, 1), (2, 1), ip_ttl=2)).ports == ["bob"]
