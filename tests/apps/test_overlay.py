"""Which encapsulation two switches use, and how a frame spreads over many of them."""

from __future__ import annotations

import pytest

from controller.model.rows import Switch
from tests.apps.clouds import four, mac, network, plugged, port, switch
from tests.world import World

EVERYBODY = "ff:ff:ff:ff:ff:ff"


def pair(one: Switch, two: Switch) -> World:
    return World(
        one, two, network("red"), port("a", "red", 1), plugged("a", 1, 1), port("b", "red", 2), plugged("b", 2, 1)
    )


def sends_by(world: World, switch_id: str) -> list[str]:
    """What the flow to the other switch does last."""
    return [
        str(flow.actions[-1]) for flow in world.compiler.wanted(switch_id) if flow.table.name == "fabric" and flow.match
    ]


def reaches(world: World, one: str = "a") -> list[str]:
    number = 1 if one == "a" else 2
    return world.send(one, eth_src=mac(number), eth_dst=EVERYBODY, eth_type=0x0800, ipv4_src=four(number)).ports


@pytest.mark.parametrize(
    ("one", "two", "port_number"),
    [
        (("vxlan",), ("vxlan",), 900),
        (("geneve", "vxlan"), ("vxlan", "geneve"), 901),
        (("vxlan", "geneve"), ("geneve", "vxlan"), 900),
        (("vxlan", "gre"), ("gre",), 902),
    ],
)
def test_both_use_the_first_of_the_smaller_number(one: tuple[str, ...], two: tuple[str, ...], port_number: int) -> None:
    world = pair(switch(1, *one), switch(2, *two))
    assert sends_by(world, "h1") == sends_by(world, "h2") == [f"output:{port_number}"]
    assert (reaches(world), reaches(world, "b")) == (["b"], ["a"])


def test_switches_without_a_common_encapsulation_do_not_meet() -> None:
    world = pair(switch(1, "vxlan"), switch(2, "gre"))
    assert sends_by(world, "h1") == sends_by(world, "h2") == reaches(world) == []


def test_an_ipv6_underlay() -> None:
    world = pair(switch(1, encap="2001:db8::1"), switch(2, encap="2001:db8::2"))
    assert (reaches(world), reaches(world, "b")) == (["b"], ["a"])


@pytest.mark.parametrize("encap", ["2001:db8::2", ""])
def test_underlays_that_do_not_meet(encap: str) -> None:
    other = switch(2, encap="192.0.2.2")
    other = Switch(id="h2", number=2, dpid=2, host="h2", encap_ip=encap, tunnels=other.tunnels)
    assert reaches(pair(switch(1), other)) == []


def test_an_address_that_changes_is_followed() -> None:
    world = pair(switch(1), switch(2))
    world.put(switch(2, encap="192.0.2.77"))
    assert (reaches(world), reaches(world, "b")) == (["b"], ["a"])


def test_many_switches_share_flows_of_bounded_length() -> None:
    """64 switches a flow: one more member changes one of them, and none grows without end."""
    world = World(
        network("red"), *(switch(number, encap=f"192.0.2.{number}") for number in range(1, 201)),
        *(port(f"p{number}", "red", number) for number in range(1, 201)),
        *(plugged(f"p{number}", number, 1) for number in range(1, 201)),
    )  # fmt: skip
    spread = [flow for flow in world.compiler.wanted("h1") if flow.table.name == "spread"]
    assert [len(flow.actions) // 2 for flow in sorted(spread, key=lambda flow: flow.key)] == [63, 64, 64, 9]
    got = world.send("p1", eth_src=mac(1), eth_dst=EVERYBODY, eth_type=0x0800, ipv4_src=four(1)).ports
    assert got == sorted(f"p{number}" for number in range(2, 201))


def test_many_ports_share_floods_of_bounded_length() -> None:
    world = World(
        switch(1), network("red"), *(port(f"p{number}", "red", number) for number in range(1, 201)),
        *(plugged(f"p{number}", 1, number) for number in range(1, 201)),
    )  # fmt: skip
    flood = [flow for flow in world.compiler.wanted("h1") if flow.table.name == "flood"]
    assert [len(flow.actions) // 2 for flow in sorted(flood, key=lambda flow: flow.key)] == [63, 64, 64, 9]
    got = world.send("p1", eth_src=mac(1), eth_dst=EVERYBODY, eth_type=0x0800, ipv4_src=four(1)).ports
    assert got == sorted(f"p{number}" for number in range(2, 201))
