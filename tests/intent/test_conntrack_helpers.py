"""Rules of connection tracking helpers: what Open vSwitch has, one for a port of a router."""

from __future__ import annotations

from typing import Any

import pytest

from controller.intent import conntrack_helpers as rules
from controller.model.rows import ConntrackHelper

from .routed import Routed, refused


@pytest.fixture
def world() -> Routed:
    return Routed()


def made(world: Routed, helper: str = "ftp", protocol: str = "tcp", port: int = 21) -> ConntrackHelper:
    request: Any = {"router_id": world.router.id, "helper": helper, "protocol": protocol, "port": port}
    return world.run(lambda tx: rules.create(tx, "other", request, world.means))


def test_a_helper_is_of_the_routers_project(world: Routed) -> None:
    helper = made(world)
    assert (helper.project_id, helper.router_id, helper.port) == ("red", "r1", 21)
    world.run(lambda tx: rules.delete(tx, helper.id, world.means))
    assert made(world).port == 21  # whose place is free again


@pytest.mark.parametrize("helper", ["sip", "h323", "pptp", "amanda", "x"])
def test_what_open_vswitch_lacks_is_refused_with_the_reason(world: Routed, helper: str) -> None:
    with refused("ConntrackHelperNotAllowed", f"{helper} is not allowed: .* ftp and tftp announce"):
        made(world, helper)


def test_each_reads_its_protocol(world: Routed) -> None:
    assert made(world, "tftp", "udp", 69).helper == "tftp"
    for helper, protocol in (("ftp", "udp"), ("tftp", "tcp")):
        with refused("InvalidProtocolForHelper", f"{helper} does not support: {protocol}"):
            made(world, helper, protocol, 99)


def test_a_port_of_a_router_has_one(world: Routed) -> None:
    first, second = made(world), made(world, port=2121)
    with refused("BadRequest", "duplicate conntrack helper"):
        made(world)
    with refused("BadRequest", "duplicate conntrack helper"):
        world.run(lambda tx: rules.update(tx, second.id, {"port": 21}, world.means))
    moved = world.run(lambda tx: rules.update(tx, first.id, {"port": 2100}, world.means))
    assert moved.port == 2100 and made(world).port == 21
    with refused("InvalidProtocolForHelper"):
        world.run(lambda tx: rules.update(tx, first.id, {"helper": "tftp"}, world.means))


def test_they_go_with_the_router(world: Routed) -> None:
    made(world)
    made(world, "tftp", "udp", 69)
    world.run(lambda tx: rules.remove_all(tx, "r1"))
    assert not world.model.find(ConntrackHelper, "router_id", "r1")
    assert not [key for key in world.model.taken if "router-helper" in key]


def test_what_is_missing_is_named(world: Routed) -> None:
    with refused("ConntrackHelperNotFound"):
        world.run(lambda tx: rules.delete(tx, "x", world.means))
    with refused("RouterNotFound"):
        request: Any = {"router_id": "x", "helper": "ftp", "protocol": "tcp", "port": 21}
        world.run(lambda tx: rules.create(tx, "red", request, world.means))
