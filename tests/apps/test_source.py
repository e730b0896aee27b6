"""What a port with declared addresses may say of itself, and what nobody hears."""

from __future__ import annotations

import msgspec
import pytest

from apps.source import link_local
from tests.apps.clouds import four, mac, network, plugged, port, six, switch
from tests.world import Said, World, frame

EVERYBODY, ALL_NODES = "ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01"
ALICE, BOB, MINE, BOBS = mac(1), mac(2), six(1), six(2)
IP: Said = {"eth_type": 0x0800}
ARP: Said = {"eth_type": 0x0806}
IP6: Said = {"eth_type": 0x86DD}
ICMP6: Said = {**IP6, "ip_proto": 58}
SOLICIT: Said = {**ICMP6, "icmpv6_type": 135}
ADVERTISE: Said = {**ICMP6, "icmpv6_type": 136}
UDP: Said = {**IP, "ip_proto": 17}
LINK = link_local(ALICE)


def world() -> World:
    """Alice and Bob on two switches; Lea, a learning port, and Zoe, who is in another network with their addresses."""
    return World(
        switch(1), switch(2), network("red"), network("blue"),
        port("alice", "red", 1), plugged("alice", 1, 1), port("bob", "red", 2), plugged("bob", 2, 1),
        port("lea", "red", 3, learning=True), plugged("lea", 2, 2),
        port("zoe", "blue", 2), plugged("zoe", 1, 2),
    )  # fmt: skip


PASSES: list[Said] = [
    IP | {"ipv4_src": four(1)},
    UDP | {"ipv4_src": "0.0.0.0", "ipv4_dst": "255.255.255.255", "udp_src": 68, "udp_dst": 67},
    ARP | {"arp_op": 2, "arp_sha": ALICE, "arp_spa": four(1), "arp_tpa": four(2)},  # an answer
    ARP | {"arp_op": 1, "arp_sha": ALICE, "arp_spa": four(1), "arp_tpa": four(1)},  # RFC 5227, announcement
    ARP | {"arp_op": 1, "arp_sha": ALICE, "arp_spa": "0.0.0.0", "arp_tpa": four(1)},  # RFC 5227, probe
    ARP | {"arp_op": 1, "arp_sha": ALICE, "arp_spa": four(1), "arp_tpa": four(99)},  # for an address of nobody
    IP6 | {"ipv6_src": MINE},
    IP6 | {"ipv6_src": LINK},
    SOLICIT | {"ipv6_src": MINE, "nd_target": BOBS},
    SOLICIT | {"ipv6_src": LINK, "nd_target": BOBS},
    SOLICIT | {"ipv6_src": "::", "nd_target": MINE},  # RFC 4862, duplicate address detection
    SOLICIT | {"ipv6_src": "::", "nd_target": LINK},
    ADVERTISE | {"ipv6_src": MINE, "nd_target": MINE},
    ADVERTISE | {"ipv6_src": LINK, "nd_target": MINE},
    ADVERTISE | {"ipv6_src": LINK, "nd_target": LINK},
    ICMP6 | {"ipv6_src": "::", "icmpv6_type": 133},  # RFC 4861, router solicitation
    ICMP6 | {"ipv6_src": "::", "icmpv6_type": 143},  # RFC 3810, a report of its groups
    ICMP6 | {"ipv6_src": MINE, "icmpv6_type": 128},
]

REFUSED: list[Said] = [
    IP | {"ipv4_src": four(2)},
    IP | {"ipv4_src": four(99)},
    IP | {"ipv4_src": "0.0.0.0"},
    UDP | {"ipv4_src": "0.0.0.0", "ipv4_dst": "255.255.255.255", "udp_src": 67, "udp_dst": 68},  # a DHCP server
    UDP | {"ipv4_src": "0.0.0.0", "ipv4_dst": four(2), "udp_src": 68, "udp_dst": 67},
    IP | {"ipv4_src": four(1), "eth_src": BOB},
    IP | {"ipv4_src": four(2), "eth_src": BOB},
    IP | {"ipv4_src": four(1), "eth_src": "01:00:5e:00:00:01"},
    IP | {"ipv4_src": four(1), "vlan_vid": 0x1000},
    IP | {"ipv4_src": four(1), "vlan_vid": 0x1000 | 72},
    ARP | {"arp_op": 2, "arp_sha": ALICE, "arp_spa": four(2)},
    ARP | {"arp_op": 2, "arp_sha": BOB, "arp_spa": four(1)},
    ARP | {"arp_op": 1, "arp_sha": ALICE, "arp_spa": four(2), "arp_tpa": four(2)},
    ARP | {"arp_op": 1, "arp_sha": BOB, "arp_spa": "0.0.0.0", "arp_tpa": four(1)},
    IP6 | {"ipv6_src": BOBS},
    IP6 | {"ipv6_src": link_local(BOB)},
    IP6 | {"ipv6_src": "::"},
    SOLICIT | {"ipv6_src": BOBS, "nd_target": BOBS},
    SOLICIT | {"ipv6_src": "::", "nd_target": BOBS},
    ADVERTISE | {"ipv6_src": MINE, "nd_target": BOBS},
    ADVERTISE | {"ipv6_src": BOBS, "nd_target": BOBS},
    ADVERTISE | {"ipv6_src": BOBS, "nd_target": MINE},
    ADVERTISE | {"ipv6_src": "::", "nd_target": MINE},
    ICMP6 | {"ipv6_src": LINK, "icmpv6_type": 134},  # router advertisements
    ICMP6 | {"ipv6_src": "::", "icmpv6_type": 134},
    {"eth_type": 0x8847},  # MPLS
    {"eth_type": 0x88CC},  # LLDP
    {"eth_type": 0x0200},  # 802.3
]  # fmt: skip


@pytest.mark.parametrize("said", PASSES, ids=str)
def test_what_a_port_may_say(said: Said) -> None:
    sent: Said = {"eth_src": ALICE, "eth_dst": EVERYBODY, **said}
    assert world().send("alice", **sent).ports == ["bob", "lea"]


@pytest.mark.parametrize("said", REFUSED, ids=str)
@pytest.mark.parametrize("to", [EVERYBODY, ALL_NODES, BOB, mac(3), mac(99)])
def test_what_nobody_hears(to: str, said: Said) -> None:
    sent: Said = {"eth_src": ALICE, "eth_dst": to, **said}
    outcome = world().send("alice", **sent)
    assert (outcome.arrived, outcome.shown, outcome.wire) == ([], [], [])


def test_a_port_without_addresses_may_ask_for_one_only() -> None:
    cloud = world()
    cloud.put(msgspec.structs.replace(port("alice", "red", 1), fixed_ips=()))
    asks: Said = UDP | {"ipv4_src": "0.0.0.0", "ipv4_dst": "255.255.255.255", "udp_src": 68, "udp_dst": 67}
    assert cloud.send("alice", eth_src=ALICE, eth_dst=EVERYBODY, **asks).ports == ["bob", "lea"]
    assert cloud.send("alice", eth_src=ALICE, eth_dst=EVERYBODY, eth_type=0x0800, ipv4_src=four(1)).ports == []
    assert cloud.send("alice", eth_src=ALICE, eth_dst=EVERYBODY, **(IP6 | {"ipv6_src": LINK})).ports == ["bob", "lea"]


def test_a_probe_for_an_address_that_has_an_owner_is_answered() -> None:
    """RFC 5227, 2.1.1: so the asker knows that it is taken."""
    probe: Said = ARP | {"arp_op": 1, "arp_sha": ALICE, "arp_spa": "0.0.0.0", "arp_tpa": four(2)}
    ((to, answer),) = world().send("alice", eth_src=ALICE, eth_dst=EVERYBODY, **probe).arrived
    assert to == "alice"
    assert answer == frame(
        eth_src=BOB, eth_dst=ALICE, eth_type=0x0806, arp_op=2, arp_sha=BOB, arp_spa=four(2), arp_tha=ALICE
    )


def test_link_local_addresses() -> None:
    """RFC 4291, appendix A: the universal/local bit is turned, ff:fe comes into the middle."""
    assert link_local("34:56:78:9a:bc:de") == "fe80::3656:78ff:fe9a:bcde"
    assert link_local("02:00:00:00:00:01") == "fe80::ff:fe00:1"
