"""Which frames are questions for the network's resolver."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from apps.pipeline import NAMES, SERVICE
from apps.services.address import ADDRESS4, ADDRESS6
from controller.model.rows import FixedIp, Port, Subnet
from tests.apps.clouds import network, on_physical, plugged, port, switch
from tests.world import World, frame


def addressed(name: str, number: int) -> Port:
    return replace(port(name, "red", number), fixed_ips=(FixedIp("s4", f"10.0.0.{number}"),))


def world(*subnets: Subnet) -> World:
    made = World()
    made.put(
        network("red"), switch(1, "vxlan"), switch(2, "vxlan"), *subnets,
        addressed("p", 1), plugged("p", 1, 9), addressed("q", 2), plugged("q", 2, 9),
    )  # fmt: skip
    return made


def subnet(version: int, dhcp: bool = True) -> Subnet:
    cidr = "10.0.0.0/24" if version == 4 else "2001:db8::/64"
    return Subnet(id=f"s{version}", project_id="t", network_id="red", ip_version=version, cidr=cidr, enable_dhcp=dhcp)


def question(version: int = 4, **other: int | str) -> dict[str, int | str]:
    base: dict[str, int | str] = {"eth_src": "fa:16:3e:00:00:01", "eth_dst": "02:00:00:00:00:77", "ip_proto": 17,
                                  "udp_src": 40_000, "udp_dst": 53}  # fmt: skip
    if version == 4:
        base |= {"eth_type": 0x0800, "ipv4_src": "10.0.0.1", "ipv4_dst": ADDRESS4}
    else:
        base |= {"eth_type": 0x86DD, "ipv6_src": "fe80::f816:3eff:fe00:1", "ipv6_dst": ADDRESS6}
    return base | other


@pytest.mark.parametrize("version", [4, 6])
def test_questions_go_to_the_service_and_to_nobody_else(version: int) -> None:
    outcome = world(subnet(4), subnet(6)).send("p", **question(version))
    assert (outcome.shown, outcome.arrived, outcome.wire) == (["h1"], [], [])


@pytest.mark.parametrize("other", [{"udp_dst": 54}, {"ipv4_dst": "169.254.169.253"}])
def test_other_datagrams_do_not(other: dict[str, int | str]) -> None:
    assert world(subnet(4), subnet(6)).send("p", **question(4, **other)).shown == []


def test_what_the_fabric_brings_is_not_answered() -> None:
    """The switch of the port that asks has done so."""
    outer = {"tun_id": 71, "tun_src": "192.0.2.2", "tun_dst": "192.0.2.1"}
    asked = question(4, eth_src="fa:16:3e:00:00:02", ipv4_src="10.0.0.2", **outer)
    assert world(subnet(4)).inject("h1", 900, frame(**asked)).shown == []


def test_networks_on_physical_ones_have_a_resolver_too() -> None:
    made = world(subnet(4))
    made.put(on_physical(network("red"), 7))
    assert made.send("p", **question(4)).shown == ["h1"]


def test_without_dhcp_there_is_no_resolver_of_that_version() -> None:
    assert world(subnet(4, dhcp=False), subnet(6)).send("p", **question(4)).shown == []
    assert world(subnet(4), subnet(6, dhcp=False)).send("p", **question(6)).shown == []
    assert world().send("p", **question(4)).shown == []


def test_the_flow_says_which_service() -> None:
    made = world(subnet(4))
    told = [flow for flow in made.compiler.wanted("h1") if SERVICE.put(NAMES) in flow.actions]
    assert len(told) == 1
