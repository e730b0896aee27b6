"""Spans that do not overlap, against a plain search."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from controller.intent.spans import Span, Spans

SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6)).map(lambda each: (each[0], each[0] + each[1])))


@given(SPANS)
def test_what_overlaps_is_found_and_what_does_not_is_added(wanted: list[Span]) -> None:
    found, plain = Spans(()), list[Span]()
    for span in wanted:
        clash = [each for each in plain if each[0] <= span[1] and span[0] <= each[1]]
        assert bool(clash) == (found.overlapping(span) is not None)
        if clash:
            assert found.overlapping(span) in clash
        else:
            found.add(span)
            plain.append(span)
    assert all(Spans(plain).overlapping(span) == span for span in plain)
