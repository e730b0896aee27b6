"""Wires found, kept and lost: discovery with simulated switches and cables."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.model.rows import Link, Network, Secret
from controller.model.rows import Port as TenantPort
from controller.runtime import hub
from controller.switches.discovery.links import AWAY, AWAY_COST, INTERVAL
from controller.switches.discovery.station import Station
from tests.openflow.wires import Wires, until
from topology.cost import by_speed
from topology.discovery import ProbePort, frame, read
from topology.neighbors import SILENCE

A1, A2, B1, B2, C1 = ProbePort(1, 1), ProbePort(1, 2), ProbePort(2, 1), ProbePort(2, 2), ProbePort(3, 1)
BOTH = {"1/1": "2/1", "2/1": "1/1"}


@pytest.fixture
def wires(tmp_path: Path) -> Iterator[Wires]:
    made = Wires(tmp_path)
    yield made
    made.close()


@pytest.fixture
def pair(wires: Wires) -> Wires:
    """Two switches, one cable, known."""
    wires.cable(A1, B1)
    wires.switch(1)
    wires.switch(2)
    until(lambda: wires.rows() == BOTH)
    return wires


def key(wires: Wires) -> bytes:
    found = wires.replica.model.get(Secret, "discovery")
    assert found is not None
    return bytes.fromhex(found.value)


def just_after_a_beat() -> None:
    """Nothing is sent for the next second, unless for a reason."""
    hub.sleep(INTERVAL - time.monotonic() % INTERVAL + 0.1)


def stays(wires: Wires, rows: dict[str, str], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert wires.rows() == rows
        hub.sleep(0.02)


def test_a_wire_is_known_once_the_second_switch_is_there(wires: Wires) -> None:
    wires.cable(A1, B1)
    wires.switch(1)
    hub.sleep(1.2)
    assert not wires.rows()
    wires.switch(2)
    until(lambda: wires.rows() == BOTH)


def test_a_wire_stays_and_costs_no_more_writes(pair: Wires) -> None:
    revision = pair.replica.model.revision
    stays(pair, BOTH, SILENCE + 0.6)
    assert pair.replica.model.revision == revision


def test_a_port_that_goes_down_takes_its_wire_along_at_once(pair: Wires, caplog: pytest.LogCaptureFixture) -> None:
    pair.switches[1].port(1, "s1-eth1", state=1)
    until(lambda: "1/1" not in pair.rows())
    assert "port 1: the port is down" in caplog.text and "silence" not in caplog.text
    hub.sleep(1.2)
    pair.switches[1].port(1, "s1-eth1", state=0)
    until(lambda: pair.rows() == BOTH)


def test_silence_ends_a_wire(pair: Wires, caplog: pytest.LogCaptureFixture) -> None:
    pair.cut(A1)
    began = time.monotonic()
    until(lambda: not pair.rows())
    assert time.monotonic() - began > 1.0  # a frame or two may be lost
    assert caplog.text.count(": silence") == 2


def test_half_a_wire_is_half_a_wire(pair: Wires) -> None:
    del pair.cables[A1]
    until(lambda: pair.rows() == {"1/1": "2/1"})


def test_forged_frames_make_no_wire(pair: Wires) -> None:
    before = pair.links.seen["forged"]
    forged = frame(bytes(32), B2, time.time_ns() // 1000, bytes(6))
    for data in (forged, forged[:40], forged[:13] + b"\xcc", b"\0" * 80):
        pair.switches[1].packet_in(1, 2, data)
    until(lambda: pair.links.seen["forged"] == before + 4)
    assert pair.rows() == BOTH


def test_a_frame_replayed_from_elsewhere_makes_no_wire(pair: Wires) -> None:
    data = [data for port, data in pair.sent if port == B1][-1]
    pair.switches[1].packet_in(1, 2, data)
    until(lambda: pair.links.seen["REPLAYED"])
    old = frame(key(pair), B2, time.time_ns() // 1000 - 10_000_000, bytes(6))
    pair.switches[1].packet_in(1, 2, old)
    until(lambda: pair.links.seen["STALE"])
    assert pair.rows() == BOTH


def test_a_tenants_port_is_no_end_of_a_wire(pair: Wires, caplog: pytest.LogCaptureFixture) -> None:
    """Neither is it probed nor is it listened to, whatever it sends, from the moment that it is a tenant's."""
    hub.sleep(1.2)
    just_after_a_beat()
    pair.put(
        Network(id="n", project_id="t", mtu=1450, network_type="vxlan", segment=7),
        TenantPort(id="p", project_id="t", network_id="n", mac_address="02:00:00:00:00:01", interface_id="s1-eth1"),
    )
    until(lambda: "1/1" not in pair.rows())
    assert "port 1: it is a tenant's" in caplog.text
    pair.sent.clear()
    hub.sleep(1.3)
    assert {port for port, _ in pair.sent} == {A2, B1, B2}
    assert pair.links.seen["misplaced"]
    until(lambda: not pair.rows())


def test_ports_that_change_together_are_looked_at_together(pair: Wires, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    review = pair.links._review

    def count(station: Station) -> None:
        looks.append(len(station.session.ports))
        review(station)

    monkeypatch.setattr(pair.links, "_review", count)
    for number in range(3, 103):
        pair.switches[1].port(number, f"s1-eth{number}")
    until(lambda: looks and looks[-1] == 102)
    assert len(looks) < 20


def test_a_flapping_wire_is_held_down_and_costs_few_writes(
    pair: Wires, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    revision = pair.replica.model.revision
    for turn in range(80):
        pair.switches[1].port(1, "s1-eth1", state=turn % 2 ^ 1)
        hub.sleep(0.05)
    until(lambda: pair.rows().get("1/1") == "2/1 damped")
    assert "flaps and is held down" in caplog.text
    assert pair.replica.model.revision - revision < 20, "forty falls"
    stays(pair, {**BOTH, "1/1": "2/1 damped"}, 1.5)
    pair.links._now += 60.0  # as much quiet
    until(lambda: pair.rows().get("1/1") == "2/1", 3.0)


def test_a_cable_that_is_moved(pair: Wires) -> None:
    pair.cut(A1)
    pair.switch(3)
    pair.cable(A1, C1)
    until(lambda: pair.rows() == {"1/1": "3/1", "3/1": "1/1"}, 4.0)


def test_a_loop_on_one_switch_is_no_wire(pair: Wires, caplog: pytest.LogCaptureFixture) -> None:
    pair.cable(A2, A2)
    until(lambda: pair.links.seen["LOOP"])
    assert pair.rows() == BOTH
    assert "both ends are on one switch" in caplog.text


def test_parallel_wires(pair: Wires) -> None:
    pair.cable(A2, B2)
    until(lambda: pair.rows() == {**BOTH, "1/2": "2/2", "2/2": "1/2"})


def test_a_switch_that_vanishes_without_closing(pair: Wires) -> None:
    """Its connection is there, but nothing comes out of it any more."""
    pair.switches[2].mute = True
    pair.cables.clear()
    until(lambda: not pair.rows())


def test_a_switch_without_its_controller_keeps_its_wires_as_a_last_resort(pair: Wires) -> None:
    """That nobody can probe them says nothing of them."""
    pair.switches[2].drop()
    stays(pair, BOTH, SILENCE + 1.0)
    until(lambda: pair.replica.model.rows(Link)["0000000000000002/1"].cost == AWAY_COST)
    assert pair.rows() == BOTH
    pair.switches[2].connect()
    until(lambda: pair.replica.model.rows(Link)["0000000000000002/1"].cost == 1)
    stays(pair, BOTH, SILENCE + 0.6)


def test_wires_of_a_switch_that_another_member_has_taken_over_are_not_judged(pair: Wires) -> None:
    """Its new master probes them."""
    pair.mastered.add("0000000000000002")
    pair.switches[2].drop()
    before = pair.costs()
    stays(pair, BOTH, AWAY + 1.0)
    assert pair.costs() == before
    pair.switches[2].connect()
    stays(pair, BOTH, SILENCE + 0.6)


def test_what_was_known_before_the_process_began_is_checked(tmp_path: Path) -> None:
    before = Wires(tmp_path)
    before.cable(A1, B1)
    before.cable(A2, B2)
    for dpid in (1, 2):
        before.switch(dpid)
    until(lambda: len(before.rows()) == 4)
    before.close()
    after = Wires(tmp_path)
    after.cable(A1, B1)  # the other was cut meanwhile
    try:
        for dpid in (1, 2):
            after.switch(dpid)
        stays(after, {**BOTH, "1/2": "2/2", "2/2": "1/2"}, 1.0)
        until(lambda: after.rows() == BOTH)
        assert read(key(after), after.sent[0][1]) is not None
    finally:
        after.close()


def test_a_process_that_stood_still_loses_no_wire(pair: Wires, caplog: pytest.LogCaptureFixture) -> None:
    hub.sleep(1.2)
    just_after_a_beat()
    time.sleep(INTERVAL + SILENCE)  # nothing of this process runs meanwhile
    stays(pair, BOTH, 1.5)
    assert "no longer hears" not in caplog.text


def test_the_cost_of_a_wire_follows_from_the_speed_of_its_ports(tmp_path: Path) -> None:
    wires = Wires(tmp_path, by_speed)
    wires.cable(A1, B1)
    slow, fast = wires.switch(1, speed=1_000_000), wires.switch(2, speed=40_000_000)
    until(lambda: wires.rows() == BOTH)
    until(lambda: wires.costs() == {"1/1": 10, "2/1": 1})
    slow.speeds[1] = 100_000  # what it is set to again, over an old cable
    slow.port(1, "s1-eth1")
    until(lambda: wires.costs() == {"1/1": 100, "2/1": 1})
    fast.drop()
    until(lambda: wires.costs() == {"1/1": 100, "2/1": AWAY_COST})
    wires.close()
