"""How much of the past a follower can still have."""

from __future__ import annotations

from itertools import chain

import pytest

from controller.runtime.errors import Compacted
from controller.store import log
from controller.store.log import ChangeLog
from controller.store.store import Change


def commit(revision: int, rows: int) -> list[Change]:
    return [Change(revision, f"k/{number}", b"") for number in range(rows)]


def followed(changes: ChangeLog, after: int) -> list[Change]:
    """All that a follower gets of a closed log."""
    return list(chain.from_iterable(changes.follow(after)))


def test_only_whole_commits_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "KEPT", 10)
    changes = ChangeLog(100)
    for revision in range(101, 121):
        changes.append(commit(revision, 3))
    changes.close()
    kept = [after for after in range(100, 121) if served(changes, after)]
    assert kept[0] > 101 and kept == list(range(kept[0], 121))
    assert followed(changes, kept[0]) == list(chain.from_iterable(commit(r, 3) for r in range(kept[0] + 1, 121)))
    assert len(followed(changes, kept[0])) >= 10


def test_at_least_as_much_as_promised_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "KEPT", 10)
    changes = ChangeLog(0)
    for revision, rows in enumerate([5, 5, 5, 5, 5, 1], start=1):
        changes.append(commit(revision, rows))
    changes.close()
    assert not served(changes, 2)
    assert len(followed(changes, 3)) == 11


def served(changes: ChangeLog, after: int) -> bool:
    try:
        followed(changes, after)
    except Compacted:
        return False
    return True


def test_a_follower_that_keeps_up_gets_commits_of_any_number_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "KEPT", 10)
    changes = ChangeLog(0)
    follower = changes.follow(0)
    for revision in range(0, 300, 100):
        together = list(chain.from_iterable(commit(revision + each, 50) for each in range(1, 101)))
        changes.append(together)
        assert next(follower) == together


def test_nothing_before_the_start_is_served() -> None:
    changes = ChangeLog(5)
    changes.close()
    assert followed(changes, 5) == []
    with pytest.raises(Compacted, match="after 4"):
        followed(changes, 4)
