"""A relation counts why each pair is there."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from controller.model.relation import Relation


def test_a_pair_comes_with_the_first_reason_and_goes_with_the_last() -> None:
    relation: Relation[str, int] = Relation()
    assert relation.add("a", 1) and not relation.add("a", 1)
    assert not relation.remove("a", 1) and relation.of("a") == [1]
    assert relation.remove("a", 1)
    assert relation.of("a") == []


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.booleans())))
def test_as_a_multiset(history: list[tuple[str, int, bool]]) -> None:
    relation: Relation[str, int] = Relation()
    pairs: Counter[tuple[str, int]] = Counter()
    for key, value, add in history:
        if add:
            assert relation.add(key, value) == (not pairs[key, value])
            pairs[key, value] += 1
        elif pairs[key, value]:
            pairs[key, value] -= 1
            assert relation.remove(key, value) == (not pairs[key, value])
        for one in "ab":
            values = sorted(number for number in range(4) if pairs[one, number])
            assert relation.of(one) == values
