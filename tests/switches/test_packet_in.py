"""Packet-in dispatch: by the service that the flow names, to handlers and to pure answers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, cast

import pytest

from apps import learn
from controller.compile.catalogue import apps
from controller.compile.compiler import Compiler
from controller.flow import IN_PORT, Flow, Meter, Rates, Table, field, output, to_service
from controller.model.reader import Reader
from controller.model.rows import Switch
from controller.openflow.session import PacketIn, Session
from controller.reconcile.target import Target
from controller.switches.packet_in import Answering, FrameOut, PacketIns, PuntedFrame
from tests.apps.clouds import network, plugged, port, switch
from tests.world import World

TABLE = Table(7, "seven", frozenset({"in_port"}))
METER = Meter(0x10000, 6, 5, 5)
PACKET = PacketIn(77, 3, 1, 7, b"a frame", {"reg6": 9})


class Talking:
    """What a service may ask of a session."""

    def __init__(self, dpid: int = 1) -> None:
        self.dpid = dpid
        self.sent: list[tuple[int, bytes, bytes]] = []

    def packet_outs(self, packets: list[tuple[int, bytes, bytes]]) -> None:
        self.sent += packets


def counted(services: PacketIns) -> dict[tuple[str, ...], float]:
    return {tuple(sample.labels.values()): sample.value for each in services.metrics() for sample in each.samples}


def test_a_frame_goes_to_the_service_of_its_flow_and_to_no_other() -> None:
    heard: list[str] = []
    services = PacketIns({name: lambda *_, name=name: heard.append(name) for name in ("one", "two")})
    for name in ("two", "one", "two", "three", ""):
        services.take(name, cast(Session, Talking()), PACKET)
    assert heard == ["two", "one", "two"]
    assert counted(services) == {("one", "taken"): 1, ("two", "taken"): 2, ("", "unknown"): 2}


def test_a_service_that_raises_goes_on_with_the_next_frame(caplog: pytest.LogCaptureFixture) -> None:
    def fails(session: Session, packet: PacketIn) -> None:
        raise KeyError("a fault of ours")

    services = PacketIns({"one": fails})
    with caplog.at_level(logging.ERROR):
        for _ in range(50):
            services.take("one", cast(Session, Talking()), PACKET)
    assert counted(services) == {("one", "failed"): 50}
    assert 1 <= len(caplog.records) < 5 and "service one" in caplog.text  # a flood is not logged


def test_an_answer_follows_from_the_frame_and_the_model() -> None:
    world = World(switch(1), network("red"), port("alice", "red", 1), plugged("alice", 1, 3))

    def echo(frame: PuntedFrame, see: Reader) -> Iterator[FrameOut]:
        at = see.view(Switch, see.switch_id)
        assert at is not None
        yield FrameOut(frame.in_port, (output(IN_PORT),), frame.data + bytes((at.number, frame.port_key)))

    service = Answering(world.model, echo)
    talking, stranger = Talking(), Talking(dpid=99)
    service(cast(Session, talking), PACKET)
    service(cast(Session, stranger), PACKET)
    assert talking.sent == [(3, output(IN_PORT).wire, b"a frame\x01\x09")]
    assert stranger.sent == []


def test_a_target_knows_the_services_of_the_flows_that_its_switch_should_hold() -> None:
    punt = Flow(TABLE, 1, (field("in_port", 1),), (to_service("dns", METER, 128),))
    plain = Flow(TABLE, 1, (field("in_port", 2),), (output(1),))
    target = Target()
    target.compare(set(), {5}, [punt, plain])
    assert target.services == {punt.cookie: "dns"}
    assert punt.service == "dns" and plain.service == "" and punt.meters == [METER]


def test_flows_of_learning_discovery_and_probes_name_their_services() -> None:
    world = World(switch(1), network("red"), port("lea", "red", 1, learning=True), plugged("lea", 1, 1))
    services = {flow.service for flow in world.compiler.wanted("h1") if flow.service}
    of_routers = {"neighbor-answers", "neighbors", "router-errors"}
    assert services == {"discovery", learn.SERVICE, "tracker-probe", *of_routers}


def test_another_rate_is_another_meter_and_another_flow() -> None:
    def flows(rates: Rates) -> dict[str, Any]:
        world = World(switch(1), network("red"), port("lea", "red", 1, learning=True), plugged("lea", 1, 1))
        compiler = Compiler(world.model, apps(rates))
        compiler.include("h1")
        compiler.run()
        return {one.key: one for one in compiler.wanted("h1")}  # type: ignore[misc]

    one, other, none = flows(Rates(1000, 800)), flows(Rates(500, 800)), flows(Rates(0, 400))
    assert one.keys() == other.keys() and one.keys() - none.keys()
    changed = [key for key in one if one[key] != other[key]]
    assert [one[key].table.name for key in changed] == ["limit"]
    assert [one[key].table.name for key in none if none[key] != one[key]] == ["learn"]
