import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.ovsdb.framing import Framer, MalformedJson

TEXTS = st.text(alphabet=st.sampled_from('{}[]"\\/ab é\n'), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.lists(st.dictionaries(TEXTS, VALUES, max_size=4), max_size=4)


@given(OBJECTS, st.lists(st.integers(1, 9), max_size=200), st.sampled_from(["", " ", "\r\n\t"]))
def test_objects_come_out_however_the_stream_is_cut(objects, cuts, space):
    stream = b"".join(msgspec.json.encode(value) + space.encode() for value in objects)
    framer, out, at = Framer(), [], 0
    for cut in [*cuts, len(stream)]:
        out += framer.feed(stream[at : at + cut])
        at += cut
    assert [msgspec.json.decode(text) for text in out] == objects


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n", b"[]", b'"text"', b"}", b"{}x", b'{"a":1} ]', b"\x16\x03\x01\x02\x00", b"\x00"]
)
def test_what_is_not_an_object_is_refused_at_once(data):
    with pytest.raises(MalformedJson):
        Framer().feed(data)


def test_a_long_message_is_refused_before_it_is_complete():
    framer = Framer(length_limit=100)
    framer.feed(b'{"a":"' + b"x" * 90)
    with pytest.raises(MalformedJson, match="100 bytes"):
        framer.feed(b"x" * 10)


def test_a_complete_long_message_is_refused():
    with pytest.raises(MalformedJson, match="100 bytes"):
        Framer(length_limit=100).feed(b'{"a":"' + b"x" * 100 + b'"}')


def test_many_short_messages_are_not_one_long_one():
    assert len(Framer(length_limit=10).feed(b'{"a":1}' * 100)) == 100


def test_a_deep_message_is_refused():
    deep = b'{"a":' + b"[" * 31
    Framer().feed(deep)
    with pytest.raises(MalformedJson, match="deep"):
        Framer().feed(deep + b"[")


@pytest.mark.parametrize("unit", [b"x", b"\\", b'\\"', b"{"])
def test_a_long_string_in_small_pieces_costs_no_more_than_its_length(unit):
    framer = Framer()
    framer.feed(b'{"a":"')
    start = time.process_time()
    for _ in range(20_000):
        framer.feed(unit * 20)
    assert time.process_time() - start < 1.5  # looking again at what was seen would take minutes
    assert len(framer.feed(b'"}')) == 1
