"""Learning ports: what they may claim, where what was learned leads, and when the controller is shown a frame."""

from __future__ import annotations

import msgspec
import pytest

from apps.learn import LIMIT
from apps.source import link_local
from controller.model.rows import Interface
from tests.apps.clouds import four, mac, network, plugged, port, seen, six, switch
from tests.world import Outcome, Said, World

EVERYBODY = "ff:ff:ff:ff:ff:ff"
BOB = mac(2)
NEW, KNOWN = "02:00:00:00:00:aa", "02:00:00:00:00:bb"


def world(*, limit: int = 0) -> World:
    """Lea and Leo learn, on two switches; Bob beside Leo has addresses of his own."""
    known = [seen("lea", "red", 1, 1, f"02:00:00:00:02:{number:02x}") for number in range(limit)]
    return World(
        switch(1), switch(2), network("red"), port("lea", "red", 3, learning=True), plugged("lea", 1, 1),
        port("leo", "red", 4, learning=True), plugged("leo", 2, 1), port("bob", "red", 2), plugged("bob", 2, 2),
        *known,
    )  # fmt: skip


def lea(cloud: World, **said: int | str) -> Outcome:
    usual: Said = {"eth_src": NEW, "eth_dst": EVERYBODY, "eth_type": 0x0800}
    return cloud.send("lea", **(usual | said))


def test_a_frame_from_an_unknown_address_goes_on_and_is_shown() -> None:
    outcome = lea(world())
    assert (outcome.ports, outcome.shown) == (["bob", "leo"], ["h1"])


def test_a_frame_from_a_known_address_is_not_shown() -> None:
    cloud = world()
    cloud.put(seen("lea", "red", 1, 1, NEW))
    outcome = lea(cloud)
    assert (outcome.ports, outcome.shown) == (["bob", "leo"], [])


@pytest.mark.parametrize("asks", ["leo", "bob"])
def test_a_learned_address_is_reached_alone(asks: str) -> None:
    cloud = world()
    source = BOB if asks == "bob" else KNOWN
    to: Said = {
        "eth_src": source,
        "eth_dst": NEW,
        "eth_type": 0x0800,
        "ipv4_src": four(2) if asks == "bob" else four(9),
    }
    before = cloud.send(asks, **to).ports
    assert before == (["lea", "leo"] if asks == "bob" else ["lea"])  # unknown as yet: every learning port
    cloud.put(seen("lea", "red", 1, 1, NEW))
    assert cloud.send(asks, **to).ports == ["lea"]
    cloud.put(seen("leo", "red", 2, 1, NEW))  # it moved
    assert cloud.send(asks, **to).ports == (["leo"] if asks == "bob" else [])


def test_what_was_learned_elsewhere_does_not_count() -> None:
    cloud = world()
    cloud.put(seen("lea", "red", 1, 1, NEW))
    cloud.put(plugged("lea", 1, 9))
    assert lea(cloud).shown == ["h1"]
    assert cloud.send("bob", eth_src=BOB, eth_dst=NEW, eth_type=0x0800, ipv4_src=four(2)).ports == ["lea", "leo"]


def test_an_attached_address_needs_no_learning() -> None:
    cloud = world()
    cloud.put(plugged("lea", 1, 1, attached=NEW))
    assert lea(cloud).shown == []
    assert cloud.send("bob", eth_src=BOB, eth_dst=NEW, eth_type=0x0800, ipv4_src=four(2)).ports == ["lea"]


def test_a_port_has_at_most_so_many_addresses() -> None:
    assert lea(world(limit=LIMIT - 1)).shown == ["h1"]
    full = lea(world(limit=LIMIT))
    assert (full.ports, full.shown) == ([], [])
    assert lea(world(limit=LIMIT), eth_src="02:00:00:00:02:00").ports == ["bob", "leo"]


def test_what_was_learned_beyond_that_does_not_count() -> None:
    """Two transactions may have let one too many in."""
    cloud = world(limit=LIMIT + 1)
    ports = [lea(cloud, eth_src=f"02:00:00:00:02:{number:02x}").ports for number in range(LIMIT + 1)]
    assert ports == [["bob", "leo"]] * LIMIT + [[]]


CLAIMS: list[Said] = [
    {"eth_src": BOB},
    {"eth_src": BOB, "eth_type": 0x0806, "arp_op": 1, "arp_spa": four(9)},
    {"ipv4_src": four(2)},
    {"eth_type": 0x0806, "arp_op": 2, "arp_sha": NEW, "arp_spa": four(2)},
    {"eth_type": 0x0806, "arp_op": 1, "arp_sha": NEW, "arp_spa": four(2), "arp_tpa": four(2)},
    {"eth_type": 0x86DD, "ipv6_src": six(2)},
    {"eth_type": 0x86DD, "ipv6_src": link_local(BOB)},
    {"eth_type": 0x86DD, "ip_proto": 58, "icmpv6_type": 136, "ipv6_src": "fe80::1", "nd_target": six(2)},
    {"eth_type": 0x86DD, "ip_proto": 58, "icmpv6_type": 136, "ipv6_src": "fe80::1", "nd_target": link_local(BOB)},
]


@pytest.mark.parametrize("claim", CLAIMS, ids=str)
@pytest.mark.parametrize("tag", [{}, {"vlan_vid": 0x1005}])
def test_what_a_port_declares_no_other_may_claim(claim: Said, tag: Said) -> None:
    outcome = lea(world(), **claim, **tag)
    assert (outcome.arrived, outcome.shown, outcome.wire) == ([], [], [])


def test_it_may_speak_of_its_own() -> None:
    cloud = world()
    own: Said = {"eth_type": 0x86DD, "ip_proto": 58, "icmpv6_type": 136, "ipv6_src": "fe80::1", "nd_target": "fe80::1"}
    assert lea(cloud, **own).ports == ["bob", "leo"]
    assert lea(cloud, eth_type=0x0806, arp_op=1, arp_spa=four(9), arp_tpa=four(9)).ports == ["bob", "leo"]


@pytest.mark.parametrize("told", ["learned", "attached"])
def test_an_address_is_its_declared_owners_even_if_learned_before(told: str) -> None:
    cloud = world()
    if told == "learned":
        cloud.put(seen("leo", "red", 2, 1, BOB))
    else:
        cloud.put(plugged("leo", 2, 1, attached=BOB))
    cloud.put("interface/h2/tap-bob", Interface(switch_id="h1", name="tap-bob", vif="bob", ofport=5))
    sent: Said = {"eth_dst": BOB, "eth_type": 0x0800}
    assert lea(cloud, **sent).ports == ["bob"]
    cloud.put(port("lou", "red", 7), plugged("lou", 2, 7))
    assert cloud.send("lou", eth_src=mac(7), ipv4_src=four(7), **sent).ports == ["bob"]
    assert cloud.send("leo", eth_src=BOB, eth_dst=EVERYBODY, eth_type=0x88B5).ports == []


def test_a_network_without_learning_ports_is_not_burdened() -> None:
    cloud = world()
    tables = [flow.table.name for flow in cloud.compiler.wanted("h2") if flow.priority]
    assert {"declared", "learn", "unknown"} <= set(tables)
    cloud.put("port/lea", "port/leo")
    tables = [flow.table.name for flow in cloud.compiler.wanted("h2") if flow.priority]
    assert tables and not {"declared", "learn", "unknown"} & set(tables)


def test_a_declared_owner_that_comes_ends_what_was_learned() -> None:
    cloud = world()
    cloud.put(seen("lea", "red", 1, 1, NEW))
    assert lea(cloud).ports == ["bob", "leo"]
    cloud.put(msgspec.structs.replace(port("bob", "red", 2), mac_address=NEW))
    assert lea(cloud).ports == []
