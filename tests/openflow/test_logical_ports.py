"""Several logical ports behind one OpenFlow port on a real Open vSwitch: it does what the interpreter says."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from controller.flow.interpret import Frame, Pipeline
from controller.openflow import framework
from controller.openflow.session import Holdings
from tests.apps.clouds import four, mac
from tests.apps.test_logical_ports import BROADCAST, NUMBERS, RED, heard, says
from tests.apps.trunk import KEYS, flows
from tests.openflow.flows import Heard
from tests.openflow.judge import Bench, written
from tests.ovs import PrivateOvs

VID = re.compile(r"push_vlan\(vid=(\d+)")


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    listener = Heard()
    server = framework.serve(("127.0.0.1", 0), listener)
    with PrivateOvs() as ovs:
        made = Bench(ovs, listener, f"tcp:127.0.0.1:{server.address[1]}")
        wanted = flows()
        assert made.install(wanted) == Holdings({flow.cookie for flow in wanted}, set())
        yield made
    server.close()


def leaves(bench: Bench, one: Frame) -> list[tuple[int, int]]:
    """OpenFlow port and VLAN of every copy, as the datapath is told."""
    said = bench.ovs.appctl("ofproto/trace", "ours", written(one))
    actions = re.search(r"^Datapath actions: (.*)$", said, re.MULTILINE)
    assert actions is not None, said
    found, tag = [], one.get("vlan_vid", 0)
    for part in re.findall(r"push_vlan\(.*?\)|\w+(?:\((?:[^()]|\([^()]*\))*\))?", actions[1]):
        if (pushed := VID.match(part)) is not None:
            tag = 0x1000 | int(pushed[1])
        elif part == "pop_vlan":
            tag = 0
        elif part.isdigit():
            found.append((bench.ports[int(part)], tag))
    return sorted(found)


FRAMES = [
    *(says(name, BROADCAST) for name in KEYS),
    *(says(one, mac(NUMBERS[other])) for one in RED for other in (*RED, "blue-30")),
    *(says(name, BROADCAST, eth_type=0x0806, arp_op=1, arp_sha=mac(NUMBERS[name]), arp_spa=four(NUMBERS[name]),
           arp_tpa=four(8)) for name in RED),
    {**says("red-10", BROADCAST), "vlan_vid": 0x1000 | 11},
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(FRAMES)))
def test_a_switch_delivers_as_the_interpreter_says(bench: Bench, number: int) -> None:
    one = FRAMES[number]
    if one["eth_type"] == 0x0806:
        one = {name: value for name, value in one.items() if name != "ipv4_src"}
    assert leaves(bench, one) == heard(Pipeline(flows()), one)


def test_most_of_these_frames_arrive() -> None:
    assert sum(bool(heard(Pipeline(flows()), one)) for one in FRAMES) > len(FRAMES) // 2
