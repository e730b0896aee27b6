from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from controller.openflow import framework
from controller.openflow.session import Session
from tests.openflow.flows import Heard, until
from tests.openflow.lane import Lane, lane_of_its_own
from tests.simswitch import SimSwitch


class Bench(NamedTuple):
    server: framework.OpenFlowServer
    heard: Heard
    switches: list[SimSwitch]

    def switch(self, dpid: int = 1) -> tuple[SimSwitch, Session]:
        """A simulated switch that is connected, and its session."""
        switch = SimSwitch(dpid, self.server.address).connect()
        self.switches.append(switch)
        until(lambda: dpid in self.heard.sessions)
        return switch, self.heard.sessions[dpid]


@pytest.fixture
def bench() -> Iterator[Bench]:
    heard = Heard()
    server = framework.serve(("127.0.0.1", 0), heard, echo_interval=0.5, handshake_timeout=2.0)
    switches: list[SimSwitch] = []
    yield Bench(server, heard, switches)
    for switch in switches:
        switch.drop()
    server.close()


@pytest.fixture(scope="module")
def lane() -> Iterator[Lane]:
    with lane_of_its_own() as made:
        yield made
