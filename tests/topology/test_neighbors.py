"""Wires from what is heard and when."""

from __future__ import annotations

from topology.damping import HALF
from topology.discovery import HeardProbe, ProbePort
from topology.neighbors import FRESH, SILENCE, SWEEP, DirectedWire, Neighbors, ProbeVerdict

A1, A2, B1, B2, C1 = ProbePort(1, 1), ProbePort(1, 2), ProbePort(2, 1), ProbePort(2, 2), ProbePort(3, 1)
START = 1_000_000_000


def retained(table: Neighbors) -> int:
    """Entries of all that a table holds."""
    return sum(len(held) for held in vars(table).values() if isinstance(held, dict | list))


def hear(table: Neighbors, near: ProbePort, far: ProbePort, now: float) -> ProbeVerdict:
    """A frame that was sent just now."""
    stamp = START + int(now * 1e6)
    return table.heard(near, HeardProbe(far, stamp), now, stamp)


def test_the_first_frame_makes_a_wire_and_the_next_keeps_it() -> None:
    table = Neighbors()
    assert hear(table, A1, B1, 1.0) is ProbeVerdict.NEW
    assert hear(table, A1, B1, 2.0) is ProbeVerdict.SAME
    assert table.far == {A1: B1}
    assert table.into(B1) == A1
    assert table.into(A1) is None, "one direction says nothing of the other"


def test_a_frame_counts_once() -> None:
    table = Neighbors()
    old = HeardProbe(B1, START)
    assert table.heard(A1, old, 0.0, START) is ProbeVerdict.NEW
    assert table.heard(A1, old, 0.1, START) is ProbeVerdict.REPLAYED
    assert table.heard(C1, old, 0.1, START) is ProbeVerdict.REPLAYED, "from elsewhere"
    assert table.far == {A1: B1}


def test_an_older_frame_that_was_never_heard_is_too_late_as_well() -> None:
    table = Neighbors()
    hear(table, A1, B1, 1.0)
    assert table.heard(C1, HeardProbe(B1, START), 1.1, START + 1_100_000) is ProbeVerdict.REPLAYED


def test_a_frame_from_another_time_makes_no_wire() -> None:
    for stamp in (START - FRESH, START + FRESH):
        table = Neighbors()
        assert table.heard(A1, HeardProbe(B1, stamp), 0.0, START) is ProbeVerdict.STALE
        assert not table.far
        assert hear(table, A1, B1, 0.0) is ProbeVerdict.NEW, "and it does not shut out those of now"


def test_silence_is_noticed_after_two_frames_are_missed() -> None:
    table = Neighbors()
    hear(table, A1, B1, 1.0)
    assert table.silent(1.0 + SILENCE - 0.1) == []
    assert table.silent(1.0 + SILENCE + 0.1) == [A1]


def test_a_cable_that_is_moved_takes_its_wire_along() -> None:
    table = Neighbors()
    hear(table, A1, B1, 1.0)
    assert hear(table, C1, B1, 2.0) is ProbeVerdict.NEW
    assert [(fall.near, fall.far) for fall in table.moved] == [(A1, B1)]
    assert table.far == {C1: B1}
    assert hear(table, C1, A2, 3.0) is ProbeVerdict.NEW
    assert table.far == {C1: A2}
    assert table.into(B1) is None


def test_a_cable_between_two_ports_of_one_switch_is_no_wire() -> None:
    table = Neighbors()
    assert hear(table, A1, A2, 1.0) is ProbeVerdict.LOOP
    assert hear(table, A1, A1, 2.0) is ProbeVerdict.LOOP
    assert not table.far


def flap(table: Neighbors, begin: float, times: int) -> tuple[float, int]:
    """Ten times a second; when it ended, and how often the wire came up."""
    came_up, now = 0, begin
    for _ in range(times):
        came_up += hear(table, A1, B1, now) is ProbeVerdict.NEW
        table.fall(A1, now + 0.05)
        now += 0.1
    return now, came_up


def test_a_wire_that_flaps_is_held_down_until_it_is_quiet() -> None:
    table = Neighbors()
    now, came_up = flap(table, 1.0, 300)
    assert came_up == 4
    assert table.is_held(A1, now)
    assert hear(table, A1, B1, now) is ProbeVerdict.HELD
    assert hear(table, A1, B1, now + 2 * HALF) is ProbeVerdict.HELD, "half a minute of it is not forgotten at once"
    assert hear(table, A1, B1, now + 4 * HALF) is ProbeVerdict.NEW
    assert not table.is_held(A1, now + 4 * HALF)


def test_a_wire_that_goes_down_now_and_then_is_not_held() -> None:
    table = Neighbors()
    for turn in range(20):
        assert hear(table, A1, B1, turn * 15.0) is ProbeVerdict.NEW
        fall = table.fall(A1, turn * 15.0 + 7)
        assert fall is not None and not fall.held


def test_a_port_that_flaps_counts_although_its_wire_does_not_come_up_in_between() -> None:
    table = Neighbors()
    hear(table, A1, B1, 1.0)
    falls = [table.fall(A1, 1.0 + turn / 10) for turn in range(5)]
    assert [(fall.up, fall.held) for fall in falls if fall] == [
        (True, False), (False, False), (False, False), (False, True), (False, False),
    ]  # fmt: skip
    assert hear(table, A1, B1, 2.0) is ProbeVerdict.HELD
    table.forget_old(500.0, START + 500_000_000)
    assert table.fall(A1, 500.0) is not None, "what is held is not forgotten"
    assert Neighbors().fall(A1, 1.0) is None, "a port that never had a wire has none to lose"


def test_who_falls_says_that_it_is_held_once() -> None:
    table = Neighbors()
    told = []
    for turn in range(6):
        table.adopt(DirectedWire(A1, B1), turn / 10)
        fall = table.fall(A1, turn / 10)
        assert fall is not None
        told.append(fall.held)
    assert told == [False, False, False, True, False, False]


def test_other_wires_are_not_held() -> None:
    table = Neighbors()
    now, _ = flap(table, 1.0, 20)
    assert hear(table, A2, B2, now) is ProbeVerdict.NEW


def test_stamps_are_forgotten_when_a_frame_with_one_is_stale_anyhow() -> None:
    table = Neighbors()
    for number in range(1000):
        hear(table, A1, ProbePort(100 + number, 1), 1.0)
    held = retained(table)
    table.forget_old(SWEEP + 2.0, START + int((SWEEP + 2.0) * 1e6))
    assert held - retained(table) >= 1000
    assert (
        table.heard(A1, HeardProbe(ProbePort(100, 1), START + 1_000_000), 70.0, START + 70_000_000)
        is ProbeVerdict.STALE
    )
