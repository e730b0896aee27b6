"""A trace knows services of networks: which one takes a frame."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from controller.diagnose import services
from controller.diagnose.conversation import Fields
from controller.diagnose.trace import Hop, follow
from controller.flow.fields import value_of
from controller.flow.interpret import Tracker
from controller.model.rows import Interface, MetadataHost, MetadataService, Port, Subnet, Switch
from controller.model.rows.metadata import VIF
from tests.apps.clouds import network, plugged, port, switch
from tests.services import six
from tests.world import World


def hops(made: World, first: Fields | None = None, **said: Any) -> list[Hop]:
    fields = {**(first or services.discovery(port("p", "red", 1))), **said}
    frame = {name: int.from_bytes(value_of(name, value), "big") for name, value in fields.items()}
    known: dict[str, Tracker] = {}
    return follow(made.model, made.pipeline, "h1", 1, frame, known)


SUBNET = Subnet(id="s4", project_id="red", network_id="red", ip_version=4, cidr="10.0.0.0/24", enable_dhcp=True)


def world(dhcp: bool) -> World:
    return World(network("red"), switch(1), replace(SUBNET, enable_dhcp=dhcp), port("p", "red", 1), plugged("p", 1, 1))


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


def hindrance(made: World) -> str:
    return services.hindrance(made.model, "metadata", port("p", "red", 1))


def test_a_connection_for_metadata_goes_to_a_server_on_a_host_that_is_named() -> None:
    """On another switch, then on the port's own; why not, where it does not."""
    made, one = world(True), port("p", "red", 1)
    request = services.request(one)

    def verdict() -> str:
        return services.verdict(made.model, hops(made, request))

    assert verdict() == "" and "no host is to have one" in hindrance(made)
    made.put(switch(2), MetadataHost(id="h2"), MetadataService(segment=0xABCDE))
    assert verdict() == "" and "none serves" in hindrance(made)
    made.put(Interface(switch_id="h2", name="tenet-md0", vif=VIF, ofport=50))
    made.put(MetadataService(segment=0xABCDE, hosts=("h2",)))
    assert verdict() == f"goes to the metadata server on {called(made, 'h2')}" and hindrance(made) == ""
    assert services.verdict(made.model, hops(made, request, tcp_dst=22)) == ""
    made.put(MetadataHost(id="h1"), Interface(switch_id="h1", name="tenet-md0", vif=VIF, ofport=51))
    made.put(MetadataService(segment=0xABCDE, hosts=("h1", "h2")))
    assert verdict() == f"goes to the metadata server on {called(made, 'h1')}"
    me = made.model.get(Switch, "h1")
    assert me is not None
    made.put(replace(me, number=70_000))
    assert verdict() == "" and "number 70000 of its switch is above 65535" in hindrance(made)
    made.put(me, replace(SUBNET, enable_dhcp=False))
    assert verdict() == "" and "no subnet of its network has enable_dhcp" in hindrance(made)
    assert services.hindrance(made.model, "dns", one) == ""


def called(made: World, switch_id: str) -> str:
    found = made.model.get(Switch, switch_id)
    return found.host if found and found.host else switch_id
