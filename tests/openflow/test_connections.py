"""Connection tracking of a real ovs-vswitchd: fragments are told apart, zones are emptied, flows go by themselves."""

from __future__ import annotations

import re
from ipaddress import IPv4Address

import pytest

from controller.flow import Flow, Nat, OwnedConnections, Table, ct, field
from controller.openflow import wire
from controller.openflow.session import Holdings, Session
from controller.runtime.errors import NotMaster
from tests.openflow.flows import until
from tests.openflow.packets import packed
from tests.openflow.test_ovs import Bridge, bridge, ovs
from tests.openflow.test_roles import Pair, pair
from tests.world import frame

__all__ = ["bridge", "ovs", "pair"]

ENTRY = Table(0, "entry", frozenset({"in_port", "eth_type"}))


def connect(session: Session, zone: int, source: int) -> None:
    """A UDP connection of 10.0.0.`source` in the zone."""
    said: dict[str, int | str] = {
        "eth_src": "02:00:00:00:00:01", "eth_dst": "02:00:00:00:00:02", "eth_type": 0x0800, "ip_proto": 17,
        "ipv4_src": f"10.0.0.{source}", "ipv4_dst": "10.0.1.1", "udp_src": 5, "udp_dst": 6,
    }  # fmt: skip
    session.packet_out(wire.ANY - 2, ct(zone, commit=True).wire, packed(frame(**said)))


def connections(at: Bridge | Pair, zone: int) -> list[str]:
    shown = at.ovs.appctl("dpctl/dump-conntrack", f"zone={zone}")
    return sorted(re.findall(r"orig=\(src=([\d.]+)", shown))


def test_fragments_are_told_apart_once_it_was_said(bridge: Bridge) -> None:
    assert bridge.ofctl("get-frags") == "normal\n"
    bridge.session.match_fragments()
    bridge.session.flow_count()
    assert bridge.ofctl("get-frags") == "nx-match\n" and bridge.session.errors == 0


def test_a_zone_is_emptied_and_no_other(bridge: Bridge) -> None:
    for zone in (11, 12):
        for source in (1, 2):
            connect(bridge.session, zone, source)
    until(lambda: len(connections(bridge, 11)) == len(connections(bridge, 12)) == 2)
    bridge.session.flush_zones([OwnedConnections(11)])
    bridge.session.flow_count()
    assert connections(bridge, 11) == [] and connections(bridge, 12) == ["10.0.0.1", "10.0.0.2"]
    bridge.session.apply([], [], zones=[OwnedConnections(12)])
    assert connections(bridge, 12) == [] and bridge.session.errors == 0


def test_connections_of_an_address_are_forgotten_and_no_others(bridge: Bridge) -> None:
    """Those that were opened to it, and those that are translated to come from it; of that zone."""
    for zone in (15, 16):
        connect(bridge.session, zone, 1)
        said: dict[str, int | str] = {
            "eth_src": "02:00:00:00:00:01", "eth_dst": "02:00:00:00:00:02", "eth_type": 0x0800, "ip_proto": 1,
            "ipv4_src": "10.0.0.2", "ipv4_dst": "10.0.2.1", "icmpv4_type": 8,
        }  # fmt: skip
        translated = ct(zone, commit=True, nat=Nat("src", ("203.0.113.7",)))
        bridge.session.packet_out(wire.ANY - 2, translated.wire, packed({**frame(**said), "icmp_id": 9}))
    until(lambda: len(connections(bridge, 15)) == len(connections(bridge, 16)) == 2)
    bridge.session.flush_zones([OwnedConnections(15, int(IPv4Address("203.0.113.7")))])
    bridge.session.flow_count()
    assert connections(bridge, 15) == ["10.0.0.1"] and len(connections(bridge, 16)) == 2
    bridge.session.apply([], [], zones=[OwnedConnections(16, int(IPv4Address("10.0.1.1")))])
    assert connections(bridge, 16) == ["10.0.0.2"] and bridge.session.errors == 0


def test_a_zone_is_emptied_before_the_flows_of_the_bundle_come(bridge: Bridge) -> None:
    """What the new flows let in stays."""
    connect(bridge.session, 13, 1)
    until(lambda: connections(bridge, 13) == ["10.0.0.1"])
    tracks = Flow(ENTRY, 100, (field("eth_type", 0x0800),), (ct(13, commit=True),))
    bridge.session.apply([tracks.wire], [], zones=[OwnedConnections(13)])
    assert connections(bridge, 13) == [] and bridge.session.held().right == {tracks.cookie}


def test_whoever_is_not_the_master_empties_nothing(pair: Pair) -> None:
    """Open vSwitch would let a slave do it."""
    assert pair.one.role(wire.MASTER, 10)
    connect(pair.one, 14, 1)
    until(lambda: connections(pair, 14) == ["10.0.0.1"])
    pair.heard.permitted = lambda: False
    pair.one.flush_zones([OwnedConnections(14)])
    with pytest.raises(NotMaster):
        pair.one.apply([], [], zones=[OwnedConnections(14)])
    with pytest.raises(NotMaster):
        pair.one.match_fragments()
    pair.heard.permitted = lambda: True
    assert pair.one.role(wire.SLAVE, 10)
    pair.one.flow_count()
    assert connections(pair, 14) == ["10.0.0.1"]


def test_a_passing_flow_goes_by_itself_and_is_no_flow_that_is_wanted(bridge: Bridge) -> None:
    passing = Flow(ENTRY, 7, (field("eth_type", 0x0806),))
    bridge.session.apply([passing.passing(1)], [])
    assert bridge.session.held() == Holdings(set(), {passing.cookie})
    assert "hard_timeout=1" in bridge.ofctl("dump-flows")
    until(lambda: bridge.session.flow_count() == 0)
    assert bridge.session.errors == 0
