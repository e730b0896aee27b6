"""Routers on physical networks: no physical switch sees their MAC."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from apps.host_mac import host_mac
from controller.model.rows import Network, Physical, Row
from tests.apps.clouds import PATCH, on_physical
from tests.apps.routing.rows import GATEWAY, all_of, attached, mac, network, router, station, switch
from tests.apps.routing.test_east_west import packet
from tests.world import Said, World, frame


def physical(row: Row, vlan: int) -> Row:
    return on_physical(row, vlan) if isinstance(row, Network) else row


def cloud(vlan: int) -> World:
    """The second network is on a physical one, with bob on another switch than alice and bill on hers."""
    switches = [replace(switch(number), physical=(Physical("p1", PATCH),)) for number in (1, 2)]
    return World(*switches, *all_of(
        network(1), [physical(row, vlan) for row in network(2)], router("r", 7), attached("r", 1), attached("r", 2),
        station("alice", 1, 1, 1, 1), station("bob", 2, 1, 2, 2), station("bill", 2, 2, 1, 2),
    ))  # fmt: skip


@pytest.mark.parametrize("vlan", [0, 105])
def test_a_router_sends_from_the_host_into_a_physical_network(vlan: int) -> None:
    world = cloud(vlan)
    sent = packet(4, (1, 1), (2, 1))
    outcome = world.send("alice", **sent)
    changed: Said = {"eth_src": host_mac(1), "eth_dst": mac(2, 1), "ip_ttl": 63}
    assert outcome.arrived == [("bob", frame(**sent | changed))]
    assert outcome.outside == [("h1", "p1", 0x1000 | vlan if vlan else 0)] and outcome.wire == []


@pytest.mark.parametrize("vlan", [0, 105])
def test_within_a_switch_it_sends_from_its_own_mac(vlan: int) -> None:
    sent = packet(4, (1, 1), (2, 2))
    (arrived,) = cloud(vlan).send("alice", **sent).arrived
    assert arrived[1]["eth_src"] == frame(eth_src=mac(2, GATEWAY))["eth_src"]


@pytest.mark.parametrize("vlan", [0, 105])
def test_from_a_physical_network_into_a_tunnelled_one(vlan: int) -> None:
    outcome = cloud(vlan).send("bob", **packet(4, (2, 1), (1, 1)))
    assert outcome.ports == ["alice"] and outcome.wire == [("h2", "h1", 0x101)] and outcome.outside == []


@pytest.mark.parametrize("vlan", [0, 105])
def test_what_comes_from_a_physical_network_is_not_routed(vlan: int) -> None:
    """A machine there that is no port of ours."""
    world = cloud(vlan)
    for switch_id in ("h1", "h2"):
        sent = {**packet(4, (2, 99), (1, 1)), "vlan_vid": 0x1000 | vlan if vlan else 0}
        assert world.inject(switch_id, PATCH, frame(**sent)).arrived == []


@pytest.mark.parametrize("vlan", [0, 105])
def test_other_frames_keep_their_mac(vlan: int) -> None:
    sent: Said = {"eth_src": mac(2, 2), "eth_dst": mac(2, 1), "eth_type": 0x0800, "ipv4_src": "10.0.2.2"}
    assert cloud(vlan).send("bill", **sent).arrived == [("bob", frame(**sent))]
