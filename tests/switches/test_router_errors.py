"""Which error a router answers with, from which address, and which way it goes."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from apps.pipeline import FAULT, LARGER, NO_ROUTE, OWN_ADDRESS, TTL_EXCEEDED
from apps.routing.errors import by_route, from_router
from apps.source import link_local
from controller.flow import OWN_PORT
from controller.model.model import Model
from controller.model.reader import Reader
from controller.model.rows import ExtraRoute, Router
from controller.switches.packet_in import FrameOut, PuntedFrame
from controller.switches.router_errors import answer
from tests.apps.clouds import NETWORKS, mac
from tests.lab import frames
from tests.os_packets import ethernet, icmp, icmpv6, ipv4, ipv6, packet
from tests.switches import routed
from tests.switches.routed import INTERFACES, NUMBER, OUTSIDE, SEGMENT
from tests.world import change


@pytest.fixture
def model() -> Model:
    model = Model()
    change(model, *routed.rows())
    return model


def four(source: str = "10.0.0.1", to: str = "10.0.1.9", protocol: int = 17, sender: str = mac(1)) -> bytes:
    return frames.ethernet(INTERFACES["red"], sender, frames.IPV4, frames.ipv4(source, to, protocol, bytes(20)))


def six(source: str, to: str = "2001:db8:1::9", sender: str = mac(1)) -> bytes:
    head = (6 << 28).to_bytes(4, "big") + (20).to_bytes(2, "big") + b"\x11\x40"
    said = head + frames.address(source) + frames.address(to) + bytes(20)
    return frames.ethernet(INTERFACES["red"], sender, frames.IPV6, said)


def answers(model: Model, fault: int, data: bytes, segment: int = NETWORKS["red"]) -> list[FrameOut]:
    registers = {"reg5": NUMBER | fault << FAULT.low, "metadata": segment | 1 << 33}
    return list(answer(PuntedFrame(1, 1, data, registers), Reader(model, "h1")))


def told(out: FrameOut) -> tuple[Any, ...]:
    """Type and code, source and destination address, source and destination MAC."""
    read = packet.Packet(out.data)
    ether, four, six = (read.get_protocol(kind) for kind in (ethernet.ethernet, ipv4.ipv4, ipv6.ipv6))
    message = read.get_protocol(icmp.icmp) or read.get_protocol(icmpv6.icmpv6)
    outer = four or six
    kind = message.type if four else message.type_
    return (kind, message.code), (outer.src, outer.dst), (ether.src, ether.dst)


DIRECT = {
    (TTL_EXCEEDED, 17): (11, 0), (NO_ROUTE, 17): (3, 0), (OWN_ADDRESS, 17): (3, 3), (OWN_ADDRESS, 6): (3, 3),
    (OWN_ADDRESS, 89): (3, 2),
}  # fmt: skip


@pytest.mark.parametrize(("fault", "protocol"), DIRECT)
def test_the_sender_is_told_by_the_routers_address_on_its_network(model: Model, fault: int, protocol: int) -> None:
    (out,) = answers(model, fault, four(protocol=protocol))
    assert told(out) == (DIRECT[fault, protocol], ("10.0.0.254", "10.0.0.1"), (INTERFACES["red"], mac(1)))
    assert out[:2] == (OWN_PORT, from_router(NETWORKS["red"]))


def test_an_error_of_ipv6_has_the_address_of_the_same_scope(model: Model) -> None:
    (out,) = answers(model, TTL_EXCEEDED, six("2001:db8:0::1"))
    assert told(out) == ((3, 0), ("2001:db8::fe", "2001:db8::1"), (INTERFACES["red"], mac(1)))
    local = link_local(mac(1))
    (out,) = answers(model, OWN_ADDRESS, six(local))
    assert told(out)[:2] == ((1, 4), (link_local(INTERFACES["red"]), local))


def test_a_sender_behind_another_router_is_told_through_it(model: Model) -> None:
    """Its MAC is the other router's, and its address of no subnet of this one."""
    (out,) = answers(model, TTL_EXCEEDED, four("192.0.2.7", sender=mac(9)))
    assert told(out)[1:] == (("10.0.0.254", "192.0.2.7"), (INTERFACES["red"], mac(9)))


def test_too_big_names_the_next_networks_mtu_and_goes_by_route(model: Model) -> None:
    (out,) = answers(model, LARGER, four(), segment=NETWORKS["blue"])
    assert told(out)[:2] == ((3, 4), ("10.0.0.254", "10.0.0.1"))
    assert out.data[38:42] == b"\0\0" + (1400).to_bytes(2, "big")
    assert out[:2] == (OWN_PORT, by_route(NUMBER))
    (out,) = answers(model, LARGER, six("2001:db8:0::1"), segment=NETWORKS["blue"])
    assert told(out)[:2] == ((2, 0), ("2001:db8::fe", "2001:db8::1"))
    assert out.data[58:62] == (1400).to_bytes(4, "big")


def test_too_big_is_from_the_interface_that_leads_back(model: Model) -> None:
    """RFC 1812, 4.3.2.4; the sender is behind a router in blue, by the longest of the routes."""
    router = model.get(Router, "r")
    assert router is not None
    routes = (ExtraRoute("192.0.2.0/24", "10.0.1.7"), ExtraRoute("192.0.0.0/16", "10.0.0.7"))
    change(model, replace(router, routes=routes))
    (out,) = answers(model, LARGER, four("192.0.2.7"))
    assert told(out)[1][0] == "10.0.1.254"
    (out,) = answers(model, LARGER, four("192.0.3.7"))
    assert told(out)[1][0] == "10.0.0.254"


def test_what_came_to_a_gateway_is_answered_by_route(model: Model) -> None:
    """It travels in the router's own segment: whose it is, its address says."""
    (out,) = answers(model, NO_ROUTE, four(), segment=SEGMENT)
    assert told(out)[1][0] == "10.0.0.254" and out.actions == by_route(NUMBER)
    (out,) = answers(model, NO_ROUTE, four("192.0.2.7"), segment=SEGMENT)  # by the default route
    assert told(out)[1][0] == "203.0.113.254" and out.actions == by_route(NUMBER)


def test_who_is_outside_is_told_by_the_gateways_address(model: Model) -> None:
    (out,) = answers(model, TTL_EXCEEDED, four("203.0.113.1", sender=mac(9)), segment=OUTSIDE)
    assert told(out) == ((11, 0), ("203.0.113.254", "203.0.113.1"), (INTERFACES["world"], mac(9)))


def test_there_is_no_error_about_an_error_nor_of_a_router_that_is_gone(model: Model) -> None:
    error = frames.ethernet(
        INTERFACES["red"], mac(1), frames.IPV4, frames.ipv4("10.0.0.1", "10.0.1.9", 1, b"\3\1" + bytes(30))
    )
    assert answers(model, TTL_EXCEEDED, error) == []
    assert answers(model, TTL_EXCEEDED, b"noise") == []
    assert answers(model, TTL_EXCEEDED, four("10.0.1.254"), segment=NETWORKS["red"]) == []  # its own address
    router = model.get(Router, "r")
    assert router is not None
    change(model, router.key)
    assert answers(model, TTL_EXCEEDED, four()) == []
