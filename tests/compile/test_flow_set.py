"""Claims of owners, settled into at most one flow a key."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.pipeline import LOCAL, PERMIT
from controller.compile.flow_set import FlowChange, FlowSet, Owner
from controller.flow import Flow, conjunction, field, put

A, B, C = ("port", "a"), ("port", "b"), ("port", "c")


def flow(key: int, does: int) -> Flow:
    """One of a few flows: those with the same `key` are one flow to a switch."""
    return Flow(LOCAL, 100, (field("eth_dst", key),), (put("reg7", does),), goto=PERMIT)


def clause(*numbers: int) -> Flow:
    """A flow that is the first clause of these conjunctions; all such flows are one flow to a switch."""
    return Flow(LOCAL, 100, (field("eth_dst", 99),), tuple(conjunction(number, 1, 2) for number in numbers))


def least(*flows: Flow) -> Flow:
    return min(flows, key=lambda one: one.wire)


def one_of(flows: Collection[Flow]) -> Flow:
    """What flows of one key come to: all clauses, or the least where it does something else."""
    if len(set(flows)) > 1 and all(one.conjunctions for one in flows):
        return clause(*sorted({number for one in flows for number, _, _ in one.conjunctions}))
    return least(*flows)


def test_a_claim_comes_and_goes() -> None:
    flow_set = FlowSet()
    flow_set.claim(A, (flow(1, 1), flow(2, 1)))
    assert flow_set.settle() == ([FlowChange(None, flow(1, 1)), FlowChange(None, flow(2, 1))], [])
    flow_set.claim(A, (flow(1, 1), flow(2, 2)))
    assert flow_set.settle() == ([FlowChange(flow(2, 1), flow(2, 2))], [])
    flow_set.claim(A, ())
    assert flow_set.settle() == ([FlowChange(flow(1, 1), None), FlowChange(flow(2, 2), None)], [])
    assert len(flow_set) == 0 and not flow_set.claims


def test_two_owners_that_agree_do_not_clash() -> None:
    flow_set = FlowSet()
    flow_set.claim(A, (flow(1, 1),))
    flow_set.claim(B, (flow(1, 1),))
    assert flow_set.settle() == ([FlowChange(None, flow(1, 1))], [])
    assert [(one, sorted(owners)) for one, owners in flow_set.explained([flow(1, 1).cookie])] == [(flow(1, 1), [A, B])]
    assert list(flow_set.explained([flow(2, 1).cookie])) == []
    flow_set.claim(A, ())
    assert flow_set.settle() == ([], [])
    assert list(flow_set.flows()) == [flow(1, 1)]


def test_two_owners_that_do_not_agree_clash_and_are_named() -> None:
    flow_set = FlowSet()
    flow_set.claim(B, (flow(1, 2),))
    flow_set.claim(A, (flow(1, 1),))
    changes, conflicts = flow_set.settle()
    chosen = least(flow(1, 1), flow(1, 2))
    assert changes == [FlowChange(None, chosen)]
    assert [(conflict.flow, conflict.owners) for conflict in conflicts] == [(chosen, (A, B))]
    flow_set.claim(A, ())
    flow_set.settle()
    assert list(flow_set.flows()) == [flow(1, 2)]


def test_clauses_of_several_owners_are_one_flow() -> None:
    """An address in two security groups: each group knows its own conjunctions only."""
    flow_set = FlowSet()
    flow_set.claim(A, (clause(7),))
    flow_set.settle()
    flow_set.claim(B, (clause(5, 6), clause(8)))
    assert flow_set.settle() == ([FlowChange(clause(7), clause(5, 6, 7, 8))], [])
    (merged,) = flow_set.flows()
    assert [(one, sorted(owners)) for one, owners in flow_set.explained([merged.cookie])] == [(merged, [A, B])]
    flow_set.claim(A, ())
    assert flow_set.settle() == ([FlowChange(merged, clause(5, 6, 8))], [])


def test_a_clause_and_what_is_none_are_in_conflict() -> None:
    flow_set = FlowSet()
    other = Flow(LOCAL, 100, (field("eth_dst", 99),), goto=PERMIT)
    flow_set.claim(A, (clause(7),))
    flow_set.claim(B, (other,))
    _, conflicts = flow_set.settle()
    assert [(conflict.flow, conflict.owners) for conflict in conflicts] == [(least(clause(7), other), (A, B))]


def test_owners_that_swap_within_a_round_do_not_clash() -> None:
    flow_set = FlowSet()
    flow_set.claim(A, (flow(1, 1),))
    flow_set.claim(B, (flow(2, 2),))
    flow_set.settle()
    flow_set.claim(A, (flow(2, 1),))
    flow_set.claim(B, (flow(1, 2),))
    changes, conflicts = flow_set.settle()
    assert set(changes) == {FlowChange(flow(1, 1), flow(1, 2)), FlowChange(flow(2, 2), flow(2, 1))}
    assert conflicts == []


def test_an_owner_may_say_a_thing_twice() -> None:
    flow_set = FlowSet()
    flow_set.claim(A, (flow(1, 1), flow(1, 1)))
    flow_set.claim(A, (flow(1, 1),))
    flow_set.claim(A, ())
    assert flow_set.settle() == ([], []) and len(flow_set) == 0


claims = st.tuples(
    st.sampled_from([A, B, C]),
    st.lists(
        st.builds(flow, st.integers(1, 2), st.integers(1, 2)) | st.builds(clause, st.integers(1, 3)), max_size=3
    ).map(tuple),
)


@settings(max_examples=500)
@given(st.lists(st.one_of(claims, st.none()), max_size=25))
def test_any_claims_in_any_order(history: list[tuple[Owner, tuple[Flow, ...]] | None]) -> None:
    """At every settlement each key has what its claims come to, and the changes lead there."""
    flow_set = FlowSet()
    mirror: set[Flow | None] = set()
    said: dict[Owner, tuple[Flow, ...]] = {}
    for what in [*history, None]:
        if what is not None:
            flow_set.claim(*what)
            said[what[0]] = what[1]
            continue
        changes, conflicts = flow_set.settle()
        mirror.difference_update(change.old for change in changes)
        mirror.update(change.new for change in changes if change.new is not None)
        every = [one for flows in said.values() for one in flows]
        expected = {one_of([other for other in every if other.key == one.key]) for one in every}
        assert mirror == expected == set(flow_set.flows())
        assert len(flow_set) == len(expected)
        for conflict in conflicts:
            assert conflict.flow in expected
            assert all(any(one.key == conflict.flow.key for one in said[owner]) for owner in conflict.owners)
        because = {one: set(owners) for one, owners in flow_set.explained()}
        assert because == {one: {owner for owner, flows in said.items() if chosen(one, flows)} for one in expected}


def chosen(one: Flow, flows: tuple[Flow, ...]) -> bool:
    """Whether an owner that says `flows` is among those because of whom `one` is there."""
    mine = [other for other in flows if other.key == one.key]
    return bool(mine) and (bool(one.conjunctions) or one == least(*mine))


def lines_run(act: Callable[[], None]) -> int:
    """How many lines of flow_set.py an act comes to."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.endswith("flow_set.py"):
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        act()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("does", [1, 2], ids=["agreeing", "in conflict"])
def test_a_second_owner_costs_the_same_among_few_and_among_many(does: int) -> None:
    """Nobody is searched for: not when it comes, not when either goes."""

    def cost(owners: int) -> int:
        flow_set = FlowSet()
        for number in range(owners):
            flow_set.claim(("port", f"p{number}"), (flow(1000 + number, 1),))
        flow_set.claim(A, tuple(flow(number, 1) for number in range(20)))

        def act() -> None:
            flow_set.claim(B, tuple(flow(number, does) for number in range(20)))
            flow_set.claim(A, ())
            flow_set.claim(B, ())

        return lines_run(act)

    assert cost(10) == cost(1000)
