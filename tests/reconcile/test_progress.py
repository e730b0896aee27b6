"""How far each switch is: one test for every sentence that `Progress` says of itself."""

from __future__ import annotations

import pytest

from controller.reconcile.progress import GRACE, Progress
from controller.runtime import hub


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    return Progress(clock)


def test_nothing_is_known_of_a_switch_that_never_confirmed(progress: Progress) -> None:
    progress.round(5, ["h1"])
    assert progress.at("h1") == 0


def test_a_switch_without_changes_follows_every_round(progress: Progress) -> None:
    progress.round(5, ["h1"])
    progress.confirmed("h1", 5, current=True)
    progress.round(9, ["h2"])
    assert progress.at("h1") == 9


def test_a_switch_with_changes_is_where_it_was_until_it_confirms(progress: Progress) -> None:
    progress.round(5, ["h1"])
    progress.confirmed("h1", 5, current=True)
    progress.round(9, ["h1"])
    assert progress.at("h1") == 5
    progress.round(12, ["h1"])
    assert progress.at("h1") == 5
    progress.confirmed("h1", 9, current=False)
    assert progress.at("h1") == 9
    progress.confirmed("h1", 12, current=True)
    assert progress.at("h1") == 12


def test_what_was_known_is_told_to_nobody(progress: Progress) -> None:
    told: list[int] = []
    progress.listen(lambda: told.append(progress.changes))
    progress.round(5, ["h1"])
    progress.confirmed("h1", 5, current=True)
    before = len(told)
    progress.confirmed("h1", 5, current=True)  # an audit
    assert len(told) == before == progress.changes
    progress.away("h1")
    progress.arrived("h1")
    progress.confirmed("h1", 5, current=True)
    assert len(told) == before + 2 and progress.is_connected("h1")


def test_a_switch_that_is_away_stays_where_it_was(progress: Progress) -> None:
    progress.round(5, ["h1"])
    progress.confirmed("h1", 5, current=True)
    progress.round(7, [])
    progress.away("h1")
    progress.round(9, [])
    assert progress.at("h1") == 7


def test_nobody_waits_for_a_switch_that_is_away_for_long(progress: Progress, clock: Clock) -> None:
    progress.confirmed("h1", 0, current=True)
    clock.now += 2 * GRACE
    assert not progress.is_away("h1")
    progress.away("h1")
    clock.now += GRACE
    assert not progress.is_away("h1")
    clock.now += 1
    assert progress.is_away("h1")


def test_a_switch_that_is_back_is_waited_for(progress: Progress, clock: Clock) -> None:
    progress.round(5, ["h1"])
    progress.confirmed("h1", 5, current=True)
    progress.away("h1")
    clock.now += 2 * GRACE
    progress.round(9, ["h1"])
    progress.arrived("h1")
    assert not progress.is_away("h1") and progress.at("h1") == 5
    progress.confirmed("h1", 9, current=True)
    assert not progress.is_away("h1") and progress.at("h1") == 9


def test_a_switch_never_seen_counts_as_away_since_the_process_began(progress: Progress, clock: Clock) -> None:
    assert not progress.is_away("h1")
    clock.now += GRACE + 1
    assert progress.is_away("h1")
    progress.arrived("h1")
    assert not progress.is_away("h1")


def test_an_arrival_takes_nothing_from_a_switch_that_is_current(progress: Progress) -> None:
    progress.round(5, [])
    progress.confirmed("h1", 5, current=True)
    progress.arrived("h1")
    assert progress.at("h1") == 5


def test_refusals_are_told_of_each_object(progress: Progress) -> None:
    assert progress.refusal("port/a") == ""
    progress.refusing("h1", {"port/a": {7: "bad port"}, "port/b": {8: "bad action"}})
    assert progress.refusal("port/a") == "switch h1 refused a flow: bad port"
    progress.refusing("h2", {"port/a": {7: "table full"}})
    progress.refusing("h1", {"port/b": {8: "bad action"}})
    assert progress.refusal("port/a") == "switch h2 refused a flow: table full"
    progress.refusing("h2", {})
    assert progress.refusal("port/a") == ""
    assert progress.refusal("port/b") == "switch h1 refused a flow: bad action"


def test_nothing_is_left_of_a_forgotten_switch(progress: Progress) -> None:
    progress.refusing("h1", {"port/a": {7: "bad port"}})
    progress.round(5, [])
    progress.confirmed("h1", 5, current=True)
    progress.forget("h1")
    assert progress.refusal("port/a") == "" and progress.at("h1") == 0


@pytest.mark.parametrize(
    "happens",
    [
        lambda progress: progress.round(1, []),
        lambda progress: progress.confirmed("h1", 1, current=True),
        lambda progress: progress.away("h1"),
        lambda progress: progress.refusing("h1", {}),
    ],
)
def test_whoever_waits_is_told(progress: Progress, happens) -> None:  # type: ignore[no-untyped-def]
    over: list[bool] = []

    def wait() -> None:
        progress.wait(30.0)
        over.append(True)

    waiting = [hub.spawn(wait) for _ in range(3)]
    hub.sleep(0)
    assert over == []
    happens(progress)
    for thread in waiting:
        thread.wait()
    assert over == [True] * 3


def test_a_wait_ends_in_time(progress: Progress) -> None:
    progress.wait(0.01)
