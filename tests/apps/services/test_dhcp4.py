"""Where messages of DHCP clients go: to the service of the network, where it has one, and to nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from apps.pipeline import ANSWER, DHCP4, SERVED, SERVICE
from controller.model.rows import DhcpOption, Port, Subnet
from tests.apps.clouds import mac, network, plugged, port, some_groups, switch
from tests.world import Outcome, Said, World, frame

ASKED: Said = {
    "eth_dst": "ff:ff:ff:ff:ff:ff", "eth_src": mac(1), "eth_type": 0x0800, "ip_proto": 17, "ipv4_src": "0.0.0.0",
    "ipv4_dst": "255.255.255.255", "udp_src": 68, "udp_dst": 67,
}  # fmt: skip
RENEWS: Said = {"eth_dst": mac(2), "ipv4_src": "10.0.0.1", "ipv4_dst": "10.0.0.2"}
TO_SERVICE: Said = {**RENEWS, "eth_dst": "0a:54:4e:f0:00:01", "ipv4_dst": "169.254.169.254"}


def subnet(**rest: Any) -> Subnet:
    given = {"ip_version": 4, "cidr": "10.0.0.0/24", **rest}
    return Subnet(id="s", project_id="red", network_id="red", **given)


def world(*subnets: Subnet, **attributes: Any) -> World:
    """p and q on one switch, r on another."""
    ports = [replace(port(name, "red", n), **attributes) for n, name in ((1, "p"), (2, "q"), (3, "r"))]
    return World(
        network("red"), switch(1), switch(2), *subnets, *ports, plugged("p", 1, 1), plugged("q", 1, 2),
        plugged("r", 2, 1), *some_groups(),
    )  # fmt: skip


def asks(made: World, said: Said = ASKED, **more: int | str) -> Outcome:
    return made.send("p", **{**said, **more})


@pytest.mark.parametrize("more", [{}, RENEWS, TO_SERVICE])
@pytest.mark.parametrize("groups", [None, (), ("web",)])
def test_messages_go_to_the_service_alone(more: Said, groups: tuple[str, ...] | None) -> None:
    made = world(subnet(), security_groups=groups)
    found = asks(made, {**ASKED, **more})
    assert (found.arrived, found.shown, found.wire) == ([], ["h1"], [])
    used = {flow.table: flow for _, flow in made.used}
    assert SERVICE.put(DHCP4) in used[ANSWER].actions and used[SERVED].goto is None


@pytest.mark.parametrize("subnets", [[], [subnet(enable_dhcp=False)], [subnet(ip_version=6, cidr="2001:db8::/64")]])
def test_without_dhcp_they_are_frames_as_others(subnets: list[Subnet]) -> None:
    found = asks(world(*subnets))
    assert (found.ports, found.shown) == (["q", "r"], [])


def test_they_are_as_others_where_they_are_no_messages_of_clients() -> None:
    made = world(subnet(), security_groups=None)
    for more in ({"udp_dst": 68}, {"udp_src": 67, "udp_dst": 68}, {"udp_src": 1068}):
        found = asks(made, {**ASKED, "ipv4_src": "10.0.0.1", **more})
        assert (found.ports, found.shown) == (["q", "r"], [])


def test_what_the_fabric_brings_is_not_answered() -> None:
    """The switch of the client has done so."""
    made = world(subnet())
    outer = {"tun_id": 71, "tun_src": "192.0.2.2", "tun_dst": "192.0.2.1"}
    found = made.inject("h1", 900, frame(**{**ASKED, "eth_src": mac(3), **outer}))
    assert found.shown == [] and found.ports == ["p", "q"]


def test_a_port_without_an_address_is_not_heard() -> None:
    made = world(subnet(), fixed_ips=())
    found = asks(made)
    assert (found.arrived, found.shown) == ([], [])


def test_options_of_a_port_change_no_flow() -> None:
    made = world(subnet())
    before = set(made.compiler.wanted("h1"))
    found = made.model.get(Port, "p")
    assert found is not None
    made.put(replace(found, dhcp_options=(DhcpOption("mtu", "1400", 4),), dns_name="www"))
    assert set(made.compiler.wanted("h1")) == before
