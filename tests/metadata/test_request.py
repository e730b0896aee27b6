"""Requests of instances, whole and hostile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.metadata.request import MOST_HEAD, BadRequest, InstanceRequest, read


class Parts:
    """A socket that gives these parts one after the other."""

    def __init__(self, *parts: bytes) -> None:
        self._parts: Iterator[bytes] = iter(parts)
        self.taken = 0

    def recv(self, most: int, /) -> bytes:
        found = next(self._parts, b"")
        self.taken += len(found)
        assert len(found) <= most
        return found


def one(*parts: bytes) -> InstanceRequest | None:
    return read(Parts(*parts), bytearray())


def status(*parts: bytes) -> int:
    with pytest.raises(BadRequest) as raised:
        one(*parts)
    return raised.value.status


def test_a_request_in_parts_and_the_next_one() -> None:
    rest = bytearray()
    source = Parts(b"GET /latest/meta%2Ddata?x=1 HT", b"TP/1.1\r\nHost: a\r\nX-Y:  z \r\n\r", b"\nPOST /p HTTP/1.0\r\n",
                   b"Content-Length: 3\r\n\r\nab", b"c")  # fmt: skip
    first = read(source, rest)
    assert first == InstanceRequest("GET", "/latest/meta%2Ddata?x=1", "/latest/meta-data", {"host": "a", "x-y": "z"},
                                    b"", True)  # fmt: skip
    second = read(source, rest)
    assert second is not None and (second.method, second.body, second.lasting) == ("POST", b"abc", False)
    assert read(source, rest) is None


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET http://x/ HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA : b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nContent-Length: 4097\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 65 + b"\r\n", 431),
        (b"GET /", 400),
        (b"\x16\x03\x01 tls\r\n\r\n", 400),
    ],
)
def test_what_is_not_plain_is_refused(sent: bytes, wanted: int) -> None:
    assert status(sent) == wanted


def test_a_head_without_an_end_is_not_read_for_ever() -> None:
    source = Parts(*([b"GET / HTTP/1.1\r\nA: "] + [b"x" * 4096] * 100))
    with pytest.raises(BadRequest) as raised:
        read(source, bytearray())
    assert raised.value.status == 431 and source.taken < MOST_HEAD + 2 * 4096


@given(st.lists(st.binary(max_size=200), max_size=6))
def test_nothing_else_is_raised(parts: list[bytes]) -> None:
    try:
        one(*[part for part in parts if part])
    except BadRequest as error:
        assert error.status in (400, 413, 431, 501)
