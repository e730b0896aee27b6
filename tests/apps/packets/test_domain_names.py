"""Domain names in packets: what is written is read again, and bad input is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.packets.domain_names import decoded, encoded


def test_a_name_is_its_labels_with_their_lengths() -> None:
    assert encoded("example.org") == encoded("example.org.") == b"\x07example\x03org\0"
    assert decoded(b"\x07example\x03org\0") == "example.org"
    assert decoded(b"\x03web") == "web"  # partial: no root
    assert decoded(b"\0") == ""


@pytest.mark.parametrize("name", ["", "a..b", "x" * 64, ".".join(["x" * 50] * 6)])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        encoded(name)


@pytest.mark.parametrize("data", [b"\xc0\x0c", b"\x05abc", b"\x02a\x00", b"\x01 ", b"\x3f" + b"a" * 62, b"\1a" * 128])
def test_malformed_bytes_are_no_name(data: bytes) -> None:
    assert decoded(data) is None


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fail(data: bytes) -> None:
    decoded(data)
