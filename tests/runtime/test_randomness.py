"""Random numbers and UUIDs."""

from __future__ import annotations

import uuid
from collections import Counter

import pytest

from controller.runtime.randomness import PIECE, below, new_uuid


def test_it_is_a_uuid_of_version_4_all_of_whose_other_bits_are_random() -> None:
    made = [new_uuid() for _ in range(200)]
    ones, zeros = 0, 0
    for text in made:
        found = uuid.UUID(text)
        assert str(found) == text and found.version == 4 and found.variant == uuid.RFC_4122
        ones, zeros = ones | found.int, zeros | ~found.int
    assert len(set(made)) == 200
    fixed = 0xF << 76 | 0x3 << 62
    assert ones & zeros & ~fixed & (1 << 128) - 1 == (1 << 128) - 1 ^ fixed  # each has been 1, and 0


@pytest.mark.parametrize("end", [1, 2, 7, 256, 2**24])
def test_a_number_is_below_the_end_whatever_that_is(end: int) -> None:
    drawn = Counter(below(end) for _ in range(2000))
    assert set(drawn) <= set(range(end)) and (end > 7 or set(drawn) == set(range(end)))


def test_nothing_is_drawn_twice() -> None:
    assert len({below(2**128) for _ in range(4 * PIECE // 16)}) == 4 * PIECE // 16


def test_nothing_is_below_zero() -> None:
    with pytest.raises(ValueError, match="below 0"):
        below(0)
