"""The revisions in memory against the plain definition of what may be relied on."""

from __future__ import annotations

import pytest

from controller.store import revisions
from controller.store.revisions import Revisions


def test_the_prefixes_of_a_key() -> None:
    assert list(revisions.prefixes("a/b/c")) == ["a/", "a/b/"]
    assert list(revisions.prefixes("a")) == []


def test_what_was_there_at_the_start_can_be_relied_on() -> None:
    seen = Revisions({"a/1": 3}, 7)
    assert seen.stale({"a/1": 3, "a/2": 0, "a/": 7, "never/": 7}) == []
    assert seen.stale({"a/1": 7, "a/": 6}) == ["a/1", "a/"]  # below `a/` something may have been deleted at 7


def test_a_forgotten_prefix_is_refused_rather_than_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "PREFIXES", 3)
    seen = Revisions({}, 0)
    for revision in range(1, 6):
        seen.write({f"p{revision}/x": b""}, revision)
    assert seen.stale({"p5/": 4, "p1/": 0}) == ["p5/", "p1/"]
    assert seen.stale({"p5/": 5, "p3/": 3, "p1/": 2, "never/": 2}) == []


def test_a_prefix_written_again_is_not_the_first_to_be_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "PREFIXES", 2)
    seen = Revisions({}, 0)
    for revision, key in enumerate(["a/1", "b/1", "a/2", "c/1"], start=1):
        seen.write({key: b""}, revision)
    assert seen.stale({"c/": 4, "a/": 3, "b/": 2, "never/": 2}) == []
    assert seen.stale({"a/": 2, "b/": 1}) == ["a/", "b/"]


def test_writes_are_taken_back_newest_first() -> None:
    seen = Revisions({"a/1": 1, "a/2": 2}, 2)
    undo = seen.write({"a/1": b"", "a/2": None, "a/3": b""}, 3)
    undo += seen.write({"a/1": None, "a/2": b"", "a/3": b"", "a/4": None}, 4)
    assert seen.stale({"a/1": 0, "a/2": 4, "a/3": 4, "a/": 4}) == []
    seen.restore(reversed(undo), 2)
    assert seen.stale({"a/1": 1, "a/2": 2, "a/3": 0, "a/4": 0, "a/": 2}) == []
