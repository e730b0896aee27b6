"""Extra routes, equal ones, chains of routers, several routers on a network, MTUs."""

from __future__ import annotations

from ipaddress import ip_network
from itertools import pairwise

import pytest
from msgspec.structs import replace

from apps.pipeline import HIGHEST, MISS
from apps.routing.routes import priority
from apps.source import link_local
from controller.flow import put
from controller.flow.nested import every
from controller.model.rows import ExtraRoute, Interface, Router, Subnet
from tests.apps.routing.rows import GATEWAY, all_of, attached, four, mac, network, router, six, station, switch
from tests.apps.routing.test_east_west import FAMILIES, address, packet
from tests.world import World, frame

ELSEWHERE = {4: "192.0.2.77", 6: "2001:db8:77::1"}


def cloud() -> World:
    """alice in one network, three machines that route on in another; the router between the two is on both switches."""
    routers = [station(f"m{host}", 2, host, 1 + host % 2, 10 + host) for host in (1, 2, 3)]
    return World(*all_of(
        switch(1), switch(2), network(1), network(2), router("r", 7), attached("r", 1), attached("r", 2),
        station("alice", 1, 1, 1, 1), *routers,
    ))  # fmt: skip


def routed(world: World, *routes: tuple[str, str]) -> None:
    row = world.model.get(Router, "r")
    assert row is not None
    world.put(replace(row, routes=tuple(ExtraRoute(*route) for route in routes)))


def elsewhere(family: int, to: str = "") -> dict[str, int | str]:
    return {**packet(family, (1, 1), (2, 1)), f"ipv{family}_dst": to or ELSEWHERE[family]}


def hop(family: int, host: int) -> str:
    return address(family, 2, host)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_extra_route_leads_to_its_next_hop(family: int) -> None:
    world = cloud()
    assert world.send("alice", **elsewhere(family)).arrived == []
    routed(world, ("192.0.2.0/24" if family == 4 else "2001:db8:77::/64", hop(family, 2)))
    sent = elsewhere(family)
    changed = {**sent, "eth_src": mac(2, GATEWAY), "eth_dst": mac(2, 2), "ip_ttl": 63}
    assert world.send("alice", **sent).arrived == [("m2", frame(**changed))]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_longest_prefix_decides(family: int) -> None:
    world = cloud()
    if family == 4:
        routed(world, ("0.0.0.0/0", hop(4, 1)), ("192.0.2.77/32", hop(4, 2)), ("192.0.2.0/24", hop(4, 3)))
        reached = {"198.51.100.1": "m1", "192.0.2.77": "m2", "192.0.2.78": "m3", four(2, 1): "m1", four(2, 3): "m3"}
    else:
        routed(world, ("::/0", hop(6, 1)), ("2001:db8:77::1/128", hop(6, 2)), ("2001:db8::/32", hop(6, 3)))
        reached = {"2a00::1": "m1", "2001:db8:77::1": "m2", "2001:db8:77::2": "m3", six(2, 3): "m3"}
    for target, port in reached.items():
        assert world.send("alice", **elsewhere(family, target)).ports == [port], target


@pytest.mark.parametrize("family", FAMILIES)
def test_a_connected_prefix_cannot_be_routed_elsewhere(family: int) -> None:
    world = cloud()
    world.put(*station("bob", 1, 2, 2, 1))
    routed(world, ("10.0.1.0/24" if family == 4 else "fd00:1::/64", hop(family, 2)))
    assert world.send("m1", **packet(family, (2, 1), (1, 2))).ports == ["bob"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_route_to_nobody_or_out_of_reach_leads_nowhere(family: int) -> None:
    world = cloud()
    wide = "0.0.0.0/0" if family == 4 else "::/0"
    for nowhere in (hop(family, 99), ELSEWHERE[family]):
        routed(world, (wide, nowhere))
        assert world.send("alice", **elsewhere(family)).arrived == []
    routed(world, (wide, hop(family, 2)))
    assert world.send("alice", **elsewhere(family)).ports == ["m2"]
    world.put("interface/h1/tap-m2")  # its machine is gone
    assert world.send("alice", **elsewhere(family)).arrived == []


@pytest.mark.parametrize("family", FAMILIES)
def test_equal_routes_share_packets(family: int) -> None:
    world = cloud()
    prefix = "192.0.2.0/24" if family == 4 else "2001:db8:77::/64"
    routed(world, *((prefix, hop(family, host)) for host in (1, 2, 3)))
    reached = set()
    for chance in range(6):
        world.pipeline("h1").chance = chance
        (port,) = world.send("alice", **elsewhere(family)).ports
        reached.add(port)
    assert reached == {"m1", "m2", "m3"}
    hashed = [one for flow in world.compiler.wanted("h1") for one in every(flow.actions) if one.kind == "multipath"]
    assert len(hashed) == 1 and "symmetric_l3," in str(hashed[0]), "fragments of a datagram stay together"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_next_hop_whose_machine_is_gone_gets_no_share(family: int) -> None:
    world = cloud()
    prefix = "192.0.2.0/24" if family == 4 else "2001:db8:77::/64"
    routed(world, *((prefix, hop(family, host)) for host in (1, 2, 3)))

    def reached() -> set[str]:
        found = set()
        for chance in range(6):
            world.pipeline("h1").chance = chance
            found.update(world.send("alice", **elsewhere(family)).ports)
        return found

    gone = world.model.get(Interface, "h1/tap-m2")
    assert gone is not None and reached() == {"m1", "m2", "m3"}
    world.put("interface/h1/tap-m2")
    assert reached() == {"m1", "m3"}
    world.put(gone)
    assert reached() == {"m1", "m2", "m3"}
    for host in (1, 2, 3):
        world.put(f"interface/h{1 + host % 2}/tap-m{host}")
    assert reached() == set()


# --- routers behind routers -------------------------------------------------------------------------------------------


def chain(length: int) -> World:
    """Networks 1, 2, ... with a router between each and the next; alice at one end, zoe at the other."""
    rows = all_of(switch(1), switch(2), *(network(n) for n in range(1, length + 2)))
    for n in range(1, length + 1):
        onward = [(cidr(family, far), address(family, n + 1, 100 + n + 1)) for family in FAMILIES
                  for far in range(n + 2, length + 2)]  # fmt: skip
        back = [(cidr(family, far), address(family, n, 200 + n - 1)) for family in FAMILIES for far in range(1, n)]
        rows += all_of(router(f"r{n}", n, *onward, *back), attached(f"r{n}", n, 100 + n),
                       attached(f"r{n}", n + 1, 200 + n))  # fmt: skip
    return World(*rows, *station("alice", 1, 1, 1, 1), *station("zoe", length + 1, 1, 2, 1))


def cidr(family: int, network: int) -> str:
    return f"10.0.{network}.0/24" if family == 4 else f"fd00:{network:x}::/64"


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("length", [2, 3, 20])
def test_a_packet_passes_several_routers_on_the_senders_switch(family: int, length: int) -> None:
    world = chain(length)
    sent = packet(family, (1, 1), (length + 1, 1), via=101)
    outcome = world.send("alice", **sent)
    changed = {"eth_src": mac(length + 1, 200 + length), "eth_dst": mac(length + 1, 1), "ip_ttl": 64 - length}
    assert outcome.arrived == [("zoe", frame(**sent | changed))] and len(outcome.wire) == 1
    back = packet(family, (length + 1, 1), (1, 1), via=200 + length)
    assert world.send("zoe", **back).ports == ["alice"]
    assert world.send("alice", **{**sent, "ip_ttl": length}).arrived == []


@pytest.mark.parametrize("ttl", [64, 255])
def test_a_circle_of_routers_ends(ttl: int) -> None:
    world = World(*all_of(
        switch(1), network(1), network(2), router("r", 1, ("0.0.0.0/0", four(2, 202))), attached("r", 1, 101),
        attached("r", 2, 201), router("s", 2, ("0.0.0.0/0", four(2, 201))), attached("s", 2, 202),
        station("alice", 1, 1, 1, 1),
    ))  # fmt: skip
    sent = {**packet(4, (1, 1), (2, 1), via=101, ip_ttl=ttl), "ipv4_dst": ELSEWHERE[4]}
    assert world.send("alice", **sent).arrived == []


@pytest.mark.parametrize("family", FAMILIES)
def test_several_routers_on_a_network_lead_where_they_lead(family: int) -> None:
    world = World(*all_of(
        switch(1), switch(2), *(network(n) for n in (1, 2, 3)), router("r", 1), attached("r", 1, 101),
        attached("r", 2, 101), router("s", 2), attached("s", 1, 102), attached("s", 3, 102),
        station("alice", 1, 1, 1, 1), station("bob", 2, 1, 2, 1), station("carol", 3, 1, 2, 2),
    ))  # fmt: skip
    for via, reached in ((101, {2: ["bob"], 3: []}), (102, {2: [], 3: ["carol"]})):
        for to, ports in reached.items():
            assert world.send("alice", **packet(family, (1, 1), (to, 1), via=via)).ports == ports


# --- what is too large ------------------------------------------------------------------------------------------------


def narrow(first: int, second: int) -> World:
    return World(*all_of(
        switch(1), network(1, first), network(2, second), router("r", 7), attached("r", 1), attached("r", 2),
        station("alice", 1, 1, 1, 1), station("bob", 2, 1, 1, 2),
    ))  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_larger_than_the_next_network_takes_is_not_sent_there(family: int) -> None:
    world = narrow(1450, 1400)
    for size, ports in ((1400, ["bob"]), (1401, [])):
        sent = frame(**packet(family, (1, 1), (2, 1))) | {"length": 14 + size}
        assert world.inject("h1", 1, sent).ports == ports
    back = frame(**packet(family, (2, 1), (1, 1))) | {"length": 14 + 1400}
    assert world.inject("h1", 2, back).ports == ["alice"]


def test_nothing_is_measured_where_all_networks_take_the_same() -> None:
    for first, second, measured in ((1450, 1450, 0), (1450, 1400, 2), (1400, 1450, 2)):
        flows = narrow(first, second).compiler.wanted("h1")
        assert sum("check_pkt_larger" in str(flow) for flow in flows) == measured


# --- the form of the flows --------------------------------------------------------------------------------------------


def test_a_next_hop_of_ipv6_is_written_in_two_halves() -> None:
    world = cloud()
    routed(world, ("2001:db8:77::/64", "fd00:2::2"))
    (flow,) = [flow for flow in world.compiler.wanted("h1") if "2001:db8:77" in str(flow)]
    assert "load:0xfd00000200000000->OXM_OF_PKT_REG0[],load:0x2->OXM_OF_PKT_REG1[]" in str(flow)
    assert put("eth_src", mac(2, GATEWAY)) in flow.actions


def test_a_subnet_of_another_network_is_no_prefix_of_an_interface() -> None:
    world = cloud()
    row = world.model.get(Subnet, "n2v4")
    assert row is not None
    world.put(replace(row, network_id="n1"))
    assert world.send("alice", **packet(4, (1, 1), (2, 1))).arrived == []


def test_longer_prefixes_have_higher_priorities() -> None:
    for prefixes in (
        [f"128.0.0.0/{length}" for length in range(1, 33)],
        [f"8000::/{length}" for length in range(1, 129)],
    ):
        priorities = [priority(ip_network(prefix)) for prefix in prefixes]
        assert all(MISS < one < other <= HIGHEST for one, other in pairwise(priorities))


def test_broadcasts_into_another_network_are_not_routed() -> None:
    """Not even by a route to something larger that has a next hop (RFC 2644)."""
    world = cloud()
    routed(world, ("0.0.0.0/0", hop(4, 1)), ("10.0.0.0/8", hop(4, 2)))
    outcome = world.send("alice", **elsewhere(4, "10.0.2.255"))
    assert outcome.arrived == [] and outcome.shown == []
    assert world.send("alice", **elsewhere(4, "10.0.3.255")).ports == ["m2"]


# --- back to where it came from, and what is not routed ---------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_a_packet_may_go_back_to_the_port_that_it_came_from(family: int) -> None:
    """As where the sender itself is the next hop, or has a second address in another network of the router."""
    world = cloud()
    routed(world, ("0.0.0.0/0" if family == 4 else "::/0", address(family, 1, 1)))
    sent = elsewhere(family)
    changed = {**sent, "eth_src": mac(1, GATEWAY), "eth_dst": mac(1, 1), "ip_ttl": 63}
    assert world.send("alice", **sent).arrived == [("alice", frame(**changed))]


def test_a_frame_with_a_vlan_tag_is_not_routed() -> None:
    world = cloud()
    world.put(*station("lea", 1, 9, 1, 2, learning=True))
    sent = packet(4, (1, 9), (2, 1))
    assert world.send("lea", **sent).ports == ["m1"]
    assert world.send("lea", **sent, vlan_vid=0x1000 | 5).arrived == []


@pytest.mark.parametrize("target", ["127.0.0.1", "224.0.0.5", "255.255.255.255", "10.0.2.255"])
def test_no_router_forwards_to_itself_a_group_or_everybody(target: str) -> None:
    world = cloud()
    routed(world, ("0.0.0.0/0", hop(4, 1)))
    assert world.send("alice", **elsewhere(4, target)).arrived == []


@pytest.mark.parametrize("target", ["::1", "fe80::1", "ff05::1"])
def test_no_router_forwards_what_is_of_a_link_or_a_group(target: str) -> None:
    world = cloud()
    routed(world, ("::/0", hop(6, 1)))
    assert world.send("alice", **elsewhere(6, target)).arrived == []
    sent = {**packet(6, (1, 1), (2, 1)), "ipv6_src": link_local(mac(1, 1))}
    assert world.send("alice", **sent).arrived == [], "nor from one"
