"""A cookie set is a set, in an array's memory."""

from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from controller.reconcile import cookies as module
from controller.reconcile.cookies import CookieSet

numbers = st.sets(st.integers(0, 40) | st.integers(0, 2**64 - 1), max_size=100)  # some meet, some do not
steps = st.lists(st.tuples(st.booleans(), numbers), max_size=8)


@given(
    start=numbers,
    steps=steps,
    few=st.sampled_from([0, 3, 64, 10_000]),
    searched=st.sampled_from([1, 32]),
    looking=st.booleans(),
)
def test_it_is_as_a_set_is(
    start: set[int], steps: list[tuple[bool, set[int]]], few: int, searched: int, looking: bool
) -> None:
    """`looking`: after each step, which works all changes into the array; else they gather."""
    before = module.FEW, module.SEARCHED
    module.FEW, module.SEARCHED = few, searched
    try:
        one, other = CookieSet(start), set(start)
        for adds, some in steps:
            if adds:
                one.update(some)
                other |= some
            else:
                one.difference_update(some)
                other -= some
            assert len(one) == len(other)
            assert all((number in one) == (number in other) for number in (*some, *start, 41))
            if looking:
                _compare(one, other, some)
        _compare(one, other, start)
    finally:
        module.FEW, module.SEARCHED = before


def _compare(one: CookieSet, other: set[int], some: set[int]) -> None:
    assert one.among(some) == some & other and one.among([]) == set()
    assert list(one) == sorted(other)
    assert one == other and other == one
    assert some.symmetric_difference(one) == some ^ other


def test_a_cookie_takes_little_more_than_its_eight_bytes() -> None:
    one = CookieSet(range(0, 2**63, 2**50))  # 8,192 of them
    one.update(range(1, 2**63, 2**50))
    for number in range(500):
        one.update([2**50 * number + 7])
        parts = (one, one._sorted, one._added, one._removed)
        assert sum(map(sys.getsizeof, parts)) < 10.5 * len(one)  # and what a set takes beside its numbers
    assert sys.getsizeof(set(one)) > 30 * len(one)


def test_a_few_flows_more_or_less_cost_no_copy_of_all() -> None:
    one = CookieSet(range(0, 2**63, 2**50))
    arrays = []
    for number in range(1_000):
        one.update([2**50 * number + 7])
        one.difference_update([2**50 * number])
        arrays.append(one._sorted)  # kept, so that no two have one id
    assert len(one) == 8_192 and len({id(each) for each in arrays}) <= 2_000 / (8_192 / module.SHARE) + 1
    assert [*one] == sorted(one) and len(set(one)) == 8_192
