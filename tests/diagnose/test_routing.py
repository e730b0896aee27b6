"""A trace goes through routers, and says which interface, route and neighbour decided."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from controller.diagnose.conversation import Question, packet, request
from controller.diagnose.routing import first_hop, routing
from controller.diagnose.trace import follow
from controller.flow import Flow
from controller.flow.fields import value_of
from controller.model.rows import ExtraRoute, FixedIp, Port, Router, RouterInterface, Subnet
from tests.apps.routing.rows import GATEWAY, all_of, attached, four, mac, network, router, station, switch
from tests.world import World


def cloud() -> World:
    """a - r - transit - s - z; the machine m is in the transit network, too."""
    to_z, to_a = ("10.0.3.0/24", four(2, 202)), ("10.0.1.0/24", four(2, 201))
    return World(*all_of(
        switch(1), switch(2), *(network(number) for number in (1, 2, 3)),
        router("r", 7, to_z, ("192.0.2.0/24", four(2, 1))), attached("r", 1), attached("r", 2, 201),
        router("s", 8, to_a), attached("s", 2, 202), attached("s", 3),
        station("a", 1, 1, 1, 1), station("m", 2, 1, 2, 1), station("z", 3, 1, 2, 2),
    ))  # fmt: skip


def passed(world: World, **changed: Any) -> tuple[list[str], list[dict[str, Any]]]:
    """Who gets a packet from a to z, and what routers did with it."""
    one, other = (world.model.rows(Port)[name] for name in ("a", "z"))
    fields = {**packet(one, other, Question("tcp", 80), partial(first_hop, world.model)), **changed}
    at = world.model.placement.bindings["a"]
    frame = {name: int.from_bytes(value_of(name, value), "big") for name, value in fields.items()}
    hops = follow(world.model, world.pipeline, at.switch_id, at.ofport, frame)

    def origins(switch_id: str, flow: Flow) -> list[str]:
        return world.compiler.origins(switch_id, [flow.cookie])[flow.cookie]

    arrived = [port for hop in hops for port in hop.arrived]
    return arrived, [each for hop in hops for each in routing(world.model, hop, origins)]


def test_each_router_says_what_decided() -> None:
    assert passed(cloud()) == (["z"], [
        {"router_id": "r", "interface_id": "r-n1", "route": "10.0.3.0/24", "next_hop": four(2, 202),
         "resolved": "port/s-n2", "reason": ""},
        {"router_id": "s", "interface_id": "s-n2", "route": "10.0.3.0/24", "next_hop": None,
         "resolved": "port/z", "reason": ""},
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "router_id", "reason"),
    [
        ({"ipv4_dst": "198.51.100.1"}, "r", "no route"),
        ({"ip_ttl": 1}, "r", "TTL"),
        ({"ip_ttl": 2}, "s", "TTL"),
        ({"ipv4_dst": four(1, GATEWAY)}, "r", "itself"),
        ({"ipv4_dst": four(2, 77)}, "r", "next hop"),
    ],
)
def test_the_router_that_drops_it_says_why(changed: dict[str, Any], router_id: str, reason: str) -> None:
    arrived, found = passed(cloud(), **changed)
    assert arrived == [] and found[-1]["router_id"] == router_id and reason in found[-1]["reason"]
    assert [each["reason"] for each in found[:-1]] == [""] * (len(found) - 1)


def test_the_first_hop_is_the_gateway_of_the_senders_subnet() -> None:
    world = cloud()
    rows = world.model.rows(Port)
    way = partial(first_hop, world.model)
    assert way(rows["a"], rows["a"]) is None
    gateway = way(rows["a"], rows["z"])
    assert gateway is not None and gateway.id == "r-n1", "the only router there"
    world.put(*all_of(router("t", 9), attached("t", 1, 99)))
    subnet = world.model.rows(Subnet)["n1v4"]
    for host, port_id in ((99, "t-n1"), (GATEWAY, "r-n1")):
        world.put(replace(subnet, gateway_ip=four(1, host)))
        chosen = way(rows["a"], rows["z"])
        assert chosen is not None and chosen.id == port_id
        assert request(rows["a"], rows["z"], way)["arp_tpa"] == four(1, host)
        assert packet(rows["a"], rows["z"], way=way)["eth_dst"] == mac(1, host)


def test_the_first_hop_is_of_the_version_that_both_ports_have() -> None:
    """A router has a port of its own for each, as the API makes them."""
    world = cloud()
    rows = world.model.rows(Port)
    (port, interface) = attached("r", 1)
    assert isinstance(port, Port) and isinstance(interface, RouterInterface)
    four_only, six_only = (replace(port, id=f"r-v{n}", fixed_ips=(port.fixed_ips[n],)) for n in (0, 1))
    world.put("port/r-n1", "router_interface/r-n1", four_only, six_only,
              *(replace(interface, id=each.id) for each in (four_only, six_only)))  # fmt: skip
    chosen = first_hop(world.model, rows["a"], rows["z"])
    assert chosen is not None and chosen.id == "r-v0"
    world.put(*(replace(rows[name], fixed_ips=rows[name].fixed_ips[1:]) for name in ("a", "z")))
    chosen = first_hop(world.model, rows["a"], rows["z"])
    assert chosen is not None and chosen.id == "r-v1"


def test_networks_that_no_router_joins_have_no_first_hop_but_their_gateway() -> None:
    world = cloud()
    world.put("router_interface/s-n3")
    rows = world.model.rows(Port)
    assert first_hop(world.model, rows["a"], rows["z"]) is None


def test_a_default_route_and_one_of_ipv6_are_named() -> None:
    world = cloud()
    row = world.model.rows(Router)["r"]
    world.put(replace(row, routes=(ExtraRoute("0.0.0.0/0", four(2, 1)), ExtraRoute("::/0", "fd00:2::1"))))
    (found,) = passed(world, ipv4_dst="198.51.100.1")[1]
    assert (found["route"], found["next_hop"], found["resolved"]) == ("0.0.0.0/0", four(2, 1), "port/m")
    six = [replace(world.model.rows(Port)[name], fixed_ips=(FixedIp(f"n{net}v6", f"fd00:{net}::1"),))
           for name, net in (("a", 1), ("z", 3))]  # fmt: skip
    world.put(*six)
    (found,) = passed(world)[1]
    assert (found["route"], found["next_hop"], found["resolved"]) == ("::/0", "fd00:2::1", "port/m")
