"""The way of a request to a metadata server and back, frame by frame."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from apps.services.address import ADDRESS4, ADDRESS6, MAC
from apps.services.identity import Asker, address4, address6, tcp_port, who
from apps.services.metadata import SERVER_MAC
from controller.flow.interpret import Frame
from controller.model.rows import Interface, MetadataHost, MetadataService, Port, Row, Subnet
from controller.model.rows.metadata import VIF
from tests.apps.routing.rows import all_of, four, mac, network, six, station, switch
from tests.world import Said, World, frame

SEGMENT = 0xABCDE
SERVER = 50  # OpenFlow port of a metadata server's interface


def server(at: int, ofport: int = SERVER) -> Interface:
    return Interface(switch_id=f"h{at}", name="tenet-md", vif=VIF, ofport=ofport)


def hosts(*numbers: int, alive: tuple[int, ...] | None = None) -> list[Row]:
    """Service hosts with their servers; `alive`: those that serve now, all if nothing is said."""
    serving = tuple(f"h{number}" for number in (numbers if alive is None else alive))
    return [
        *(MetadataHost(id=f"h{number}") for number in numbers),
        *(server(number) for number in numbers),
        MetadataService(segment=SEGMENT, hosts=serving),
    ]


def cloud(*more: Row | list[Row]) -> World:
    """Two tenants' networks with the same addresses on three switches; ada and bob are of one, eve of the other."""
    other = [replace(each, id="twin", network_id="n2", cidr=f"{four(1, 0)}/24") for each in network(1)
             if isinstance(each, Subnet) and each.ip_version == 4]  # fmt: skip
    return World(*all_of(
        switch(1), switch(2), switch(3), network(1), network(2), other,
        station("ada", 1, 1, 1, 4), station("bob", 1, 2, 2, 4), station("eve", 2, 1, 2, 5), *more,
    ))  # fmt: skip


def asked(version: int, network: int, host: int, to: int = 80, **said: int | str) -> Said:
    """The first packet of a connection to the service address, by way of some gateway's MAC."""
    addresses: Said = {"eth_type": 0x0800, "ipv4_src": four(network, host), "ipv4_dst": ADDRESS4}
    if version == 6:
        addresses = {"eth_type": 0x86DD, "ipv6_src": six(network, host), "ipv6_dst": ADDRESS6}
    return {"eth_src": mac(network, host), "eth_dst": "fa:16:3e:00:00:fe", "ip_proto": 6, "tcp_src": 40000,
            "tcp_dst": to, **addresses, **said}  # fmt: skip


def reply(got: Frame) -> Frame:
    """What a server answers to a frame."""
    turned = {"eth_dst": "eth_src", "ipv4_src": "ipv4_dst", "ipv6_src": "ipv6_dst", "tcp_src": "tcp_dst"}
    names = {**turned, **{there: here for here, there in turned.items()}}
    said = {names.get(name, name): value for name, value in got.items()}
    return {**said, **frame(eth_src=SERVER_MAC, eth_dst=MAC)}


def identity(version: int, number: int, key: int, to: int = 80) -> tuple[int, int]:
    """Destination address and TCP port at a server."""
    at = Asker(number, key)
    said = frame(ipv4_dst=address4(at)) if version == 4 else frame(ipv6_dst=address6(at))
    (address,) = said.values()
    return address, tcp_port(to, number, version)


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("to", [80, 53])
@pytest.mark.parametrize(("port", "number", "key", "on"), [("ada", 1, 4, 1), ("bob", 2, 4, 2), ("eve", 2, 5, 2)])
def test_a_request_says_who_asks_and_its_answer_comes_back(
    version: int, to: int, port: str, number: int, key: int, on: int
) -> None:
    """Overlapping addresses and equal keys included; on the server's own switch, and from another."""
    net, host = {"ada": (1, 1), "bob": (1, 2), "eve": (2, 1)}[port]
    world = cloud(hosts(1))
    sent = asked(version, net, host, to)
    if port == "eve" and version == 4:
        eve = world.model.get(Port, "eve")
        assert eve is not None  # the very address that ada has
        world.put(replace(eve, fixed_ips=(replace(eve.fixed_ips[0], ip_address=four(1, 1)), *eve.fixed_ips[1:])))
        sent["ipv4_src"] = four(1, 1)
    outcome = world.send(port, **sent)
    ((where, got),) = outcome.arrived
    assert where == "h1/tenet-md" and outcome.shown == []
    assert outcome.wire == ([] if on == 1 else [("h2", "h1", SEGMENT)])
    name = f"ipv{version}"
    assert (got[f"{name}_dst"], got["tcp_dst"]) == identity(version, number, key, to)
    assert (got[f"{name}_src"], got["tcp_src"]) == (frame(**sent)[f"{name}_src"], 40000)
    assert got["eth_dst"] == frame(eth_dst=SERVER_MAC)["eth_dst"]
    back = world.inject("h1", SERVER, reply(got))
    ((asker, answer),) = back.arrived
    assert asker == port and back.wire == ([] if on == 1 else [("h1", "h2", SEGMENT)])
    assert answer == frame(**{
        "eth_src": MAC, "eth_dst": mac(net, host), "eth_type": sent["eth_type"], "ip_proto": 6, "tcp_src": to,
        "tcp_dst": 40000, f"{name}_dst": sent[f"{name}_src"], f"{name}_src": ADDRESS4 if version == 4 else ADDRESS6,
    })  # fmt: skip


def test_a_link_local_sender_has_another_prefix_on_the_way() -> None:
    """The server has no way to answer link-local addresses of many links."""
    world = cloud(hosts(1))
    own = "fe80::f816:3eff:fe00:102"
    ((_, got),) = world.send("bob", **asked(6, 1, 2, ipv6_src=own)).arrived
    assert got["ipv6_src"] == frame(ipv6_src="fd00:a9fe:a9fe:1:f816:3eff:fe00:102")["ipv6_src"]
    ((port, answer),) = world.inject("h1", SERVER, reply(got)).arrived
    assert port == "bob" and answer["ipv6_dst"] == frame(ipv6_dst=own)["ipv6_dst"]


def test_other_ports_and_protocols_never_reach_a_server() -> None:
    world = cloud(hosts(1))
    for version in (4, 6):
        for said in ({"tcp_dst": 22}, {"tcp_dst": 20480}, {"tcp_dst": 9696}):
            assert world.send("ada", **asked(version, 1, 1, **said)).ports == []
        datagram = asked(version, 1, 1, ip_proto=17, udp_src=5, udp_dst=80)
        datagram = {name: value for name, value in datagram.items() if not name.startswith("tcp")}
        assert world.send("ada", **datagram).ports == []


def test_nobody_asks_from_addresses_of_the_server() -> None:
    """Not even a port that may use any address."""
    world = cloud(hosts(1))
    ada = world.model.get(Port, "ada")
    assert ada is not None
    world.put(replace(ada, port_security=False))
    assert world.send("ada", **asked(4, 1, 1, ipv4_src="10.9.9.9")).ports == ["h1/tenet-md"]
    assert world.send("ada", **asked(4, 1, 1, ipv4_src=address4(Asker(2, 4)))).ports == []
    for source in (address6(Asker(2, 4)), "fd00:a9fe:a9fe:1::7"):
        assert world.send("ada", **asked(6, 1, 1, ipv6_src=source)).ports == []


def test_a_host_that_nobody_named_gets_nothing() -> None:
    """Its interface claims the iface-id; neither it nor a port that claims the interface is given anything."""
    world = cloud(server(3))
    assert world.send("ada", **asked(4, 1, 1)).ports == []
    world.put(*hosts(1))
    assert world.send("bob", **asked(4, 1, 2)).ports == ["h1/tenet-md"]
    forged = {**frame(**asked(4, 1, 1)), **frame(eth_src=SERVER_MAC, eth_dst=MAC, ipv4_src=address4(Asker(2, 4)))}
    assert world.inject("h3", SERVER, {**forged, "tcp_src": tcp_port(80, 2, 4)}).ports == []
    thief = replace(world.model.rows(Port)["ada"], id="thief", interface_id=VIF, mac_address="fa:16:3e:00:00:66")
    world.put(thief)
    assert "thief" not in world.model.placement.bindings
    assert world.send("bob", **asked(4, 1, 2)).ports == ["h1/tenet-md"]


def test_the_own_server_is_used_and_another_one_when_it_does_not_serve() -> None:
    world = cloud(hosts(1, 2))
    assert world.send("bob", **asked(4, 1, 2)).ports == ["h2/tenet-md"]
    world.put("interface/h2/tenet-md", MetadataService(segment=SEGMENT, hosts=("h1",)))
    assert world.send("bob", **asked(4, 1, 2)).ports == ["h1/tenet-md"]
    world.put(MetadataService(segment=SEGMENT, hosts=()))
    assert world.send("bob", **asked(4, 1, 2)).ports == []


def test_a_server_without_ports_beside_it_is_reached() -> None:
    """Switch 3 has no port of any network."""
    world = cloud(hosts(3))
    ((where, got),) = world.send("ada", **asked(6, 1, 1)).arrived
    assert where == "h3/tenet-md"
    assert world.inject("h3", SERVER, reply(got)).ports == ["ada"]


def test_a_network_without_subnets_that_have_services_is_left_alone() -> None:
    world = cloud(hosts(1))
    for subnet in world.model.find(Subnet, "network_id", "n1"):
        world.put(replace(subnet, enable_dhcp=False))
    assert world.send("ada", **asked(4, 1, 1)).ports == []
    assert world.send("eve", **asked(4, 2, 1)).ports == ["h1/tenet-md"]


def test_all_goes_when_no_host_is_named_any_more() -> None:
    world = cloud()
    before = {each: set(world.compiler.wanted(each)) for each in ("h1", "h2", "h3")}
    world.put(*hosts(1, 2))
    assert all(set(world.compiler.wanted(each)) != flows for each, flows in before.items())
    world.put("metadata_host/h1", "metadata_host/h2", "metadata_service/metadata")
    assert {each: set(world.compiler.wanted(each)) for each in ("h1", "h2", "h3")} == before


@pytest.mark.parametrize("number", [1, 4095, 4096, 65_535])
def test_who_asks_is_read_back(number: int) -> None:
    for service in (80, 53):
        for asker in (Asker(number, 1), Asker(number, 65_535)):
            assert who(address4(asker), tcp_port(service, number, 4)) == (asker, service)
            assert who(address6(asker), tcp_port(service, number, 6)) == (asker, service)


def test_other_addresses_and_ports_name_nobody() -> None:
    for address, port in (("10.0.0.1", 0x5000), ("240.1.0.1", 80), ("240.1.0.1", 0x5020), ("fd00::1", 0x5000),
                          ("fe80::1%eth0", 0x5000), ("fd00:a9fe:a9fe:1::1", 0x5000)):  # fmt: skip
        assert who(address, port) is None


@pytest.mark.parametrize("number", [4097, 65_535])
def test_switches_with_large_numbers(number: int) -> None:
    world = cloud(hosts(1))
    world.put(replace(switch(2), number=number))
    for version in (4, 6):
        ((_, got),) = world.send("bob", **asked(version, 1, 2)).arrived
        assert (got[f"ipv{version}_dst"], got["tcp_dst"]) == identity(version, number, 4)
        assert world.inject("h1", SERVER, reply(got)).ports == ["bob"]
