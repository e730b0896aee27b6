"""What is sent to a switch leads to what is wanted, whatever the switch makes of it."""

from __future__ import annotations

import random
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.pipeline import LOCAL, PERMIT
from controller.compile.flow_set import FlowChange
from controller.flow import Flow, field, put
from controller.reconcile.target import Batch, Target


def flow(key: int, does: int) -> Flow:
    """Flows with the same `key` replace each other on a switch."""
    return Flow(LOCAL, 100, (field("eth_dst", key),), (put("reg7", does),), goto=PERMIT)


class Held(NamedTuple):
    cookie: int
    right: bool


class Switch:
    """A flow table by key, and the cookies that it would not take."""

    def __init__(self) -> None:
        self.table: dict[bytes, Held] = {}
        self.hates: set[int] = set()

    def apply(self, batch: Batch) -> dict[int, str]:
        """As `Session.apply`; refusals instead of `Rejected`."""
        refusals = {one.cookie: "no" for one in batch.put if one.cookie in self.hates}
        if refusals:
            return refusals
        again = batch.drop & {one.cookie for one in batch.put}
        self._delete(again)
        self.table.update({one.key: Held(one.cookie, True) for one in batch.put})
        self._delete(batch.drop - again)
        return {}

    def _delete(self, cookies: set[int]) -> None:
        self.table = {key: held for key, held in self.table.items() if held.cookie not in cookies}

    def dump(self) -> tuple[set[int], set[int]]:
        wrong = {held.cookie for held in self.table.values() if not held.right}
        return {held.cookie for held in self.table.values()} - wrong, wrong

    @property
    def cookies(self) -> set[int]:
        assert all(held.right for held in self.table.values())
        return {held.cookie for held in self.table.values()}


class Scene:
    """A switch, its target, and what is wanted of it; each verb is one thing that may happen."""

    def __init__(self) -> None:
        self.switch = Switch()
        self.target = Target()
        self.wanted: dict[int, Flow] = {}
        self.told: dict[int, Flow] = {}  # what was wanted when the rounds so far were taken in
        self.flying: Batch | None = None

    def want(self, what: tuple[int, int]) -> None:
        key, does = what
        if does:
            self.wanted[key] = flow(key, does)
        else:
            self.wanted.pop(key, None)

    def round(self, seed: int) -> None:
        """The steps from what was wanted, in any order."""
        keys = sorted(self.told.keys() | self.wanted.keys())
        steps = [FlowChange(self.told.get(key), self.wanted.get(key)) for key in keys]
        steps = [step for step in steps if step.old != step.new]
        random.Random(seed).shuffle(steps)
        self.target.take_in(steps)
        self.told = dict(self.wanted)

    def send(self, _: int = 0) -> None:
        if self.flying is None:
            self.flying = self.target.take_out()

    def answer(self, outcome: int) -> None:
        """The switch says what it made of the bundle; now and then it refuses all of it without a reason."""
        if self.flying is None:
            return
        batch, self.flying = self.flying, None
        if outcome == 0:
            self.target.restore(batch, {})
        elif refusals := self.switch.apply(batch):
            self.target.restore(batch, refusals)
        else:
            self.target.confirm(batch)

    def audit(self, _: int = 0) -> None:
        self.answer(1)
        self.target.compare(*self.switch.dump(), self.told.values())

    def hate(self, what: tuple[int, int]) -> None:
        self.switch.hates.symmetric_difference_update({flow(*what).cookie})

    def quiet(self) -> None:
        """Until nothing is left to be sent."""
        self.answer(1)
        for _ in range(10):
            self.send()
            self.answer(1)
            if self.target.right:
                return
        raise AssertionError("it goes on and on")

    def tamper(self, what: tuple[int, int]) -> None:
        key, how = what
        one = flow(key, max(how, 1))
        if how == 0:
            self.switch.table.pop(one.key, None)
        elif one.key in self.switch.table:  # another action under the same cookie
            self.switch.table[one.key] = Held(self.switch.table[one.key].cookie, False)
        else:
            self.switch.table[one.key] = Held(one.cookie if how == 1 else how, how == 1)


pairs = st.tuples(st.integers(1, 3), st.integers(0, 2))
events = st.one_of(
    st.tuples(st.just("want"), pairs),
    st.tuples(st.just("want"), pairs),
    st.tuples(st.just("round"), st.integers(0, 5)),
    st.tuples(st.just("send"), st.just(0)),
    st.tuples(st.just("answer"), st.integers(0, 4)),
    st.tuples(st.just("hate"), pairs),
)
rough = st.one_of(events, st.tuples(st.just("tamper"), pairs), st.tuples(st.just("audit"), st.just(0)))


def after(history: list[tuple[str, object]]) -> Scene:
    scene = Scene()
    for verb, argument in history:
        getattr(scene, verb)(argument)
    scene.round(0)
    return scene


@settings(max_examples=1500)
@given(st.lists(events, max_size=40))
def test_a_switch_comes_to_hold_what_is_wanted_and_it_takes(history: list[tuple[str, object]]) -> None:
    scene = after(history)
    scene.quiet()
    wanted = {one.cookie for one in scene.wanted.values()}
    assert scene.switch.cookies == scene.target.installed == wanted - scene.target.refused.keys()
    assert scene.target.refused.keys() <= wanted


@settings(max_examples=1500)
@given(st.lists(rough, max_size=40))
def test_an_audit_puts_everything_right(history: list[tuple[str, object]]) -> None:
    scene = after(history)
    scene.audit()
    scene.quiet()
    wanted = {one.cookie for one in scene.wanted.values()}
    assert scene.switch.cookies == scene.target.installed == wanted - scene.target.refused.keys()
    assert scene.target.refused.keys() <= wanted & scene.switch.hates
    scene.switch.hates.clear()
    scene.audit()
    scene.quiet()
    assert scene.switch.cookies == scene.target.installed == wanted
    assert scene.target.refused == {}
    assert scene.target.compare(*scene.switch.dump(), scene.wanted.values()) == 0


def test_only_the_difference_is_sent() -> None:
    target = Target()
    have, lack, other = flow(1, 1), flow(2, 1), flow(3, 1)
    assert target.compare({have.cookie, other.cookie}, {7}, [have, lack]) == 3
    assert target.take_out() == Batch([lack], {other.cookie, 7})


def test_what_came_and_went_before_it_was_sent_is_not_sent() -> None:
    target = Target()
    target.take_in([FlowChange(None, flow(1, 1))])
    target.take_in([FlowChange(flow(1, 1), flow(1, 2))])
    target.take_in([FlowChange(flow(1, 2), None)])
    assert not target.right
    assert target.take_out() == Batch([], set())
    assert target.right


@pytest.mark.parametrize("turned", [False, True])
def test_a_flow_that_leaves_one_set_for_another_stays(turned: bool) -> None:
    """The steps of a round are in no particular order."""
    target = Target()
    target.compare({flow(1, 1).cookie}, set(), [flow(1, 1)])
    steps = [FlowChange(flow(1, 1), None), FlowChange(None, flow(1, 1))]
    target.take_in(reversed(steps) if turned else steps)
    assert target.take_out() == Batch([], set())


def test_a_flow_taken_after_all_is_no_longer_refused() -> None:
    target = Target()
    target.take_in([FlowChange(None, flow(1, 1))])
    first = target.take_out()
    target.take_in([FlowChange(flow(1, 1), None)])
    target.take_in([FlowChange(None, flow(1, 1))])
    target.restore(first, {flow(1, 1).cookie: "no"})
    second = target.take_out()
    assert second.put == [flow(1, 1)]
    target.confirm(second)
    assert target.refused == {}


def test_a_tampered_copy_of_a_refused_flow_is_deleted() -> None:
    target = Target()
    one = flow(1, 1)
    target.compare(set(), {one.cookie}, [one])
    first = target.take_out()
    assert first == Batch([one], {one.cookie})
    target.restore(first, {one.cookie: "no"})
    assert target.take_out() == Batch([], {one.cookie})
