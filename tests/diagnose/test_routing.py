"""A trace over routers says at each table which object decided: interface, route, next hop, or why nothing did."""

from __future__ import annotations

import pytest

from controller.diagnose.conversation import packet, request
from controller.diagnose.first_hop import FirstHop, first_hop
from controller.diagnose.routing import routing
from controller.diagnose.trace import follow
from controller.flow import Flow
from controller.flow.fields import value_of
from controller.model.rows import Port, Subnet
from tests.apps.clouds import switch
from tests.routing.plan import Plan, PlannedHost, PlannedNetwork, PlannedRoute, PlannedRouter
from tests.routing.rows import rows
from tests.world import World


def world() -> World:
    """a - r - t - s - c, with alice on a, bob on b, both of r, and carol on c."""
    networks = {name: PlannedNetwork(name, number) for number, name in enumerate("abct", 1)}
    to_c = PlannedRoute("10.0.3.0/24", networks["t"].address(242, 4))
    routers = [
        PlannedRouter("r", 241, ("a", "b", "t"), (to_c,)),
        PlannedRouter("s", 242, ("c", "t"), (PlannedRoute("0.0.0.0/0", networks["t"].address(241, 4)),)),
    ]
    hosts = [PlannedHost("alice", "a", 11, "r"), PlannedHost("bob", "b", 12, "r"), PlannedHost("carol", "c", 13, "s")]
    plan = Plan(networks, {one.name: one for one in routers}, {one.name: one for one in hosts})
    return World(switch(1), switch(2), *rows(plan, 1, {"alice": (1, 1), "bob": (2, 1), "carol": (2, 2)}))


def traced(at: World, source: str, target: str, **change: int | str) -> tuple[list[str], list[tuple[str, str]]]:
    """The ports that it comes to, and (table, what is said) of each decision."""
    one, other = (at.model.rows(Port)[name] for name in (source, target))
    first = first_hop(at.model, one, other)
    assert first is not None
    place = at.model.placement.bindings[one.id]
    fields = {**packet(one, other, first), **change}
    frame = {name: int.from_bytes(value_of(name, value), "big") for name, value in fields.items()}

    def explained(switch_id: str, flows: list[Flow]) -> dict[int, list[str]]:
        return at.compiler.origins(switch_id, [flow.cookie for flow in flows])

    hops = follow(at.model, at.pipeline, place.switch_id, place.ofport, frame)
    said = [(each["table"], each["says"]) for hop in hops for each in routing(at.model, hop, explained)]
    return [port for hop in hops for port in hop.arrived], said


def test_one_router() -> None:
    assert traced(world(), "alice", "bob") == (["bob"], [
        ("enter", "is for a router: interface 10.0.1.241 2001:db8:0:1::f1 of router r"),
        ("route", "is routed to 10.0.2.0/24: interface 10.0.2.241 2001:db8:0:2::f1 of router r"),
        ("resolve", "has its next hop: port bob (10.0.2.12 2001:db8:0:2::c)"),
    ])  # fmt: skip


def test_several_routers_and_an_extra_route() -> None:
    arrived, said = traced(world(), "alice", "carol")
    assert arrived == ["carol"]
    assert [table for table, _ in said] == ["enter", "route", "resolve"] * 2
    assert said[1][1] == "is routed to 10.0.3.0/24: router r"
    assert said[2][1] == "has its next hop: interface 10.0.4.242 2001:db8:0:4::f2 of router s"


@pytest.mark.parametrize(
    ("change", "last"),
    [
        ({"ip_ttl": 1}, ["hop", "errors"]), ({"ipv4_dst": "192.0.2.9"}, ["errors"]),
        ({"ipv4_dst": "10.0.2.99"}, ["route", "unresolved"]), ({"ipv4_dst": "10.0.1.241"}, ["itself", "echo"]),
    ],
)  # fmt: skip
def test_what_is_not_forwarded(change: dict[str, int | str], last: list[str]) -> None:
    arrived, said = traced(world(), "alice", "bob", **change)
    assert arrived == (["alice"] if last == ["itself", "echo"] else [])
    assert [table for table, _ in said][1:] == last


def test_the_first_hop_is_the_gateway_of_the_subnet() -> None:
    at = world()
    alice, bob, carol = (at.model.rows(Port)[name] for name in ("alice", "bob", "carol"))
    transit = PlannedNetwork("t", 4)
    on_t = Port(id="x", project_id="t", network_id="t", mac_address="02:00:00:00:00:01",
                fixed_ips=at.model.rows(Port)["r-t-both"].fixed_ips)  # fmt: skip
    found = first_hop(at.model, on_t, alice)
    assert found is not None and found.router_id == "r"
    subnet = at.model.rows(Subnet)["t-4"]
    at.put(Subnet(id=subnet.id, project_id="t", network_id="t", ip_version=4, cidr=subnet.cidr,
                  gateway_ip=transit.address(242, 4)))  # fmt: skip
    found = first_hop(at.model, on_t, alice)
    assert found == FirstHop(transit.mac(242), transit.address(242, 4), "s")
    assert request(on_t, found)["arp_tpa"] == transit.address(242, 4)
    for key in [each.key for each in at.model.rows(Port).values() if each.id.startswith("r-a")]:
        at.put(key)
    assert first_hop(at.model, alice, bob) is None
    assert first_hop(at.model, alice, alice) == FirstHop(alice.mac_address, alice.addresses[0])
    assert carol.network_id == "c"
