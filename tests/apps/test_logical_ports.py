"""Logical ports behind one OpenFlow port: each hears the others, never itself; each has its tag, meter and network."""

from __future__ import annotations

import pytest

from apps.pipeline import TABLES
from controller.flow.interpret import Frame, Pipeline
from controller.flow.meter import of_port
from tests.apps.clouds import four, mac
from tests.apps.test_pipeline import keeps
from tests.apps.travels import complaints
from tests.apps.trunk import KEYS, RATE, TAGS, TRUNK, flows
from tests.world import frame

BROADCAST, TUNNEL, BOB = "ff:ff:ff:ff:ff:ff", 900, 2
NUMBERS = {name: number for number, name in enumerate(KEYS, 1)}
RED = ("parent", "red-10", "red-20")


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline(flows())


def says(name: str, to: str, **more: int | str) -> Frame:
    number = NUMBERS[name]
    usual: dict[str, int | str] = {"eth_src": mac(number), "eth_dst": to, "eth_type": 0x0800, "ipv4_src": four(number)}
    return {**frame(**(usual | more)), "in_port": TRUNK, "vlan_vid": TAGS[name]}


def heard(pipeline: Pipeline, one: Frame) -> list[tuple[int, int]]:
    return sorted((sent.port, sent.frame.get("vlan_vid", 0)) for sent in pipeline.send(one))


def test_flows_of_a_trunk_keep_to_the_declaration() -> None:
    found = flows()
    assert complaints(found) == []
    for flow in found:
        keeps(flow)
    known = {table.name for table in TABLES if "in_port" in table.matches}
    assert known == {"classify"}, "no other table knows OpenFlow ports on the way in"


@pytest.mark.parametrize("sender", RED)
def test_a_broadcast_reaches_the_siblings_and_never_the_sender(pipeline: Pipeline, sender: str) -> None:
    siblings = [(TRUNK, TAGS[name]) for name in RED if name != sender]
    assert heard(pipeline, says(sender, BROADCAST)) == sorted([*siblings, (BOB, 0), (TUNNEL, 0)])


def test_a_network_with_one_subport_hears_nothing_of_the_others(pipeline: Pipeline) -> None:
    assert heard(pipeline, says("blue-30", BROADCAST)) == []
    for name in RED:
        assert heard(pipeline, says("blue-30", mac(NUMBERS[name]))) == []


@pytest.mark.parametrize("sender", RED)
@pytest.mark.parametrize("to", RED)
def test_unicast_between_siblings(pipeline: Pipeline, sender: str, to: str) -> None:
    expected = [(TRUNK, TAGS[to])] if to != sender else []
    assert heard(pipeline, says(sender, mac(NUMBERS[to]))) == expected


def test_to_and_from_ports_that_are_alone(pipeline: Pipeline) -> None:
    assert heard(pipeline, says("red-10", mac(8))) == [(BOB, 0)]
    from_bob = {
        **frame(eth_src=mac(8), eth_dst=mac(NUMBERS["red-20"]), eth_type=0x0800, ipv4_src=four(8)),
        "in_port": 2,
    }
    assert heard(pipeline, from_bob) == [(TRUNK, TAGS["red-20"])]


@pytest.mark.parametrize("sender", RED)
def test_an_arp_request_is_answered_with_the_askers_tag(pipeline: Pipeline, sender: str) -> None:
    for asked, owner in ((8, mac(8)), (NUMBERS["red-20"], mac(NUMBERS["red-20"]))):
        if asked == NUMBERS[sender]:
            continue
        request = says(sender, BROADCAST, eth_type=0x0806, arp_op=1, arp_sha=mac(NUMBERS[sender]),
                       arp_spa=four(NUMBERS[sender]), arp_tpa=four(asked))  # fmt: skip
        request.pop("ipv4_src")
        (answer,) = pipeline.send(request)
        assert (answer.port, answer.frame.get("vlan_vid", 0)) == (TRUNK, TAGS[sender])
        assert answer.frame["arp_op"] == 2 and answer.frame["arp_sha"] == frame(eth_src=owner)["eth_src"]


def test_a_tag_of_no_subport_and_a_siblings_address_are_dropped(pipeline: Pipeline) -> None:
    assert heard(pipeline, {**says("red-10", BROADCAST), "vlan_vid": 0x1000 | 11}) == []
    assert heard(pipeline, {**says("red-10", BROADCAST), "vlan_vid": TAGS["red-20"]}) == []
    assert heard(pipeline, says("red-10", BROADCAST, ipv4_src=four(NUMBERS["red-20"]))) == []


def test_each_logical_port_has_a_meter_of_its_own() -> None:
    found = flows()
    limited = Pipeline(found, exhausted=frozenset({of_port(KEYS["red-10"], RATE).number}))
    assert heard(limited, says("red-10", BROADCAST)) == []
    assert heard(limited, says("red-20", BROADCAST)) == heard(Pipeline(found), says("red-20", BROADCAST)) != []
