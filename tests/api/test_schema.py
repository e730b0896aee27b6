"""What the description says that checks take."""

from __future__ import annotations

import re

import pytest

from northbound import schema


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("last", [1, 5, 9, 10, 19, 32, 99, 100, 128, 907, 1000])
def test_decimal_text_of_exactly_these_numbers(first: int, last: int) -> None:
    pattern = re.compile(schema.decimal(first, last)["pattern"])
    assert [number for number in range(2000) if pattern.search(str(number))] == [*range(first, last + 1)]
    assert not any(pattern.search(text) for text in ("", "00", "01", "-1", "1 ", "1\n1", f"{last}0"))


def test_decimal_text_of_large_numbers() -> None:
    pattern = re.compile(schema.decimal(0, 2**31 - 1)["pattern"])
    taken = [number for number in (0, 999_999_999, 2**31 - 1, 2**31, 9_999_999_999) if pattern.search(str(number))]
    assert taken == [0, 999_999_999, 2**31 - 1]
