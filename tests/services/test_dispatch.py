"""Dispatch of frames for services of networks: by the register, for the port behind the logical port."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import cast

import pytest

from apps.pipeline import DHCP4, NAMES, SENDER_FILTER, SERVICE, STATEFUL
from controller.flow import OWN_PORT
from controller.model.reader import Reader
from controller.openflow.session import PacketIn, Session
from controller.services.dispatch import Ignored, NetworkServices, asker, to_asker
from controller.switches.packet_in import FrameOut, PuntedFrame, packed
from tests.apps.clouds import network, plugged, port, switch
from tests.switches.test_packet_in import Talking
from tests.world import World


def asked(service: int, key: int = 9) -> PacketIn:
    """From a port with a filter, which the same register says."""
    return PacketIn(
        77, 3, 1, 82, b"a frame", {"reg5": service << SERVICE.low, "reg6": key | STATEFUL << SENDER_FILTER.low}
    )


def counted(services: NetworkServices) -> dict[tuple[str, ...], float]:
    return {tuple(sample.labels.values()): sample.value for each in services.metrics() for sample in each.samples}


def world() -> World:
    made = World()
    made.put(network("red"), switch(1), port("p", "red", 1), plugged("p", 1, 9))
    return made


def echo(frame: PuntedFrame, see: Reader) -> Iterator[FrameOut]:
    yield to_asker(frame, frame.data)


def test_the_register_says_which_service_answers() -> None:
    def ignores(frame: PuntedFrame, see: Reader) -> Iterator[FrameOut]:
        raise Ignored("malformed")
        yield

    services = NetworkServices(world().model, {DHCP4: ("dhcp", echo), NAMES: ("dns", ignores)})
    session = Talking()
    for service in (DHCP4, NAMES, 7):
        services.packet_in(cast(Session, session), asked(service))
    expected = to_asker(PuntedFrame(9, 3, b"a frame", {}), b"a frame")
    assert session.sent == [(OWN_PORT, packed(expected.actions), b"a frame")]
    assert counted(services) == {("dhcp", "answered"): 1, ("dns", "malformed"): 1, ("", "unknown"): 1}


def test_a_service_that_raises_is_logged_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    def fails(frame: PuntedFrame, see: Reader) -> Iterator[FrameOut]:
        raise KeyError("a fault of ours")

    services = NetworkServices(world().model, {DHCP4: ("dhcp", fails)})
    with caplog.at_level(logging.ERROR):
        for _ in range(20):
            services.packet_in(cast(Session, Talking()), asked(DHCP4))
    assert counted(services) == {("dhcp", "failed"): 20}
    assert len(caplog.records) == 1


def test_who_asks_is_the_port_behind_the_logical_port() -> None:
    made = world()
    found = asker(PuntedFrame(9, 3, b"", {}), Reader(made.model, "h1"))
    assert found is not None and found.id == "p"
    assert asker(PuntedFrame(8, 3, b"", {}), Reader(made.model, "h1")) is None
    assert asker(PuntedFrame(9, 3, b"", {}), Reader(made.model, "h2")) is None
