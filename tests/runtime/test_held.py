"""Holds of the hub: counted by length, and whoever held it too long is named."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

import pytest

from controller.runtime import held, hub
from controller.runtime.held import BUCKETS, HubWatch


@pytest.fixture
def watched() -> Iterator[Callable[[float], HubWatch]]:
    made: list[HubWatch] = []

    def watch(limit: float) -> HubWatch:
        made.append(HubWatch(limit))
        made[-1].start()
        return made[-1]

    yield watch
    for each in made:
        each.stop()


def work(seconds: float) -> None:
    """Work that does not wait."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def longer_than(seconds: float, found: HubWatch) -> float:
    counts = dict(found.cumulative())
    return counts["+Inf"] - counts[str(seconds)]


def test_every_hold_is_counted_and_long_ones_by_their_length(watched: Callable[[float], HubWatch]) -> None:
    found = watched(0.0)
    for _ in range(100):
        hub.sleep(0)
    hub.spawn(work, 0.12).wait()
    hub.sleep(0)
    assert longer_than(0.1, found) >= 1
    assert found.longest >= 0.12 and found.total >= 0.12
    assert dict(found.cumulative())["+Inf"] == sum(found.counts) >= 100
    assert [end for end, _ in found.cumulative()] == [*map(str, BUCKETS), "+Inf"]


def test_what_was_before_the_process_was_ready_is_not_the_longest(watched: Callable[[float], HubWatch]) -> None:
    found = watched(0.0)
    hub.spawn(work, 0.3).wait()
    work(0.3)
    found.ready()
    hub.sleep(0)
    assert found.longest < 0.3


def test_time_in_which_the_hub_waits_is_no_hold(watched: Callable[[float], HubWatch]) -> None:
    found = watched(0.0)
    began = time.perf_counter()
    for _ in range(10):
        hub.sleep(0.05)
    assert found.total < (time.perf_counter() - began) / 2


def test_who_held_the_hub_too_long_is_logged_with_the_stack(
    watched: Callable[[float], HubWatch], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(held, "LOGGED", 0.01)
    watched(0.1)
    with caplog.at_level(logging.WARNING, "tenet.hub"):
        hub.spawn(work, 0.5).wait()
        deadline = time.monotonic() + 30.0
        while not caplog.messages and time.monotonic() < deadline:
            hub.sleep(0.01)
    assert "the hub was held for 0." in caplog.messages[0]
    assert caplog.messages[0].endswith(" work") and "test_held.py" in caplog.messages[0]


def test_watching_ends(watched: Callable[[float], HubWatch]) -> None:
    found = watched(0.1)
    found.stop()
    before = sum(found.counts)
    for _ in range(10):
        hub.sleep(0)
    assert sum(found.counts) == before
