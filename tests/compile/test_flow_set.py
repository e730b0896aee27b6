"""Claims of owners, settled into at most one flow a key."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.pipeline import LOCAL, PERMIT
from controller.compile.flow_set import Owner, Sheet, Step
from controller.flow import Flow, field, put

A, B, C = ("port", "a"), ("port", "b"), ("port", "c")


def flow(key: int, does: int) -> Flow:
    """One of a few flows: those with the same `key` are one flow to a switch."""
    return Flow(LOCAL, 100, (field("eth_dst", key),), (put("reg7", does),), goto=PERMIT)


def least(*flows: Flow) -> Flow:
    return min(flows, key=lambda one: one.wire)


def test_a_claim_comes_and_goes() -> None:
    sheet = Sheet()
    sheet.claim(A, (flow(1, 1), flow(2, 1)))
    assert sheet.settle() == ([Step(None, flow(1, 1)), Step(None, flow(2, 1))], [])
    sheet.claim(A, (flow(1, 1), flow(2, 2)))
    assert sheet.settle() == ([Step(flow(2, 1), flow(2, 2))], [])
    sheet.claim(A, ())
    assert sheet.settle() == ([Step(flow(1, 1), None), Step(flow(2, 2), None)], [])
    assert len(sheet) == 0 and not sheet.claims


def test_two_owners_that_agree_do_not_clash() -> None:
    sheet = Sheet()
    sheet.claim(A, (flow(1, 1),))
    sheet.claim(B, (flow(1, 1),))
    assert sheet.settle() == ([Step(None, flow(1, 1))], [])
    assert sorted(sheet.owners([flow(1, 1).cookie])) == [(flow(1, 1).cookie, A), (flow(1, 1).cookie, B)]
    sheet.claim(A, ())
    assert sheet.settle() == ([], [])
    assert list(sheet.flows()) == [flow(1, 1)]


def test_two_owners_that_do_not_agree_clash_and_are_named() -> None:
    sheet = Sheet()
    sheet.claim(B, (flow(1, 2),))
    sheet.claim(A, (flow(1, 1),))
    steps, clashes = sheet.settle()
    chosen = least(flow(1, 1), flow(1, 2))
    assert steps == [Step(None, chosen)]
    assert [(clash.flow, clash.owners) for clash in clashes] == [(chosen, (A, B))]
    sheet.claim(A, ())
    sheet.settle()
    assert list(sheet.flows()) == [flow(1, 2)]


def test_owners_that_swap_within_a_round_do_not_clash() -> None:
    sheet = Sheet()
    sheet.claim(A, (flow(1, 1),))
    sheet.claim(B, (flow(2, 2),))
    sheet.settle()
    sheet.claim(A, (flow(2, 1),))
    sheet.claim(B, (flow(1, 2),))
    steps, clashes = sheet.settle()
    assert set(steps) == {Step(flow(1, 1), flow(1, 2)), Step(flow(2, 2), flow(2, 1))}
    assert clashes == []


def test_an_owner_may_say_a_thing_twice() -> None:
    sheet = Sheet()
    sheet.claim(A, (flow(1, 1), flow(1, 1)))
    sheet.claim(A, (flow(1, 1),))
    sheet.claim(A, ())
    assert sheet.settle() == ([], []) and len(sheet) == 0


claims = st.tuples(
    st.sampled_from([A, B, C]),
    st.lists(st.builds(flow, st.integers(1, 2), st.integers(1, 2)), max_size=3).map(tuple),
)


@settings(max_examples=500)
@given(st.lists(st.one_of(claims, st.none()), max_size=25))
def test_any_claims_in_any_order(history: list[tuple[Owner, tuple[Flow, ...]] | None]) -> None:
    """At every settlement: of each key the least of all that is claimed, and the steps lead there."""
    sheet = Sheet()
    mirror: set[Flow | None] = set()
    said: dict[Owner, tuple[Flow, ...]] = {}
    for what in [*history, None]:
        if what is not None:
            sheet.claim(*what)
            said[what[0]] = what[1]
            continue
        steps, clashes = sheet.settle()
        mirror.difference_update(step.old for step in steps)
        mirror.update(step.new for step in steps if step.new is not None)
        every = [one for flows in said.values() for one in flows]
        expected = {least(*(other for other in every if other.key == one.key)) for one in every}
        assert mirror == expected == set(sheet.flows())
        assert len(sheet) == len(expected)
        for clash in clashes:
            assert clash.flow in expected
            assert all(any(one.key == clash.flow.key for one in said[owner]) for owner in clash.owners)
        for one in every:
            assert {owner for _, owner in sheet.owners([one.cookie])} >= {
                owner for owner, flows in said.items() if flows == (one,)
            }
