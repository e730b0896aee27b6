"""Group frames and unknown unicast to ports with filters: how many a broadcast reaches, and what learners hear."""

from __future__ import annotations

from msgspec.structs import replace

from controller.flow.interpret import Pipeline
from controller.model.rows import Row
from tests.apps.clouds import four, group, mac, network, plugged, port, rule, switch
from tests.world import Said, World, frame

EVERYBODY, NOBODY = "ff:ff:ff:ff:ff:ff", "02:00:00:00:09:09"
DATAGRAM: Said = {"eth_type": 0x0800, "ipv4_src": four(1), "ipv4_dst": "10.0.0.255", "ip_proto": 17, "udp_dst": 53}
RULES = [rule("out", "g", "egress"), rule("in", "g", "ingress", "udp 53")]


def test_a_broadcast_gets_to_thousands_of_filtered_ports_of_one_switch() -> None:
    """The interpreter gives a frame up after as many lookups as Open vSwitch does, 4,096."""
    names = [f"p{number}" for number in range(1, 3801)]
    ports = [
        replace(port(name, "red", 1), mac_address=f"fa:16:3e:01:{number >> 8:02x}:{number & 255:02x}", fixed_ips=(),
                security_groups=("g",))
        for number, name in enumerate(names)
    ]  # fmt: skip
    plugs = [plugged(name, 1, number) for number, name in enumerate(names, 1)]
    rows: list[Row] = [switch(1), network("red"), group("g", 7), *RULES, *ports, *plugs]
    world = World(*rows, port("sender", "red", 1), plugged("sender", 1, 4000))
    pipeline = world.pipeline("h1")
    for said, heard in ((DATAGRAM, len(names)), ({**DATAGRAM, "udp_dst": 54}, 0), ({**DATAGRAM, "ip_proto": 6}, 0)):
        sent_by = frame(eth_src=mac(1), eth_dst=EVERYBODY, **said)
        assert len({sent.port for sent in pipeline.send({**sent_by, "in_port": 4000})}) == heard


def test_unknown_unicast_gets_to_a_learning_port_as_its_rules_allow_and_begins_a_connection() -> None:
    world = World(
        switch(1), network("red"), group("g", 7), *RULES, port("alice", "red", 1), plugged("alice", 1, 1),
        replace(port("lea", "red", 3, learning=True), security_groups=("g",)), plugged("lea", 1, 2),
        port("leo", "red", 4, learning=True), plugged("leo", 1, 3),
    )  # fmt: skip
    said: Said = {**DATAGRAM, "ipv4_dst": "10.0.0.77", "udp_src": 5000}
    assert world.send("alice", eth_src=mac(1), eth_dst=NOBODY, **said).ports == ["lea", "leo"]
    assert world.send("alice", eth_src=mac(1), eth_dst=NOBODY, **{**said, "udp_dst": 54}).ports == ["leo"]
    back: Said = {"eth_type": 0x0800, "ipv4_src": "10.0.0.77", "ipv4_dst": four(1), "ip_proto": 17, "udp_dst": 5000}
    world.put("security_group_rule/out")
    assert world.send("lea", eth_src=NOBODY, eth_dst=mac(1), udp_src=53, **back).ports == ["alice"]
    assert world.send("lea", eth_src=NOBODY, eth_dst=mac(1), udp_src=54, **back).ports == []


def test_flows_of_two_moments_open_no_port() -> None:
    """A large change comes in several bundles, one table after the other: ports may change places in between."""
    rows: list[Row] = [switch(1), network("red"), group("b", 8), group("c", 9), group("a", 7)]
    rows += [rule("in", "b", "ingress", "udp 53"), port("sender", "red", 1), plugged("sender", 1, 20)]
    for number, of in ((2, "b"), (3, "c")):
        rows += [replace(port(f"p{number}", "red", number), security_groups=(of,)), plugged(f"p{number}", 1, number)]
    world = World(*rows)
    before = list(world.compiler.wanted("h1"))
    world.put(replace(port("p4", "red", 4), security_groups=("a",)), plugged("p4", 1, 4))
    after = list(world.compiler.wanted("h1"))
    sent = {**frame(eth_src=mac(1), eth_dst=EVERYBODY, **DATAGRAM), "in_port": 20}
    for last in ("deliver", "flood_copies", "flood_alike", "flood_judge", "classify"):
        number = next(flow.table.number for flow in after if flow.table.name == last)
        new = {flow.key: flow for flow in after if flow.table.number >= number}
        mixed = {flow.key: flow for flow in before} | new
        assert {one.port for one in Pipeline(mixed.values()).send(sent)} <= {2}, last
