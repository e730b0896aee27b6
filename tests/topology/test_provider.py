"""Networks on physical networks: what leaves by the patch port, with which tag, and what is taken from there."""

from __future__ import annotations

from msgspec.structs import replace

from controller.flow.interpret import Frame, Sent
from controller.model.rows import Physical
from tests.apps.clouds import four, mac, network, on_physical, plugged, port, switch
from tests.apps.test_pipeline import keeps
from tests.world import World, frame

PATCH = 500
BROADCAST = "ff:ff:ff:ff:ff:ff"
TAG = 0x1000 | 105


def world(vlan: int) -> World:
    """alice and bob on two switches, lea (learning) beside alice; a tunnelled network as well."""
    here = [replace(switch(number), physical=(Physical("p1", PATCH),)) for number in (1, 2)]
    made = World(
        *here, on_physical(network("red"), vlan), network("blue"),
        port("alice", "red", 1), plugged("alice", 1, 1), port("bob", "red", 2), plugged("bob", 2, 1),
    )  # fmt: skip
    for number in (1, 2):
        for flow in made.compiler.wanted(f"h{number}"):
            keeps(flow)
    return made


def leaves(made: World, in_port: int, **fields: int | str) -> list[Sent]:
    return made.pipeline("h1").send({**frame(eth_type=0x0800, **fields), "in_port": in_port})


def at(sent: list[Sent]) -> list[tuple[int, int]]:
    return [(one.port, one.frame.get("vlan_vid", 0)) for one in sent]


def test_what_is_elsewhere_leaves_once_with_the_tag() -> None:
    for vlan, tag in ((105, TAG), (0, 0)):
        made = world(vlan)
        mine = {"eth_src": mac(1), "ipv4_src": four(1)}
        for to in (mac(2), BROADCAST, "02:00:00:00:00:99"):
            assert at(leaves(made, 1, eth_dst=to, **mine)) == [(PATCH, tag)], to


def test_what_comes_from_there_is_for_ports_here_only() -> None:
    for vlan, tag in ((105, TAG), (0, 0)):
        made = world(vlan)
        for to, expected in ((mac(1), [(1, 0)]), (BROADCAST, [(1, 0)]), (mac(2), [])):
            assert at(leaves(made, PATCH, eth_src="02:00:00:00:00:99", eth_dst=to, vlan_vid=tag)) == expected
        for other in (0x1000 | 106, 0 if vlan else TAG):
            assert not leaves(made, PATCH, eth_src="02:00:00:00:00:99", eth_dst=BROADCAST, vlan_vid=other)


def test_where_nobody_has_the_address_learning_ports_hear_it_as_well() -> None:
    made = world(105)
    made.put(port("lea", "red", 3, learning=True), plugged("lea", 1, 2))
    mine = {"eth_src": mac(1), "ipv4_src": four(1)}
    assert sorted(at(leaves(made, 1, eth_dst="02:00:00:00:00:99", **mine))) == [(2, 0), (PATCH, TAG)]
    assert at(leaves(made, PATCH, eth_src=mac(2), eth_dst="02:00:00:00:00:99", vlan_vid=TAG)) == [(2, 0)]
    assert sorted(at(leaves(made, PATCH, eth_src=mac(2), eth_dst=BROADCAST, vlan_vid=TAG))) == [(1, 0), (2, 0)]
    tagged: Frame = {**frame(eth_src="02:00:00:00:00:77", eth_dst=BROADCAST, eth_type=0x0800), "vlan_vid": 0x1007}
    sent = made.pipeline("h1").send({**tagged, "in_port": 2})
    assert PATCH not in [one.port for one in sent], "its tag would be another network's"


def test_a_switch_without_the_physical_network_carries_nothing_of_it() -> None:
    made = world(105)
    made.put(switch(1))
    mine = {"eth_src": mac(1), "ipv4_src": four(1)}
    for to in (mac(2), BROADCAST):
        assert not leaves(made, 1, eth_dst=to, **mine)
    assert not leaves(made, PATCH, eth_src=mac(2), eth_dst=BROADCAST, vlan_vid=TAG)
