"""Lines about what peers cause at line rate."""

from __future__ import annotations

from controller.runtime.logpace import FIRST, LONGEST, SUBJECTS, LogPace


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_flood_is_a_few_lines_that_say_how_many() -> None:
    clock = Clock()
    pace = LogPace(clock)
    lines = []
    for _ in range(100_000):
        lines.append(pace.due("refused"))
        clock.now += 0.001
    told = [count for count in lines if count]
    assert told[0] == 1, "the first at once"
    assert 5 <= len(told) <= 8, "then ever more rarely, over 100 seconds"
    last = max(n for n, count in enumerate(lines) if count)
    assert sum(told) == last + 1, "none is forgotten"


def test_after_a_calm_it_starts_anew_and_subjects_are_apart() -> None:
    clock = Clock()
    pace = LogPace(clock)
    assert [pace.due("a"), pace.due("a"), pace.due("b")] == [1, 0, 1]
    clock.now += FIRST
    assert pace.due("a") == 2
    clock.now += 3 * LONGEST
    assert pace.due("a") == 1
    clock.now += FIRST
    assert pace.due("a") == 1, "as at first"


def test_subjects_that_a_peer_makes_up_are_bounded() -> None:
    clock = Clock()
    pace = LogPace(clock)
    told = sum(bool(pace.due(f"peer {number}")) for number in range(10 * SUBJECTS))
    assert told == SUBJECTS + 1
    clock.now += 3 * LONGEST
    assert pace.due("a new one") == 1
