"""Next hops that no port declares, frame by frame: handed over, answered, and taken from rows."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from apps.host_mac import host_mac
from apps.routing.asking import ANNOUNCED, ANSWERS, WANTED
from apps.routing.errors import SERVICE
from controller.flow.interpret import Frame
from controller.model.rows import Gateway, Neighbor, Network, Physical, Port, Router, Row
from tests.apps.routing.rows import GATEWAY, all_of, attached, four, mac, network, router, six, station, switch
from tests.apps.routing.test_east_west import FAMILIES, address, packet
from tests.world import Said, World, frame

STRANGER, PATCH = "02:00:00:00:00:aa", 905


def cloud(*more: Row) -> World:
    """alice in the first network on h1, lea with learned addresses in the second on h2, bob there too."""
    return World(*all_of(
        switch(1), switch(2), network(1), network(2), router("r", 7), attached("r", 1), attached("r", 2),
        station("alice", 1, 1, 1, 1), station("lea", 2, 1, 2, 2, learning=True), station("bob", 2, 2, 2, 3), *more,
    ))  # fmt: skip


def neighbor(at: str, mac: str = STRANGER) -> Neighbor:
    return Neighbor(network_id="n2", ip_address=at, mac=mac, switch_id="h1", router_id="r")


def handed_to(world: World, port: str, **said: int | str) -> set[str]:
    """The services that a port's switch hands a frame over to."""
    at = world.model.placement.bindings[port]
    return services(world, at.switch_id, {**frame(**said), "in_port": at.ofport})


def services(world: World, switch_id: str, what: Frame) -> set[str]:
    return {flow.service for flow in world.pipeline(switch_id).through(what).visited} - {""}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_packet_to_an_unknown_next_hop_is_handed_over_and_goes_nowhere(family: int) -> None:
    world, sent = cloud(), packet(family, (1, 1), (2, 9))
    outcome = world.send("alice", **sent)
    assert outcome.shown == ["h1"] and outcome.arrived == [] and outcome.wire == []
    assert handed_to(world, "alice", **sent) == {WANTED}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_packet_to_a_known_neighbour_is_sent_to_its_mac(family: int) -> None:
    at = address(family, 2, 9)
    world = cloud(neighbor(at))
    outcome = world.send("alice", **packet(family, (1, 1), (2, 9)))
    ((port, got),) = outcome.arrived  # nobody has learned the MAC: to the learning port
    assert port == "lea" and got["eth_dst"] == frame(eth_dst=STRANGER)["eth_dst"] and outcome.shown == []


@pytest.mark.parametrize("family", FAMILIES)
def test_nobodys_answer_overrides_a_declared_address(family: int) -> None:
    world = cloud(neighbor(address(family, 2, 2)))
    assert world.send("alice", **packet(family, (1, 1), (2, 2))).ports == ["bob"]


def arp(operation: int, station: str, source: str, to: str, target: str) -> Said:
    return {"eth_src": station, "eth_dst": to, "eth_type": 0x0806, "arp_op": operation, "arp_sha": station,
            "arp_spa": source, "arp_tpa": target}  # fmt: skip


def advertisement(station: str, source: str, to: str) -> Said:
    return {"eth_src": station, "eth_dst": to, "eth_type": 0x86DD, "ip_proto": 58, "icmpv6_type": 136, "ip_ttl": 255,
            "ipv6_src": source, "ipv6_dst": "fe80::1", "nd_target": source}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_an_answer_comes_back_to_the_switch_that_asked_and_to_no_station(family: int) -> None:
    world, me = cloud(), mac(2, 2)
    host = host_mac(1)
    said = arp(2, me, four(2, 2), host, "0.0.0.0") if family == 4 else advertisement(me, six(2, 2), host)
    outcome = world.send("bob", **said)
    assert outcome.wire == [("h2", "h1", 0x102)] and outcome.arrived == [] and outcome.shown == ["h1"]
    arriving = {**frame(**said), "in_port": 900, **frame(tun_src="192.0.2.2", tun_id=0x102)}
    assert services(world, "h1", arriving) == {ANSWERS}


def test_a_port_with_a_hosts_mac_does_not_get_the_answers() -> None:
    thief, plugged = station("thief", 2, 3, 1, 4)
    assert isinstance(thief, Port)
    world = cloud(replace(thief, mac_address=host_mac(1)), plugged)
    outcome = world.send("bob", **arp(2, mac(2, 2), four(2, 2), host_mac(1), "0.0.0.0"))
    assert outcome.arrived == [] and outcome.shown == ["h1"]


def test_what_is_no_answer_is_not_for_the_host() -> None:
    world = cloud()
    request = arp(1, mac(2, 2), four(2, 2), host_mac(2), "10.0.2.9")
    assert world.send("bob", **request).shown == []
    udp = packet(4, (2, 2), (1, 1)) | {"eth_dst": host_mac(2)}
    assert world.send("bob", **udp).shown == []


def test_an_answer_from_a_physical_network_is_handed_over() -> None:
    first, *subnets = network(2)
    assert isinstance(first, Network)
    flat = [replace(first, physical_network="p1", network_type="flat"), *subnets]
    both = [replace(switch(number), physical=(Physical("p1", PATCH),)) for number in (1, 2)]
    world = World(*all_of(
        both[0], both[1], network(1), flat, router("r", 7), attached("r", 1), attached("r", 2),
        station("alice", 1, 1, 1, 1),
    ))  # fmt: skip
    said = arp(2, STRANGER, "10.0.2.9", host_mac(1), "0.0.0.0")
    assert services(world, "h1", {**frame(**said), "in_port": PATCH}) == {ANSWERS}
    assert services(world, "h2", {**frame(**said), "in_port": PATCH}) == set()  # another host's


@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_known_neighbour_tells_unasked_goes_on_and_to_the_controller(family: int) -> None:
    at = address(family, 2, 9)
    everybody = "ff:ff:ff:ff:ff:ff" if family == 4 else "33:33:00:00:00:01"
    said = arp(1, STRANGER, at, everybody, at) if family == 4 else advertisement(STRANGER, at, everybody)
    assert handed_to(cloud(neighbor(at)), "lea", **said) == {ANNOUNCED, "learning"}
    assert handed_to(cloud(), "lea", **said) == {"learning"}
    assert cloud(neighbor(at)).send("lea", **said).ports == ["bob"]


@pytest.mark.parametrize("family", FAMILIES)
def test_what_cannot_be_forwarded_is_handed_over(family: int) -> None:
    world = cloud()
    for said in (
        packet(family, (1, 1), (2, 2), ip_ttl=1), packet(family, (1, 1), (2, 2), ip_ttl=0),
        packet(family, (1, 1), (9, 9)), packet(family, (1, 1), (1, GATEWAY)), packet(family, (1, 1), (2, GATEWAY)),
    ):  # fmt: skip
        assert handed_to(world, "alice", **said) == {SERVICE}
        assert world.send("alice", **said).arrived == []


@pytest.mark.parametrize("left_by", [True, False])
def test_a_network_that_only_gateways_are_in_has_flows_of_neighbours(left_by: bool) -> None:
    world = cloud(*network(3), *station("eve", 3, 1, 1, 9))
    if left_by:
        world.put(replace(world.model.rows(Router)["r"], gateways=(Gateway("n3", "gw"),)))
    before = set(world.compiler.wanted("h1"))
    world.put(Neighbor(network_id="n3", ip_address=four(3, 9), mac=STRANGER, switch_id="h1", router_id="r"))
    found = {flow.table.name for flow in set(world.compiler.wanted("h1")) - before}
    assert found == ({"resolve", "answer"} if left_by else set())
