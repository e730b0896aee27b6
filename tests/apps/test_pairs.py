"""Ports that may use more than their own addresses: address pairs, and ports without port security."""

from __future__ import annotations

import msgspec
import pytest

from apps.source import link_local
from controller.model.rows import AddressPair, Learned, Port
from tests.apps.clouds import four, mac, network, plugged, port, six, switch
from tests.world import Said, World

EVERYBODY = "ff:ff:ff:ff:ff:ff"
ALICE, BOB, VIRTUAL = mac(1), mac(2), "00:00:5e:00:01:07"  # RFC 9568: the MAC of a virtual router
IP: Said = {"eth_type": 0x0800}
ARP: Said = {"eth_type": 0x0806}
IP6: Said = {"eth_type": 0x86DD}
ADVERTISE: Said = {**IP6, "ip_proto": 58, "icmpv6_type": 136}
SOLICIT: Said = {**IP6, "ip_proto": 58, "icmpv6_type": 135}
OWN = (
    AddressPair("10.0.0.100", ALICE),
    AddressPair("10.9.0.0/16", ALICE),
    AddressPair("2001:db8:9::/64", ALICE),
)
SHARED = (AddressPair("10.0.0.200", VIRTUAL),)


def changed(who: Port, **fields: object) -> Port:
    return msgspec.structs.replace(who, **fields)


def world(*pairs: AddressPair, security: bool = True) -> World:
    """Alice, who may more, and Bob on two switches; Zoe is in another network."""
    alice = changed(port("alice", "red", 1), address_pairs=pairs, port_security=security)
    return World(
        switch(1), switch(2), network("red"), network("blue"),
        alice, plugged("alice", 1, 1), port("bob", "red", 2), plugged("bob", 2, 1),
        port("zoe", "blue", 2), plugged("zoe", 1, 2),
    )  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        IP | {"ipv4_src": four(1)},
        IP | {"ipv4_src": "10.0.0.100"},
        IP | {"ipv4_src": "10.9.3.4"},
        IP6 | {"ipv6_src": "2001:db8:9::5"},
        ARP | {"arp_op": 2, "arp_sha": ALICE, "arp_spa": "10.0.0.100", "arp_tpa": four(2)},
        ARP | {"arp_op": 1, "arp_sha": ALICE, "arp_spa": "10.0.0.100", "arp_tpa": "10.0.0.100"},
        ARP | {"arp_op": 2, "arp_sha": ALICE, "arp_spa": "10.9.3.4", "arp_tpa": four(2)},
        ADVERTISE | {"ipv6_src": "2001:db8:9::5", "nd_target": "2001:db8:9::5"},
        SOLICIT | {"ipv6_src": "::", "nd_target": "2001:db8:9::5"},
    ],
    ids=str,
)
def test_a_pair_allows_more_source_addresses(said: Said) -> None:
    sent: Said = {"eth_src": ALICE, "eth_dst": EVERYBODY, **said}
    assert world(*OWN).send("alice", **sent).ports == ["bob"]


@pytest.mark.parametrize(
    "said",
    [
        IP | {"ipv4_src": "10.0.0.101"},
        IP | {"ipv4_src": "10.8.3.4"},
        IP | {"ipv4_src": "10.0.0.100", "eth_src": VIRTUAL},
        IP6 | {"ipv6_src": "2001:db8:8::5"},
        ARP | {"arp_op": 2, "arp_sha": BOB, "arp_spa": "10.0.0.100", "arp_tpa": four(2)},
        ADVERTISE | {"ipv6_src": six(1), "nd_target": "2001:db8:8::5"},
    ],
    ids=str,
)
def test_and_not_one_more_than_it_says(said: Said) -> None:
    sent: Said = {"eth_src": ALICE, "eth_dst": EVERYBODY, **said}
    outcome = world(*OWN).send("alice", **sent)
    assert (outcome.arrived, outcome.shown, outcome.wire) == ([], [], [])


def test_a_mac_and_its_address_go_together() -> None:
    cloud = world(*SHARED)
    for source, address, hears in (
        (VIRTUAL, "10.0.0.200", ["bob"]),
        (ALICE, four(1), ["bob"]),
        (VIRTUAL, four(1), []),
        (ALICE, "10.0.0.200", []),
    ):
        sent: Said = IP | {"eth_src": source, "eth_dst": BOB, "ipv4_src": address}
        assert cloud.send("alice", **sent).ports == hears, (source, address)
    sent = IP6 | {"eth_src": VIRTUAL, "eth_dst": BOB, "ipv6_src": link_local(VIRTUAL)}
    assert cloud.send("alice", **sent).ports == ["bob"]


def test_another_mac_is_learned_where_it_is_used_and_moves() -> None:
    cloud = world(*SHARED)
    announced: Said = ARP | {
        "eth_src": VIRTUAL, "eth_dst": EVERYBODY, "arp_op": 1, "arp_sha": VIRTUAL, "arp_spa": "10.0.0.200",
        "arp_tpa": "10.0.0.200",
    }  # fmt: skip
    first = cloud.send("alice", **announced)
    assert (first.ports, first.shown) == (["bob"], ["h1"])
    answer: Said = IP | {"eth_src": BOB, "eth_dst": VIRTUAL, "ipv4_src": four(2)}
    assert cloud.send("bob", **answer).ports == []
    cloud.put(Learned(network_id="red", mac=VIRTUAL, port_id="alice", at="h1/tap-alice", ofport=1))
    assert cloud.send("bob", **answer).ports == ["alice"]
    assert cloud.send("alice", **announced).shown == []
    cloud.put(
        changed(port("bob", "red", 2), address_pairs=SHARED),
        Learned(network_id="red", mac=VIRTUAL, port_id="bob", at="h2/tap-bob", ofport=1),
    )
    sent: Said = IP | {"eth_src": ALICE, "eth_dst": VIRTUAL, "ipv4_src": four(1)}
    assert cloud.send("alice", **sent).ports == ["bob"]
    assert cloud.send("alice", **announced).shown == ["h1"]


def test_what_was_learned_of_a_pair_is_worth_nothing_without_it() -> None:
    cloud = world(*SHARED)
    cloud.put(
        changed(port("alice", "red", 1)),
        Learned(network_id="red", mac=VIRTUAL, port_id="alice", at="h1/tap-alice", ofport=1),
    )
    answer: Said = IP | {"eth_src": BOB, "eth_dst": VIRTUAL, "ipv4_src": four(2)}
    assert cloud.send("bob", **answer).ports == []
    cloud.put(changed(port("alice", "red", 1), address_pairs=(AddressPair("10.0.0.201", mac(77)),)))
    assert cloud.send("bob", **answer).ports == []


@pytest.mark.parametrize(
    "said",
    [
        IP | {"ipv4_src": "192.0.2.7"},
        IP6 | {"ipv6_src": "2001:db8:77::1"},
        ARP | {"arp_op": 2, "arp_sha": BOB, "arp_spa": "10.7.7.7", "arp_tpa": four(2)},
        {"eth_type": 0x88CC},
        IP | {"ipv4_src": four(1), "vlan_vid": 0x1000 | 72},
    ],
    ids=str,
)
def test_without_port_security_nothing_is_checked_and_its_own_network_is_all_it_reaches(said: Said) -> None:
    sent: Said = {"eth_src": ALICE, "eth_dst": EVERYBODY, **said}
    outcome = world(security=False).send("alice", **sent)
    assert (outcome.ports, outcome.shown) == (["bob"], [])


def test_without_port_security_other_macs_are_learned() -> None:
    cloud, nested = world(security=False), "02:00:00:00:00:77"
    sent: Said = IP | {"eth_src": nested, "eth_dst": BOB, "ipv4_src": "192.0.2.7"}
    outcome = cloud.send("alice", **sent)
    assert (outcome.ports, outcome.shown) == (["bob"], ["h1"])
    answer: Said = IP | {"eth_src": BOB, "eth_dst": nested, "ipv4_src": four(2)}
    assert cloud.send("bob", **answer).ports == ["alice"]  # unknown: to whoever learns
    cloud.put(Learned(network_id="red", mac=nested, port_id="alice", at="h1/tap-alice", ofport=1))
    assert cloud.send("bob", **answer).ports == ["alice"]
    assert cloud.send("alice", **sent).shown == []
    own: Said = IP | {"eth_src": BOB, "eth_dst": ALICE, "ipv4_src": four(2)}
    assert cloud.send("bob", **own).ports == ["alice"]
