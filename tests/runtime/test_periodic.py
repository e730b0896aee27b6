"""Deadlines by key, and where in its period work is done."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from controller.runtime.periodic import SPARE, Schedule, next_slot, phase


def test_keys_come_when_they_are_due_soonest_first_and_not_more_than_asked_for() -> None:
    schedule: Schedule[str] = Schedule()
    for key, at in (("c", 3.0), ("a", 1.0), ("b", 2.0)):
        schedule.put(key, at)
    assert schedule.next() == 1.0 and schedule.due(0.9, 9) == []
    assert schedule.due(5.0, 2) == [("a", 1.0), ("b", 2.0)]
    assert schedule.due(5.0, 2) == [("c", 3.0)] and schedule.next() is None and len(schedule) == 0


def test_a_key_has_one_deadline_and_none_once_it_is_dropped() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.put("a", 1.0)
    schedule.put("a", 4.0)
    schedule.put("b", 2.0)
    schedule.drop("b")
    schedule.drop("nobody")
    assert schedule.due(3.9, 9) == [] and "b" not in schedule
    assert schedule.due(4.0, 9) == [("a", 4.0)]


def test_deadlines_that_were_replaced_are_not_kept_for_ever() -> None:
    schedule: Schedule[int] = Schedule()
    schedule.put(-1, -1.0)  # the soonest is never looked past
    for turn in range(10_000):
        schedule.put(turn % 10, float(turn))
    assert len(schedule._heap) <= 2 * len(schedule) + SPARE + 1
    assert [key for key, _ in schedule.due(1e9, 99)] == [-1, *range(10)]


@given(now=st.floats(0, 4e9), every=st.floats(0.01, 1e5), at=st.floats(0, 1, exclude_max=True))
def test_the_next_slot_is_after_now_within_a_period(now: float, every: float, at: float) -> None:
    slot = next_slot(now, every, at)
    assert now < slot <= now + every * (1 + 1e-6) + 1e-5


def test_phases_spread_evenly_and_are_the_same_everywhere() -> None:
    found = [phase("work", f"hv{n // 100}", f"port{n}") for n in range(10_000)]
    tenths = [sum(int(each * 10) == tenth for each in found) for tenth in range(10)]
    assert min(tenths) > 800 and max(tenths) < 1200
    assert phase("a", "b") == 0.08557846792973578 != phase("ab", "")
