"""A trace knows services of networks: which one takes a frame."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from controller.diagnose import services
from controller.diagnose.conversation import Fields
from controller.diagnose.trace import Hop, follow
from controller.flow.fields import value_of
from controller.flow.interpret import Tracker
from controller.model.rows import Port, Subnet
from tests.apps.clouds import network, plugged, port, switch
from tests.services import six
from tests.world import World


def hops(made: World, first: Fields | None = None, **said: Any) -> list[Hop]:
    fields = {**(first or services.discovery(port("p", "red", 1))), **said}
    frame = {name: int.from_bytes(value_of(name, value), "big") for name, value in fields.items()}
    known: dict[str, Tracker] = {}
    return follow(made.model, made.pipeline, "h1", 1, frame, known)


def world(dhcp: bool) -> World:
    subnet = Subnet(id="s4", project_id="red", network_id="red", ip_version=4, cidr="10.0.0.0/24", enable_dhcp=dhcp)
    return World(network("red"), switch(1), subnet, port("p", "red", 1), plugged("p", 1, 1))


def test_the_service_that_takes_a_frame_is_named() -> None:
    assert services.taken_by(hops(world(True))) == "DHCP"
    assert services.taken_by(hops(world(False))) == ""
    assert services.taken_by(hops(world(True), udp_dst=69)) == ""


def asked(made: World, one: Port) -> list[Hop]:
    return hops(made, services.question(one))


def test_questions_for_names_are_for_the_resolver() -> None:
    one = port("p", "red", 1)
    assert services.taken_by(asked(world(True), one)) == "DNS"
    assert services.taken_by(asked(world(False), one)) == ""
    six = Subnet(id="s6", project_id="red", network_id="red", ip_version=6, cidr="2001:db8::/64")
    made = world(False)
    only = replace(one, fixed_ips=tuple(each for each in one.fixed_ips if ":" in each.ip_address))
    made.put(six, only)
    assert services.question(only)["ipv6_dst"] == "fe80::a9fe:a9fe"
    assert services.taken_by(asked(made, only)) == "DNS"


def test_a_port_that_is_told_nothing_is_answered_by_none() -> None:
    made = world(True)
    made.put(replace(port("p", "red", 1), fixed_ips=()))
    assert services.taken_by(hops(made)) == ""


def test_ipv6_hosts_ask_for_dhcpv6_and_for_routers() -> None:
    alice = six.port(("stateful", "2001:db8:1::5"))
    made = World(*six.rows(six.STATEFUL, alice=alice), *six.router(("stateful", "2001:db8:1::1")))
    for name, called in (("dhcp6", "DHCPv6"), ("router-solicitation", "router advertisement")):
        first = services.MESSAGES[name](alice)
        assert services.taken_by(hops(made, first)) == called
        made.put(replace(six.STATEFUL, ra_mode="", address_mode=""))
        assert services.taken_by(hops(made, first)) == ""
        made.put(six.STATEFUL)
