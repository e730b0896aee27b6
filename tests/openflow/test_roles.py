"""Two controllers of one real switch: it is the switch that refuses whoever is late."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from controller.openflow import framework, wire
from controller.openflow.session import Session
from controller.runtime.errors import NotMaster
from tests.openflow.flows import Heard, flow, until
from tests.ovs import PrivateOvs

DPID = 7

LONG = [flow(number).add for number in range(41)]  # goes in two steps, with a look between them


class Pair(NamedTuple):
    ovs: PrivateOvs
    one: Session
    two: Session
    heard: Heard  # of `one`

    def count(self) -> int:
        return self.ovs.ofctl("dump-flows", "r").count("cookie=")


@pytest.fixture
def pair() -> Iterator[Pair]:
    heard = [Heard(), Heard()]
    servers = [framework.serve(("127.0.0.1", 0), each) for each in heard]
    with PrivateOvs() as ovs:
        targets = [f"tcp:127.0.0.1:{server.address[1]}" for server in servers]
        ovs.add_bridge("r", DPID)
        ovs.vsctl("set-controller", "r", *targets)
        until(lambda: all(DPID in each.sessions for each in heard))
        yield Pair(ovs, heard[0].sessions[DPID], heard[1].sessions[DPID], heard[0])
        for server in servers:
            server.close()


def test_the_later_generation_is_master_and_the_earlier_a_slave(pair: Pair) -> None:
    assert pair.one.role(wire.MASTER, 10)
    pair.one.apply([flow(1).add], [])
    assert pair.two.role(wire.MASTER, 11)
    with pytest.raises(NotMaster):
        pair.one.apply([flow(2).add], [flow(1).cookie])
    assert not pair.one.role(wire.MASTER, 10)  # stale
    pair.two.apply([flow(3).add], [])
    assert pair.two.held().right == {flow(1).cookie, flow(3).cookie}
    assert pair.one.role(wire.MASTER, 12)
    pair.one.apply([], [flow(1).cookie])
    assert pair.count() == 1


def test_a_slave_that_knows_more_does_not_demote_the_master(pair: Pair) -> None:
    assert pair.one.role(wire.MASTER, 10)
    assert pair.two.role(wire.SLAVE, 12)
    pair.one.apply([flow(1).add], [])
    with pytest.raises(NotMaster):
        pair.two.apply([flow(2).add], [])
    assert pair.count() == 1


def test_a_bundle_that_was_closed_before_another_took_over_is_not_committed(pair: Pair) -> None:
    assert pair.one.role(wire.MASTER, 10)
    asked = 0

    def overtaken() -> bool:
        nonlocal asked
        asked += 1
        if asked == 2:  # right before the commit
            assert pair.two.role(wire.MASTER, 11)
        return True

    pair.heard.permitted = overtaken
    with pytest.raises(NotMaster):
        pair.one.apply(LONG, [])
    assert asked >= 2
    assert pair.count() == 0


def test_nothing_is_written_without_permission(pair: Pair) -> None:
    allowed = iter([True, False, False])
    pair.heard.permitted = lambda: next(allowed, False)
    with pytest.raises(NotMaster):
        pair.one.apply(LONG, [])
    assert next(allowed, None) is None  # it was asked again before the commit
    with pytest.raises(NotMaster):
        pair.one.apply([flow(1).add], [])
    with pytest.raises(NotMaster):
        pair.one.packet_out(1, b"", b"")
    assert pair.count() == 0
    pair.heard.permitted = lambda: True
    pair.one.apply([flow(2).add], [])
    assert pair.count() == 1
