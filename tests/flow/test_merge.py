"""Flows that are clauses of conjunctions are one flow, whoever wants them and in whatever order."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from controller.flow import (
    Bucket,
    Flow,
    Group,
    Meter,
    Punt,
    Table,
    clone,
    conjunction,
    ct,
    field,
    merge,
    output,
    put,
    resubmit,
    to_controller,
    to_group,
)

TABLE, NEXT = Table(7, "seven", frozenset()), Table(9, "nine", frozenset())
MATCH = (field("eth_type", 0x0800), field("ipv4_src", "10.0.0.1"))


def clauses(*of: tuple[int, int, int]) -> Flow:
    return Flow(TABLE, 100, MATCH, tuple(conjunction(*one) for one in of))


def test_what_a_flow_says_of_its_conjunctions() -> None:
    assert clauses((7, 1, 2), (8, 2, 3)).conjunctions == ((7, 1, 2), (8, 2, 3))
    assert Flow(TABLE, 100, MATCH).conjunctions == ()
    assert Flow(TABLE, 100, MATCH, (conjunction(7, 1, 2), output(1))).conjunctions == ()
    assert Flow(TABLE, 100, MATCH, (conjunction(7, 1, 2),), goto=NEXT).conjunctions == ()


@given(st.lists(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 3)), min_size=1), min_size=1), st.integers(0, 99))
def test_clauses_of_several_are_one_flow(wanted: list[list[tuple[int, int]]], seed: int) -> None:
    flows = [clauses(*((number, clause, 3) for number, clause in one)) for one in wanted]
    merged = merge(flows)
    assert merged is not None
    every = {(number, clause, 3) for one in wanted for number, clause in one}
    assert set(merged.conjunctions) == every
    random.Random(seed).shuffle(flows)
    assert merge(flows) == merged
    if len({flow.cookie for flow in flows}) > 1:
        assert list(merged.conjunctions) == sorted(every)
        assert merge([merged, *flows]) == merged


def test_what_is_no_clause_cannot_be_merged() -> None:
    one = clauses((7, 1, 2))
    assert merge([one, Flow(TABLE, 100, MATCH, (output(1),))]) is None
    assert merge([one, Flow(TABLE, 100, MATCH)]) is None
    assert merge([one, clauses((7, 1, 3))]) is None
    dropped = Flow(TABLE, 100, MATCH)
    assert merge([dropped, Flow(TABLE, 100, MATCH)]) == dropped


def test_a_message_has_an_end() -> None:
    full = clauses(*((number, 1, 2) for number in range(4000)))
    assert len(full.wire) < 1 << 16
    assert merge([full, clauses((1, 1, 2))]) is not None
    assert merge([full, clauses((4001, 1, 2))]) is None


def test_a_flow_knows_what_is_inside_its_actions() -> None:
    three, four, five = (Meter(number, 6, 1, 1) for number in (3, 4, 5))
    inner = Group("select", (Bucket((to_controller(Punt(four)), resubmit(12))),))
    outer = Group("fast_failover", (Bucket((to_group(inner),)), Bucket((output(2),))))
    flow = Flow(
        TABLE, 100, MATCH,
        (clone(clone(to_group(outer)), to_controller(Punt(meter=three))),
         ct(1, 11, commit=True, marks=(put("ct_mark", 1),))),
        goto=NEXT, meter=five,
    )  # fmt: skip
    assert flow.groups == [inner, outer]  # a bucket's group is there before the bucket
    assert flow.meters == [five, four, three]
    assert flow.leads == {9, 11, 12}
    assert Flow(TABLE, 100, MATCH, (to_group(inner), to_group(inner))).groups == [inner]
    assert not Flow(TABLE, 100, MATCH, (output(1),)).meters
