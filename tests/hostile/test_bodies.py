"""Bodies made to be costly to read."""

from __future__ import annotations

import msgspec
import pytest

from northbound.body import MOST_VALUES, from_json
from northbound.errors import HttpError

from .cost import Call, assert_linear


def refused(body: bytes) -> Call:
    def call() -> None:
        with pytest.raises(HttpError):
            from_json(body)

    return call


def test_a_key_that_is_there_twice_is_found_in_linear_time() -> None:
    def sized(size: int) -> Call:
        keys = ",".join(f'"{number}":1' for number in range(size))
        return refused(f'{{{keys},"{size - 1}":2}}'.encode())

    assert_linear(sized, 20_000)


def test_the_key_that_is_there_twice_is_named() -> None:
    with pytest.raises(HttpError, match="the key 'b' is there twice"):
        from_json(b'{"a":1,"b":{"a":1},"b":2,"c":3,"c":4}')


@pytest.mark.parametrize("piece", [b"1,", b"{},", b"[],", b'"",', b'{"a":1},', b'"\\"",'])
def test_a_body_of_too_many_values_is_refused_before_it_is_read(piece: bytes) -> None:
    with pytest.raises(HttpError, match="values"):
        from_json(b"[" + piece * MOST_VALUES + b"1]")
    assert from_json(b"[" + piece * (MOST_VALUES // 3) + b"1]")


def test_commas_and_brackets_in_texts_are_no_values() -> None:
    text = ',[{\\"' * 50_000
    assert msgspec.json.encode(from_json(f'["{text}"]'.encode())) == f'["{text}"]'.encode()


def test_a_text_that_does_not_end_is_looked_at_once() -> None:
    assert_linear(lambda size: refused(b"[" + b"," * (MOST_VALUES - 10) + b'",[' + b'\\",' * size), 200_000)
