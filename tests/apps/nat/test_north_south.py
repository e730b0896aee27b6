"""North-south traffic, frame by frame, over every switch's flows: who is reached, from which address, at which TTL."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from controller.flow.interpret import Frame
from controller.model.rows import (
    AddressPair,
    FixedIp,
    FloatingIp,
    Gateway,
    Interface,
    NdpProxy,
    Network,
    Port,
    PortForwarding,
    Router,
    Row,
    Subnet,
)
from tests.apps.nat.rows import OUT, OUT6, external, floating, mac, outside, switch, with_gateway
from tests.apps.routing import rows
from tests.apps.routing.rows import GATEWAY, all_of, attached, four, network, router, six, station
from tests.world import World, frame, number

GW = 10  # host part of the gateway's address


def cloud(*more: object, tunnelled: bool = False, snat: bool = True, physical: bool = True) -> World:
    """alice on h1 and anna on h2 in network 1, bob on h1 in network 2; the gateway is h2; the outside is behind h3."""
    return World(*all_of(
        switch(1, physical=physical), switch(2), switch(3), external(tunnelled=tunnelled), outside(3),
        network(1), network(2), attached("r", 1), attached("r", 2), with_gateway(router("r", 7), GW, "h2", snat=snat),
        station("alice", 1, 1, 1, 1), station("anna", 1, 2, 2, 1), station("bob", 2, 1, 1, 2), *more,
    ))  # fmt: skip


def udp(one: tuple[int, int], to: str, port: int = 1000, **more: int | str) -> dict[str, int | str]:
    """From a station (network, host) to an address, by its router."""
    version, source = ("ipv6", six(*one)) if ":" in to else ("ipv4", four(*one))
    return {"eth_src": rows.mac(*one), "eth_dst": rows.mac(one[0], GATEWAY), f"{version}_src": source,
            f"{version}_dst": to, "eth_type": 0x86DD if ":" in to else 0x0800, "ip_proto": 17, "ip_ttl": 64,
            "udp_src": port, "udp_dst": 53, **more}  # fmt: skip


def answer(got: Frame, ttl: int = 64) -> Frame:
    """What the receiver of a packet says to it."""
    swapped = dict(got)
    for one, other in (
        ("eth_src", "eth_dst"),
        ("ipv4_src", "ipv4_dst"),
        ("ipv6_src", "ipv6_dst"),
        ("udp_src", "udp_dst"),
    ):
        if one in got:
            swapped[one], swapped[other] = got[other], got[one]
    return swapped | {"ip_ttl": ttl}


def reply(world: World, port_id: str, got: Frame) -> list[tuple[str, Frame]]:
    """What becomes of the answer of the port that got a packet."""
    at = world.model.placement.bindings[port_id]
    return world.inject(at.switch_id, at.ofport, answer(got)).arrived


def test_a_connection_from_inside_comes_from_the_gateways_address_and_is_answered() -> None:
    world = cloud()
    sent = udp((1, 1), f"{OUT}1")
    outcome = world.send("alice", **sent)
    ((port, got),) = outcome.arrived
    assert port == "out" and got["ipv4_src"] == number("ipv4_src", f"{OUT}{GW}") and got["ip_ttl"] == 63
    assert got["eth_src"] == number("eth_src", mac(GW)) and got["eth_dst"] == number("eth_dst", mac(1))
    assert outcome.wire == [("h1", "h2", 0x907)] and outcome.outside[0] == ("h2", "p1", 0)
    ((port, back),) = reply(world, "out", got)
    assert port == "alice" and back == answer(frame(**sent), 63)


def test_far_destinations_go_to_the_next_hop_of_the_external_subnet() -> None:
    ((port, got),) = cloud().send("bob", **udp((2, 1), "8.8.8.8")).arrived
    assert port == "out" and got["eth_dst"] == number("eth_dst", mac(1))
    assert got["ipv4_src"] == number("ipv4_src", f"{OUT}{GW}") and got["ipv4_dst"] == number("ipv4_dst", "8.8.8.8")


def test_ipv6_and_ipv4_without_translation_are_routed_both_ways() -> None:
    for to, inside, version in ((f"{OUT6}1", six(1, 1), "ipv6"), (f"{OUT}1", four(1, 1), "ipv4")):
        world = cloud(snat=False)
        ((port, got),) = world.send("alice", **udp((1, 1), to)).arrived
        assert port == "out" and got[f"{version}_src"] == number(f"{version}_src", inside)
        ((port, back),) = reply(world, "out", got)
        assert port == "alice" and back["ip_ttl"] == 63
        assert cloud(snat=False).inject("h3", 1, answer(got)).ports == ["alice"]  # begun from outside
        far = "2001:db8:f::9" if version == "ipv6" else "198.51.100.7"
        transit = answer(got) | {f"{version}_dst": number(f"{version}_dst", far)}
        assert world.inject("h3", 1, transit).outside == [("h3", "p1", 0)], "it left again: no router is a transit"


def test_nothing_comes_in_to_a_translated_address_but_answers() -> None:
    world = cloud()
    ((_, got),) = world.send("alice", **udp((1, 1), f"{OUT}1")).arrived
    for other in ({"udp_src": 54}, {"udp_dst": got["udp_src"] + 1}, {"ipv4_src": number("ipv4_src", "198.51.100.7")}):
        assert world.inject("h3", 1, answer(got) | other).arrived == []
    inside = answer(got) | {"ipv4_dst": number("ipv4_dst", four(1, 1))}
    assert world.inject("h3", 1, inside).arrived == []  # to a tenant's address, which is not routed in
    far = answer(got) | {"ipv4_dst": number("ipv4_dst", "198.51.100.7")}
    assert world.inject("h3", 1, far).arrived == []  # a tenant's router is not the world's


def test_frames_to_other_macs_are_not_routed() -> None:
    world = cloud(snat=False)
    ((_, got),) = world.send("alice", **udp((1, 1), f"{OUT}1")).arrived
    there = answer(got)
    assert world.inject("h3", 1, there).ports == ["alice"]
    for other in (mac(99), rows.mac(1, GATEWAY), rows.mac(1, 1)):
        assert world.inject("h3", 1, there | {"eth_dst": number("eth_dst", other)}).arrived == []


def test_a_gateway_answers_arp_neighbour_discovery_and_pings() -> None:
    for to in ("ff:ff:ff:ff:ff:ff", mac(GW)):
        ((port, got),) = cloud().send(
            "out", eth_src=mac(1), eth_dst=to, eth_type=0x0806, arp_op=1, arp_sha=mac(1), arp_spa=f"{OUT}1",
            arp_tpa=f"{OUT}{GW}",
        ).arrived  # fmt: skip
        assert port == "out" and got["arp_sha"] == number("arp_sha", mac(GW)) and got["arp_op"] == 2
    solicited = {"eth_src": mac(1), "eth_dst": "33:33:ff:00:00:0a", "eth_type": 0x86DD, "ip_proto": 58, "ip_ttl": 255,
                 "ipv6_src": f"{OUT6}1", "ipv6_dst": "ff02::1:ff00:a", "icmpv6_type": 135,
                 "nd_target": f"{OUT6}a"}  # fmt: skip
    ((port, got),) = cloud().send("out", **solicited).arrived
    assert port == "out" and got["icmpv6_type"] == 136 and got["nd_tll"] == number("nd_tll", mac(GW))
    ping = {"eth_src": mac(1), "eth_dst": mac(GW), "eth_type": 0x0800, "ip_proto": 1, "ip_ttl": 9, "icmpv4_type": 8,
            "ipv4_src": f"{OUT}1", "ipv4_dst": f"{OUT}{GW}"}  # fmt: skip
    ((port, got),) = cloud().send("out", **ping).arrived
    assert port == "out" and got.get("icmpv4_type", 0) == 0 and got["ip_ttl"] == 64
    assert got["ipv4_src"] == number("ipv4_src", f"{OUT}{GW}") and got["eth_dst"] == number("eth_dst", mac(1))


def test_a_gateway_answers_for_the_addresses_that_it_is_a_proxy_of_and_routes_what_comes() -> None:
    """From who asks on the external network; not for others, and not after the proxy is gone."""
    world = cloud(NdpProxy(id="np", project_id="t", router_id="r", port_id="alice", ip_address=six(1, 1)))
    asked = {"eth_src": mac(1), "eth_dst": "33:33:ff:00:00:01", "eth_type": 0x86DD, "ip_proto": 58, "ip_ttl": 255,
             "ipv6_src": f"{OUT6}1", "ipv6_dst": "ff02::1:ff00:1", "icmpv6_type": 135}  # fmt: skip
    ((port, got),) = world.send("out", **asked, nd_target=six(1, 1)).arrived
    assert port == "out" and got["icmpv6_type"] == 136 and got["nd_tll"] == number("nd_tll", mac(GW))
    assert got["nd_target"] == got["ipv6_src"] == number("ipv6_src", six(1, 1))
    said = frame(eth_src=mac(1), eth_dst=mac(GW), eth_type=0x86DD, ipv6_src=f"{OUT6}1", ipv6_dst=six(1, 1),
                 ip_proto=17, ip_ttl=64, udp_src=1, udp_dst=2)  # fmt: skip
    ((port, there),) = world.inject("h3", 1, said).arrived
    assert port == "alice" and there["ip_ttl"] == 63
    assert world.send("out", **asked, nd_target=six(2, 1)).arrived == []
    world.put("ndp_proxy/np")
    assert world.send("out", **asked, nd_target=six(1, 1)).arrived == []


def test_a_floating_ip_is_at_its_ports_switch_both_ways() -> None:
    world = cloud(floating(101, "alice", four(1, 1)))
    outcome = world.send("alice", **udp((1, 1), f"{OUT}1"))
    ((port, got),) = outcome.arrived
    assert port == "out" and got["ipv4_src"] == number("ipv4_src", f"{OUT}101")
    assert got["eth_src"] == number("eth_src", mac(101)) and got["ip_ttl"] == 63
    assert outcome.wire == [] and outcome.outside[0] == ("h1", "p1", 0)
    assert reply(world, "out", got)[0][0] == "alice"
    asked = cloud(floating(101, "alice", four(1, 1))).inject("h3", 1, answer(got))
    ((port, there),) = asked.arrived
    assert port == "alice" and there["ipv4_dst"] == number("ipv4_dst", four(1, 1)) and asked.wire == []
    assert [port for port, _ in world.send("bob", **udp((2, 1), f"{OUT}1")).arrived] == ["out"]


def test_a_floating_ip_is_at_the_gateway_where_its_ports_switch_is_not_connected() -> None:
    for tunnelled, physical in ((True, True), (False, False)):
        world = cloud(floating(101, "alice", four(1, 1)), tunnelled=tunnelled, physical=physical)
        outcome = world.send("alice", **udp((1, 1), f"{OUT}1"))
        ((port, got),) = outcome.arrived
        assert port == "out" and got["ipv4_src"] == number("ipv4_src", f"{OUT}101")
        assert got["eth_src"] == number("eth_src", mac(101)) and outcome.wire[0] == ("h1", "h2", 0x907)
        assert reply(world, "out", got)[0][0] == "alice"
        again = cloud(floating(101, "alice", four(1, 1)), tunnelled=tunnelled, physical=physical)
        assert again.inject("h3", 1, answer(got)).ports == ["alice"]


def test_floating_ips_of_one_router_reach_each_other_and_themselves() -> None:
    for tunnelled in (False, True):
        for to, receiver in ((102, "anna"), (101, "alice"), (103, "bob")):
            world = cloud(floating(101, "alice", four(1, 1)), floating(102, "anna", four(1, 2)),
                          floating(103, "bob", four(2, 1)), tunnelled=tunnelled)  # fmt: skip
            sent = udp((1, 1), f"{OUT}{to}")
            ((port, got),) = world.send("alice", **sent).arrived
            assert (port, got["ip_ttl"]) == (receiver, 62), to
            assert got["ipv4_src"] == number("ipv4_src", f"{OUT}101")
            assert reply(world, receiver, got) == [("alice", answer(frame(**sent), 62))]


def test_a_port_without_one_reaches_a_floating_ip_by_the_gateway() -> None:
    world = cloud(floating(102, "anna", four(1, 2)))
    sent = udp((2, 1), f"{OUT}102")
    ((port, got),) = world.send("bob", **sent).arrived
    assert port == "anna" and got["ipv4_src"] == number("ipv4_src", f"{OUT}{GW}")
    assert reply(world, "anna", got) == [("bob", answer(frame(**sent), 62))]
    assert world.send("bob", **udp((2, 1), four(1, 2))).ports == ["anna"]  # and by its fixed address


def test_connections_end_with_the_association_that_they_are_over_and_others_go_on() -> None:
    for physical in (True, False):
        world = cloud(floating(101, "alice", four(1, 1)), floating(103, "bob", four(2, 1)), physical=physical)
        kept = world.send("bob", **udp((2, 1), f"{OUT}1")).arrived[0][1]
        out = world.send("alice", **udp((1, 1), f"{OUT}1")).arrived[0][1]
        into = answer(out) | {"udp_src": 7777, "udp_dst": 8888}
        assert world.inject("h3", 1, into).ports == ["alice"]
        world.put(*floating(101, "bob", four(2, 1))[1:])
        world.put("floatingip/fip103")
        world.put(*all_of(floating(103, "bob", four(2, 1))))
        assert world.inject("h3", 1, into).arrived == []
        assert reply(world, "out", out) == []
        assert reply(world, "out", kept)[0][0] == "bob"
        world.put(*floating(101, "", "")[1:])
        assert world.inject("h3", 1, into).arrived == []
        got = world.send("alice", **udp((1, 1), f"{OUT}1")).arrived
        assert all(one["ipv4_src"] != number("ipv4_src", f"{OUT}101") for _, one in got)


def test_another_router_translates_nothing_of_this_one() -> None:
    world = cloud(
        network(3), attached("s", 3), with_gateway(router("s", 8), 20, "h2"), station("eve", 3, 1, 2, 9),
        floating(101, "alice", four(1, 1)),
    )  # fmt: skip
    ((_, got),) = world.send("eve", **udp((3, 1), f"{OUT}1")).arrived
    assert got["ipv4_src"] == number("ipv4_src", f"{OUT}20")
    assert world.send("eve", **udp((3, 1), f"{OUT}1", ipv4_src=four(1, 1))).arrived == []
    assert world.send("eve", **udp((3, 1), f"{OUT}1", ipv4_src=f"{OUT}101")).arrived == []
    assert world.send("eve", **udp((3, 1), f"{OUT}101")).ports == ["alice"]
    assert reply(world, "out", got)[0][0] == "eve"


def forwarding(
    name: str, host: int, external: int, port: str, fixed: str, internal: int, length: int = 1
) -> PortForwarding:
    return PortForwarding(
        id=name, project_id="t", floatingip_id=f"fip{host}", protocol="udp",
        external_ports=(external, external + length - 1), internal_ports=(internal, internal + length - 1),
        internal_port_id=port, internal_ip_address=fixed,
    )  # fmt: skip


def forwarded(*more: PortForwarding) -> World:
    outer, row = floating(104, "", "")
    return cloud(outer, replace(row, router_id="r"), *more)


def knock(world: World, port: int, to: int = 104) -> list[tuple[str, int, int]]:
    """Who gets a datagram from outside to a port of a floating IP: port, its destination, its port."""
    sent = frame(eth_src=mac(1), eth_dst=mac(to), eth_type=0x0800, ipv4_src=f"{OUT}1", ipv4_dst=f"{OUT}{to}",
                 ip_proto=17, ip_ttl=64, udp_src=4000, udp_dst=port)  # fmt: skip
    return [(who, got["ipv4_dst"] & 255, got["udp_dst"]) for who, got in world.inject("h3", 1, sent).arrived]


def test_ports_of_a_floating_ip_lead_to_several_stations_and_ranges_port_by_port() -> None:
    world = forwarded(
        forwarding("one", 104, 2222, "alice", four(1, 1), 22),
        forwarding("two", 104, 8000, "bob", four(2, 1), 8000, 16),
        forwarding("far", 104, 3000, "anna", four(1, 2), 4000, 3),
    )  # fmt: skip
    assert knock(world, 2222) == [("alice", 1, 22)]
    assert knock(world, 8000) == [("bob", 1, 8000)] and knock(world, 8015) == [("bob", 1, 8015)]
    assert [knock(world, 3000 + each) for each in (-1, 0, 2, 3)] == [[], [("anna", 2, 4000)], [("anna", 2, 4002)], []]
    assert knock(world, 22) == knock(world, 8016) == []


def test_an_answer_over_a_forwarding_comes_from_the_floating_ip_until_it_leads_elsewhere() -> None:
    world = forwarded(forwarding("one", 104, 2222, "alice", four(1, 1), 22))
    sent = frame(eth_src=mac(1), eth_dst=mac(104), eth_type=0x0800, ipv4_src=f"{OUT}1", ipv4_dst=f"{OUT}104",
                 ip_proto=17, ip_ttl=64, udp_src=4000, udp_dst=2222)  # fmt: skip
    ((_, got),) = world.inject("h3", 1, sent).arrived
    assert reply(world, "alice", got) == [("out", answer(sent, 63))]
    ((_, own),) = world.send("alice", **udp((1, 1), f"{OUT}1")).arrived
    assert own["ipv4_src"] == number("ipv4_src", f"{OUT}{GW}")
    world.put(forwarding("one", 104, 2222, "bob", four(2, 1), 22))
    assert reply(world, "alice", got) == [] and world.inject("h3", 1, sent).arrived == []
    assert world.inject("h3", 1, sent | {"udp_src": 4001}).ports == ["bob"]
    world.put("port_forwarding/one")
    assert world.inject("h3", 1, sent | {"udp_src": 4002}).arrived == []


def test_a_forwarding_is_reached_from_inside() -> None:
    world = forwarded(forwarding("one", 104, 53, "alice", four(1, 1), 5353))
    sent = udp((2, 1), f"{OUT}104")
    ((port, got),) = world.send("bob", **sent).arrived
    assert (port, got["udp_dst"]) == ("alice", 5353) and got["ipv4_src"] == number("ipv4_src", f"{OUT}{GW}")
    assert reply(world, "alice", got) == [("bob", answer(frame(**sent), 62))]


# --- several gateways -------------------------------------------------------------------------------------------------


def second(host: int, next_hop: int) -> list[Row]:
    """Another external network, "y" on VLAN 5 of the same wire, a gateway port of router r there, and a station."""
    port = Port(id="r-y", project_id="", network_id="y", mac_address=mac(host),
                fixed_ips=(FixedIp("y4", f"{Y}{host}"),), device_owner="network:router_gateway",
                device_id="r")  # fmt: skip
    pairs = tuple(AddressPair(half, mac(next_hop)) for half in ("0.0.0.0/1", "128.0.0.0/1"))
    station = Port(id="far", project_id="admin", network_id="y", mac_address=mac(next_hop), address_pairs=pairs,
                   fixed_ips=(FixedIp("y4", f"{Y}{next_hop}"),), interface_id="far")  # fmt: skip
    return [
        Network(id="y", project_id="admin", mtu=1500, network_type="vlan", segment=0x501, external=True,
                physical_network="p1", vlan=5),
        Subnet(id="y4", project_id="admin", network_id="y", ip_version=4, cidr=f"{Y}0/24", gateway_ip=f"{Y}{next_hop}"),
        port, station, Interface(switch_id="h3", name="tap-far", vif="far", ofport=2),
    ]  # fmt: skip


Y = "198.51.100."


def two_gateways(*more: Row, ecmp: bool) -> World:
    world = cloud(*second(20, 2), *more)
    row = world.model.get(Router, "r")
    assert row is not None
    world.put(replace(row, gateways=(*row.gateways, Gateway("y", "r-y")), ecmp=ecmp))
    return world


def over(world: World) -> set[tuple[str, int]]:
    """Where packets to a far destination leave, and from which address, as the hash may fall."""
    found = set()
    for chance in range(8):
        world.pipeline("h2").chance = chance
        for port, got in world.send("alice", **udp((1, 1), "8.8.8.8", port=2000 + chance)).arrived:
            assert got["eth_dst"] == number("eth_dst", mac(1 if port == "out" else 2))
            found.add((port, int(got["ipv4_src"])))
    return found


def test_default_routes_over_all_gateways_share_packets_where_the_router_says_so() -> None:
    one, other = ("out", number("ipv4_src", f"{OUT}{GW}")), ("far", number("ipv4_src", f"{Y}20"))
    assert over(two_gateways(ecmp=False)) == {one}
    world = two_gateways(ecmp=True)
    assert over(world) == {one, other}
    ((port, got),) = world.send("alice", **udp((1, 1), f"{Y}2")).arrived
    assert port == "far" and got["ipv4_src"] == other[1], "what is on link there leaves there"
    assert reply(world, "far", got)[0][0] == "alice"
    row = world.model.get(Router, "r")
    assert row is not None
    world.put(replace(row, gateways=row.gateways[:1]))
    assert over(world) == {one}


@pytest.mark.parametrize("ecmp", [False, True])
@pytest.mark.parametrize("physical", [True, False])
def test_a_floating_ip_of_another_external_network_leaves_by_that_network(ecmp: bool, physical: bool) -> None:
    (floated,) = (row for row in floating(77, "alice", four(1, 1)) if isinstance(row, FloatingIp))
    floated = replace(floated, floating_network_id="y", floating_ip_address=f"{Y}77")
    outer = Port(id=floated.floating_port_id, project_id="", network_id="y", mac_address=mac(77),
                 fixed_ips=(FixedIp("y4", f"{Y}77"),))  # fmt: skip
    world = two_gateways(outer, floated, *([] if physical else [switch(1, physical=False)]), ecmp=ecmp)
    assert over(world) == {("far", number("ipv4_src", f"{Y}77"))}
