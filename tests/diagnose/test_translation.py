"""A trace goes through NAT, and says which gateway, address, next hop and floating IP were chosen, and by what."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from controller.diagnose.conversation import Outside, Question, packet
from controller.diagnose.routing import first_hop, first_hop_outside
from controller.diagnose.trace import follow, physical_at
from controller.diagnose.translation import translations
from controller.flow import Flow
from controller.flow.fields import value_of
from controller.flow.interpret import Tracker
from controller.model.rows import Neighbor, Port, PortForwarding, RouterInterface
from tests.apps.nat.rows import OUT, OUT6, external, floating, outside, switch, with_gateway
from tests.apps.routing.rows import all_of, attached, four, network, router, station
from tests.world import World

GATEWAY_OF_R = {"step": "gateway", "decided_by": "gateway_ranking/r", "switch": "h2", "ranking": ["h2", "h3"],
                "reason": ""}  # fmt: skip


def cloud(*more: object) -> World:
    """alice is on h1, which does not meet the physical network, anna on h2 and bob on h3, which are the gateways."""
    return World(*all_of(
        switch(1, physical=False), switch(2), switch(3), external(), network(1), attached("r", 1),
        with_gateway(router("r", 7), 10, "h2", "h3"), station("alice", 1, 1, 1, 1), station("anna", 1, 2, 2, 1),
        station("bob", 1, 3, 3, 2), *more,
    ))  # fmt: skip


def passed(
    world: World, source: str, to: str, *asked: Question
) -> tuple[list[tuple[str, str]], list[str], list[dict[str, Any]]]:
    """Of the last of the packets: where it left for a physical network, who got it, and what was decided."""
    one = world.model.rows(Port)[source]
    hop = first_hop_outside(world.model, one, 6 if ":" in to else 4)
    assert hop is not None
    at, known = world.model.placement.bindings[source], dict[str, Tracker]()
    for question in asked or (Question("tcp", 80),):
        fields = packet(one, Outside(to, hop), question, partial(first_hop, world.model))
        frame = {name: int.from_bytes(value_of(name, value), "big") for name, value in fields.items()}
        hops = follow(world.model, world.pipeline, at.switch_id, at.ofport, frame, known)

    def origins(switch_id: str, flow: Flow) -> list[str]:
        return world.compiler.origins(switch_id, [flow.cookie])[flow.cookie]

    left = [(each.switch_id, name) for each in hops for sent in each.sent
            if (name := physical_at(world.model, each.switch_id, sent.port))]  # fmt: skip
    arrived = [port for each in hops for port in each.arrived]
    return left, arrived, [told for each in hops for told in translations(world.model, each, origins)]


def source(address: str | None, by: str) -> dict[str, Any]:
    return {"step": "source", "decided_by": by, "address": address, "reason": ""}


def next_hop(route: str, hop: str | None, resolved: str) -> dict[str, Any]:
    return {"step": "next_hop", "decided_by": "router/r", "route": route, "next_hop": hop, "resolved": resolved,
            "reason": ""}  # fmt: skip


def destination(address: str, by: str, resolved: str) -> dict[str, Any]:
    return {"step": "destination", "decided_by": by, "address": address, "resolved": resolved, "reason": ""}


@pytest.mark.parametrize("asked", [[], [Question("tcp", 80), Question("tcp", 80, "established")]])
def test_out_by_the_gateway_from_its_address_to_the_next_hop(asked: list[Question]) -> None:
    left, arrived, found = passed(cloud(outside(3)), "alice", "8.8.8.8", *asked)
    assert left == [("h2", "p1")] and arrived == ["out"]
    assert found == [
        GATEWAY_OF_R, source(f"{OUT}10", "router/r"), next_hop("0.0.0.0/0", f"{OUT}1", "port/out"),
    ]  # fmt: skip


@pytest.mark.parametrize(("to", "hop"), [("8.8.8.8", f"{OUT}1"), ("2001:db8:f::9", f"{OUT6}1")])
def test_a_neighbour_outside_that_was_asked_for_is_named(to: str, hop: str) -> None:
    known = Neighbor(network_id="x", ip_address=hop, mac="fa:16:3e:0e:00:01", switch_id="h2", router_id="r")
    left, _, found = passed(cloud(known), "alice", to)
    assert left == [("h2", "p1")] and found[-1]["resolved"] == f"neighbor/x/{hop}"


def test_a_destination_in_the_external_network_is_its_own_next_hop() -> None:
    _, arrived, found = passed(cloud(outside(3)), "anna", f"{OUT}1")
    assert arrived == ["out"] and found[0] == GATEWAY_OF_R
    assert found[2] == next_hop(f"{OUT}0/24", None, "port/out")


def test_ipv6_and_routers_without_translation_keep_the_source() -> None:
    assert passed(cloud(outside(3)), "alice", "2001:db8:f::9")[2] == [
        GATEWAY_OF_R, source(None, "router/r"), next_hop("::/0", f"{OUT6}1", "port/out"),
    ]  # fmt: skip


def test_who_has_a_floating_ip_sends_from_it_on_its_own_host() -> None:
    left, _, found = passed(cloud(outside(3), floating(101, "anna", four(1, 2))), "anna", "8.8.8.8")
    assert left == [("h2", "p1")]
    assert found == [source(f"{OUT}101", "floatingip/fip101"), next_hop("0.0.0.0/0", f"{OUT}1", "port/out")]


def test_to_a_floating_ip_on_another_host() -> None:
    """Out by the gateway, over the physical network, and in on the host of its port."""
    left, arrived, found = passed(cloud(floating(101, "bob", four(1, 3))), "alice", f"{OUT}101")
    assert left == [("h2", "p1")] and arrived == ["bob"]
    assert found == [
        GATEWAY_OF_R, source(f"{OUT}10", "router/r"), next_hop(f"{OUT}0/24", None, "floatingip/fip101"),
        destination(four(1, 3), "floatingip/fip101", "port/bob"),
    ]  # fmt: skip


def test_to_ones_own_floating_ip() -> None:
    left, arrived, found = passed(cloud(floating(101, "anna", four(1, 2))), "anna", f"{OUT}101")
    assert left == [] and arrived == ["anna"]
    assert [each["decided_by"] for each in found] == ["floatingip/fip101", "router/r", "floatingip/fip101"]
    assert found[2] == destination(four(1, 2), "floatingip/fip101", "port/anna")


def test_a_port_forwarding_is_named() -> None:
    forwarding = PortForwarding(
        id="pf", project_id="t", floatingip_id="fip101", protocol="tcp", external_ports=(80, 80),
        internal_ports=(8080, 8080), internal_port_id="bob", internal_ip_address=four(1, 3),
    )  # fmt: skip
    address, row = floating(101, "", "")
    world = cloud(address, replace(row, router_id="r"), forwarding)
    _, arrived, found = passed(world, "alice", f"{OUT}101")
    assert arrived == ["bob"]
    assert found[-1] == destination(four(1, 3), "port_forwarding/pf", "port/bob")
    refused = passed(world, "alice", f"{OUT}101", Question("tcp", 81))
    assert refused[1] == [] and "none may be begun" in refused[2][-1]["reason"]


def test_why_it_goes_no_further() -> None:
    assert "controller asks" in passed(cloud(), "alice", "8.8.8.8")[2][-1]["reason"], "nobody has told its MAC"
    world = cloud(outside(3))
    world.put("gateway_ranking/r")
    (found,) = passed(world, "alice", "8.8.8.8")[2]
    assert (found["step"], found["reason"]) == ("gateway", "its router has no gateway")
    translated = cloud(outside(3), floating(101, "", ""))
    assert "controller asks" in passed(translated, "alice", f"{OUT}101")[2][-1]["reason"], "associated with nothing"


def test_the_first_hop_outside_is_the_router_that_has_a_gateway() -> None:
    world = cloud(router("a", 8), attached("a", 1, 99))
    alice = world.model.rows(Port)["alice"]
    hop = first_hop_outside(world.model, alice, 4)
    assert hop is not None and hop.id == "r-n1"
    for each in list(world.model.rows(RouterInterface)):
        world.put(f"router_interface/{each}")
    assert first_hop_outside(world.model, alice, 4) is None
