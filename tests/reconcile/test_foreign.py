"""When a change that others made is followed by a comparison: soon, and never too often."""

from __future__ import annotations

from itertools import pairwise
from math import inf

from controller.reconcile.foreign import PACE, SOON, ForeignChanges


def test_the_changes_of_one_script_are_compared_together_and_soon() -> None:
    changes = ForeignChanges(60.0)
    assert changes.due == inf
    assert changes.seen(1, 100.0) and not changes.seen(2, 100.1)
    assert changes.due == 100.0 + SOON
    assert changes.comparing(changes.due) == 3 and changes.due == inf
    assert changes.count == 3


def test_a_change_while_a_comparison_runs_is_for_the_next() -> None:
    changes = ForeignChanges(60.0)
    changes.seen(1, 100.0)
    changes.comparing(100.2)
    assert changes.seen(1, 100.3) and changes.due == 100.2 + PACE
    assert changes.comparing(101.2) == 1


def test_a_flood_comes_to_be_compared_as_seldom_as_audits_are() -> None:
    changes, now, compared = ForeignChanges(60.0), 0.0, []
    while now < 3600.0:
        changes.seen(1000, now)
        if changes.due <= now:
            changes.comparing(now)
            compared.append(now)
        now += 0.05
    between = [round(later - earlier) for earlier, later in pairwise(compared)]
    assert between[:6] == [1, 2, 4, 8, 16, 32] and set(between[6:]) == {60} and len(between) > 60


def test_after_a_quiet_time_a_change_is_compared_soon_again() -> None:
    changes = ForeignChanges(60.0)
    for now in range(0, 600):
        changes.seen(1, float(now))
        if changes.due <= now:
            changes.comparing(float(now))
    changes.comparing(600.0)
    changes.seen(1, 1000.0)
    assert changes.due == 1000.0 + SOON


def test_an_unknown_number_of_changes_is_compared_too() -> None:
    changes = ForeignChanges(60.0)
    assert changes.seen(0, 5.0) and changes.due == 5.0 + SOON
    assert changes.comparing(5.2) == 0


def test_an_audit_covers_what_was_seen_before_it() -> None:
    changes = ForeignChanges(60.0)
    changes.seen(4, 5.0)
    assert changes.comparing(5.01) == 4 and changes.due == inf
