"""Which frames of IPv6 hosts a network's own services get: DHCPv6 and router solicitations of ports here."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from apps.matches import from_here
from apps.pipeline import ANSWER, CLASSIFY, DHCP6, HIGHEST, SERVED, SERVICE, SOLICITED
from apps.services.advertisements import to_everybody_here
from apps.source import link_local
from controller.flow import OWN_PORT, Flow, field
from controller.flow.interpret import Pipeline
from controller.model.rows import Network, Port, Router
from tests.apps.clouds import NETWORKS, group, mac, plugged
from tests.services import six
from tests.services.six import ALICE, SLAAC, STATEFUL, subnet
from tests.world import Outcome, Said, World, frame

ADVERTISED: Said = {
    "eth_src": six.ROUTER_MAC, "eth_dst": "33:33:00:00:00:01", "eth_type": 0x86DD, "ip_proto": 58, "ip_ttl": 255,
    "ipv6_src": link_local(six.ROUTER_MAC), "ipv6_dst": "ff02::1", "icmpv6_type": 134,
}  # fmt: skip


def world(*more: Any, alice: Port | None = None) -> World:
    """Alice and Bob on h1, Carol on h2, in a network with a router; Alice and Carol are filtered."""
    alice = alice or replace(six.port(("slaac", "2001:db8:4::5")), security_groups=("web",))
    bob = six.port(("stateful", "2001:db8:1::6"), name="bob", number=2)
    carol = six.port(("slaac", "2001:db8:4::7"), name="carol", number=3, security_groups=("web",))
    return World(
        *six.rows(SLAAC, STATEFUL, alice=alice), bob, plugged("bob", 1, 2), carol, plugged("carol", 2, 1),
        group("web", 7), *six.router(("slaac", "2001:db8:4::1"), ("stateful", "2001:db8:1::1")), *more,
    )  # fmt: skip


def served(world: World, at: str = "h1") -> list[Flow]:
    return [flow for (switch, flow), times in world.used.items() if switch == at and flow.table is SERVED and times]


def dhcp(**said: int | str) -> Said:
    return {
        "eth_src": ALICE, "eth_dst": "33:33:00:01:00:02", "eth_type": 0x86DD, "ip_proto": 17, "ip_ttl": 1,
        "ipv6_src": link_local(ALICE), "ipv6_dst": "ff02::1:2", "udp_src": 546, "udp_dst": 547, **said,
    }  # fmt: skip


def solicitation(**said: int | str) -> Said:
    return {
        "eth_src": ALICE, "eth_dst": "33:33:00:00:00:02", "eth_type": 0x86DD, "ip_proto": 58, "ip_ttl": 255,
        "ipv6_src": link_local(ALICE), "ipv6_dst": "ff02::2", "icmpv6_type": 133, **said,
    }  # fmt: skip


def only_shown(outcome: Outcome) -> bool:
    return outcome.shown == ["h1"] and not (outcome.arrived or outcome.wire)


@pytest.mark.parametrize("to", [
    {}, {"eth_dst": six.ROUTER_MAC, "ipv6_dst": "2001:db8:1::1"}, {"eth_dst": mac(2), "ipv6_dst": "2001:db8:1::6"},
])  # fmt: skip
def test_what_a_client_of_dhcpv6_sends_is_for_the_server_and_for_nobody_else(to: Said) -> None:
    made = world()
    assert only_shown(made.send("alice", **dhcp(**to))) and len(served(made)) == 1


@pytest.mark.parametrize("changed", [
    replace(STATEFUL, enable_dhcp=False, ra_mode="", address_mode=""), replace(STATEFUL, address_mode=""),
    replace(STATEFUL, address_mode="slaac"),
])  # fmt: skip
def test_without_dhcpv6_it_is_a_group_frame_like_others(changed: Any) -> None:
    made = world(changed)
    outcome = made.send("alice", **dhcp())
    assert "bob" in outcome.ports and not served(made)


def test_dhcpv6_that_the_fabric_brings_is_not_answered() -> None:
    """The switch of the client has done so; a host outside, on a physical network, may mean another server."""
    made = world()
    outer = {"tun_id": 71, "tun_src": "192.0.2.2", "tun_dst": "192.0.2.1"}
    found = made.inject("h1", 900, frame(**{**dhcp(eth_src=mac(3), ipv6_src=link_local(mac(3))), **outer}))
    assert found.shown == [] and "bob" in found.ports and not served(made)
    (flow,) = (flow for flow in made.compiler.wanted("h1") if SERVICE.put(DHCP6) in flow.actions)
    assert flow.table is ANSWER and str(from_here(NETWORKS["red"])) in map(
        str, flow.match
    )  # were such a frame to come there


def test_another_source_than_the_ports_own_is_not_served() -> None:
    outcome = world().send("alice", **dhcp(ipv6_src=link_local(mac(2))))
    assert not outcome.shown and not outcome.arrived


def test_a_solicitation_is_handed_over_and_goes_on() -> None:
    made = world()
    outcome = made.send("alice", **solicitation())
    assert outcome.shown == ["h1"] and outcome.ports == ["bob", "carol"] and len(served(made)) == 1
    assert made.send("alice", **solicitation(ipv6_src="::")).shown == ["h1"]
    assert not served(made, "h2")


def test_the_service_that_is_meant_is_said_in_a_register() -> None:
    made = world()
    for said, service in ((dhcp(), DHCP6), (solicitation(), SOLICITED)):
        visited = made.pipeline("h1").visited({**frame(**said), "in_port": 1})
        (found,) = (flow for flow in visited if flow.table is ANSWER and flow.actions)
        assert found.actions[0] == SERVICE.put(service)
        assert found.goto is SERVED or found.actions[-1] == SERVICE.put(0)  # what goes on is for no service


def test_where_no_router_advertises_a_solicitation_is_a_group_frame_like_others() -> None:
    made = world()
    made.put(replace(made.model.rows(Router)["r"], admin_state_up=False))
    outcome = made.send("alice", **solicitation())
    assert outcome.ports == ["bob", "carol"] and not served(made)


def test_an_advertisement_reaches_every_port_here_filtered_ones_too_and_no_other_switch() -> None:
    made = world()
    packet_out = Flow(CLASSIFY, HIGHEST, (field("in_port", OWN_PORT),), to_everybody_here(NETWORKS["red"]))
    for switch, ports in (("h1", [1, 2]), ("h2", [1])):
        sent = Pipeline([*made.compiler.wanted(switch), packet_out]).send({**frame(**ADVERTISED), "in_port": OWN_PORT})
        assert sorted(each.port for each in sent) == ports


@pytest.mark.parametrize("sender", ["alice", "bob"])
def test_no_port_with_port_security_advertises_itself_as_a_router(sender: str) -> None:
    own = {"alice": ALICE, "bob": mac(2)}[sender]
    said = {**ADVERTISED, "eth_src": own, "ipv6_src": link_local(own)}
    assert not world().send(sender, **said).arrived
    open_port = replace(six.port(("slaac", "2001:db8:4::5")), port_security=False)
    assert world(alice=open_port).send("alice", **{**said, "eth_src": ALICE, "ipv6_src": link_local(ALICE)}).arrived


def test_nobody_speaks_as_the_router() -> None:
    open_port = replace(six.port(("slaac", "2001:db8:4::5")), port_security=False)
    assert not world(alice=open_port).send("alice", **ADVERTISED).arrived


def test_a_change_of_what_is_told_changes_no_flow() -> None:
    made = world()
    before = set(made.compiler.wanted("h1"))
    made.put(replace(SLAAC, dns_nameservers=("2001:db8::53",)), replace(made.model.rows(Network)["red"], mtu=1300))
    assert set(made.compiler.wanted("h1")) == before
    made.put(subnet("slaac", 4))
    assert set(made.compiler.wanted("h1")) == before  # the other subnet still has a mode
