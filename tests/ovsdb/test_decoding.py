"""Long JSON texts, decoded part by part."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.ovsdb import decoding
from controller.runtime import hub

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=4), inner, max_size=5),
    max_leaves=60,
)


@given(VALUES, st.integers(0, 200), st.booleans())
def test_in_parts_it_is_what_it_is_in_one_go(value: Any, short: int, blanks: bool) -> None:
    before, decoding.SHORT = decoding.SHORT, short
    try:
        assert decoding.decode(json.dumps(value, indent=1 if blanks else None).encode()) == value
    finally:
        decoding.SHORT = before


@pytest.mark.parametrize("text", [b"[1,2", b'{"a":[1,}', b'{"a":1}x', b"", b'{"a":"\xff"}'])
def test_what_is_no_json_is_refused(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "SHORT", 0)
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        decoding.decode(text)


def test_others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "TURN", 0.0)
    turns = 0

    def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            hub.sleep(0)

    thread = hub.spawn(count)
    rows = {f"row{number}": {"name": "x" * 1000} for number in range(1000)}
    assert decoding.decode(json.dumps({"table": rows}).encode()) == {"table": rows}
    hub.kill(thread)
    assert turns >= 500
