"""Metering labels on a real Open vSwitch: what it counts for each rule, asked by the flow's cookie."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from apps.nat import metering
from controller.model.reader import Reader
from controller.model.rows import MeteringLabel, MeteringLabelRule, Router
from tests.apps.nat.rows import OUT, mac
from tests.openflow.lane import Lane, lane_of_its_own
from tests.openflow.packets import fragmented, packed
from tests.openflow.test_nat import WIRE, Beside, back, cloud, udp
from tests.world import World, frame

EVERY = "0.0.0.0/0"


@pytest.fixture(scope="module")
def lane() -> Iterator[Lane]:
    with lane_of_its_own() as made:
        made.session.match_fragments()
        yield made


def metered() -> World:
    """Label "all" counts everything, label "some" what is not of station 1; at routers of project "t"."""
    rules = [
        MeteringLabelRule(id=f"{name} {direction} {excluded}", project_id="t", metering_label_id=name,
                          direction=direction, remote_ip_prefix=prefix, excluded=excluded)
        for direction in metering.DIRECTIONS
        for name, prefix, excluded in (("all", EVERY, False), ("some", EVERY, False), ("some", "10.0.1.1/32", True))
    ]  # fmt: skip
    world = cloud(*(MeteringLabel(id=name, project_id="t") for name in ("all", "some")), *rules)
    world.put(replace(world.model.rows(Router)["r"], project_id="t"))
    return world


def counted(lane: Lane, world: World, name: str) -> list[tuple[int, int]]:
    """Packets and bytes that left, and those that entered."""
    label, router = world.model.rows(MeteringLabel)[name], world.model.rows(Router)["r"]
    found = []
    for direction in ("egress", "ingress"):
        (flow,) = metering.counting(router, label, direction, Reader(world.model))
        found.append(lane.session.counted(flow.cookie))
    return found


def test_a_real_switch_counts_each_packet_once_for_each_label(lane: Lane) -> None:
    """Over a floating IP of its own (station 1) and over the gateway's address (with fragments)."""
    world = metered()
    both = Beside(lane, world)
    for _ in range(3):
        ((port, got),) = both.send(udp(1, "8.8.8.8"))
        assert port == WIRE
    assert [port for port, _ in both.send(back(got, WIRE))] == [1]
    lane.ovs.appctl("revalidator/purge")  # the datapath tells what it has counted
    (out, size), (into, _) = counted(lane, world, "all")
    assert (out, into) == (3, 1) and size >= 3 * 42
    assert counted(lane, world, "some") == [(0, 0), (0, 0)]

    floated = cloud_without_floating(world)
    both.program(floated)
    sent = fragmented(packed({**udp(2, "8.8.8.8"), "length": 3000}), 1400)
    assert [port for port, _ in lane.send_bytes(2, sent)] == [WIRE] * len(sent)
    answer = frame(eth_src=mac(1), eth_dst=mac(10), eth_type=0x0800, ipv4_src="8.8.8.8", ipv4_dst=f"{OUT}10",
                   ip_proto=17, udp_src=53, udp_dst=2000, ip_ttl=64)  # fmt: skip
    assert [each.port for each in lane.send({**answer, "in_port": WIRE})] == [2]
    lane.ovs.appctl("revalidator/purge")
    (out, size), (into, _) = counted(lane, world, "some")
    assert (out, into) == (len(sent), 1) and size > 3000
    assert counted(lane, world, "all")[0][0] == 3 + len(sent), "a change beside it kept what was counted"


def cloud_without_floating(world: World) -> World:
    world.put("floatingip/fip102")
    return world
