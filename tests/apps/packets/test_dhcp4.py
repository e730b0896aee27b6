"""DHCP messages: read within their bounds, built as another library reads them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.dhcp import BOOTP, DHCP

from apps.packets.dhcp4 import (
    ACK,
    DISCOVER,
    KIND,
    OVERLOAD,
    BootFields,
    Dhcp4Message,
    MalformedDhcp,
    architecture,
    lasting,
    option,
    packed,
    read,
    reply,
    routes,
)

MAC = bytes.fromhex("020000000001")
HEAD = b"\1\1\6\0" + b"xid1" + bytes(2) + b"\x80\0" + bytes(16) + MAC + bytes(10)
COOKIE = b"\x63\x82\x53\x63"
TYPE = bytes((KIND, 1, DISCOVER))


def message(options: bytes, sname: bytes = b"", file: bytes = b"") -> bytes:
    return HEAD + sname.ljust(64, b"\0") + file.ljust(128, b"\0") + COOKIE + options


def test_a_message_of_another_library_is_read() -> None:
    built = BOOTP(op=1, xid=0x01020304, flags=0x8000, ciaddr="10.0.0.9", giaddr="10.0.0.254", chaddr=MAC)
    options: list[Any] = [("message-type", "request"), ("requested_addr", "10.0.0.5"), ("client_id", b"\1" + MAC)]
    found = read(bytes(built / DHCP(options=[*options, "end"])))
    assert found == Dhcp4Message(
        3, b"\1\2\3\4", b"\x80\0", bytes((10, 0, 0, 9)), bytes((10, 0, 0, 254)), MAC,
        {53: b"\3", 50: bytes((10, 0, 0, 5)), 61: b"\1" + MAC},
    )  # fmt: skip


def test_options_of_the_same_code_are_one() -> None:
    """RFC 3396: parts are joined in the order options, file, sname."""
    found = read(message(
        TYPE + b"\x3c\1a" + b"\x34\1\3" + b"\x3c\1b" + b"\xff" + b"\x3c\1z", file=b"\x3c\1c\xff", sname=b"\0\x3c\1d"
    ))  # fmt: skip
    assert found.options == {KIND: b"\1", 60: b"abcd", OVERLOAD: b"\3"}


def test_fields_are_read_only_where_the_message_says_so() -> None:
    """And the message alone: that an overloaded field speaks of overload, too, is a fault, and leads nowhere."""
    found = read(message(TYPE + b"\x34\1\1\xff", file=b"\x3d\1b\xff", sname=b"\x3c\1a\xff"))
    assert found.options == {KIND: b"\1", OVERLOAD: b"\1", 61: b"b"}
    with pytest.raises(MalformedDhcp, match="length of an option"):
        read(message(TYPE + b"\x34\1\1\xff", file=b"\x34\1\2\xff", sname=b"\x3c\1a\xff"))


REFUSED = {
    "short": [b"", message(TYPE)[:239]],
    "no DHCP request": [b"\2" + message(TYPE)[1:], message(TYPE)[:236] + bytes(4) + TYPE, b"\1\6" + message(TYPE)[2:],
                        b"\1\1\x10" + message(TYPE)[3:]],
    "no message type": [message(b""), message(b"\xff" + TYPE)],
    "cut off": [message(TYPE + b"\x3c"), message(TYPE + b"\x3c\5abcd"), message(b"\x35\xff\1"),
                message(TYPE + b"\x34\1\1", file=b"\x3c\x7f")],
    "length of an option": [message(b"\x35\0"), message(b"\x35\2\1\1"), message(TYPE + b"\x32\3abc"),
                            message(TYPE + b"\x36\0"), message(TYPE + b"\x39\1a"), message(TYPE + b"\x35\1\1")],
    "overload": [message(TYPE + b"\x34\0"), message(TYPE + b"\x34\1\0"), message(TYPE + b"\x34\1\4"),
                 message(TYPE + b"\x34\1\1\x34\1\1")],
}  # fmt: skip


@pytest.mark.parametrize(("why", "data"), [(why, data) for why, each in REFUSED.items() for data in each])
def test_what_is_malformed_is_refused(why: str, data: bytes) -> None:
    with pytest.raises(MalformedDhcp, match=why):
        read(data)


@given(st.binary(max_size=400), st.binary(max_size=128), st.binary(max_size=64), st.booleans())
def test_whatever_comes_is_read_or_refused(options: bytes, file: bytes, sname: bytes, typed: bool) -> None:
    data = message((TYPE if typed else b"") + options, sname, file)
    try:
        found = read(data)
    except MalformedDhcp:
        return
    assert sum(map(len, found.options.values())) <= len(options) + 192 + 3


def built(options: list[tuple[int, bytes]], room: int = 308, boot: BootFields | None = None) -> bytes:
    fields = packed([(KIND, bytes((ACK,))), *options], room, boot or BootFields())
    rest = lasting(MAC, bytes((10, 0, 0, 5)), bytes((10, 0, 0, 3)), fields)
    return reply(read(message(TYPE)), bytes(4), rest)


def test_a_reply_is_read_by_another_library() -> None:
    prefix = routes([(bytes((10, 1, 0, 0)), 16, bytes((10, 0, 0, 1))), (bytes(4), 0, bytes((10, 0, 0, 1)))])
    boot = BootFields(bytes((10, 0, 0, 3)), b"boot.example", b"pxelinux.0")
    data = built([(1, b"\xff\xff\xff\0"), (121, prefix)], boot=boot)
    found = BOOTP(data)
    assert (found.op, found.htype, found.hlen, found.xid, found.flags) == (
        2,
        1,
        6,
        int.from_bytes(b"xid1", "big"),
        0x8000,
    )
    assert (found.ciaddr, found.yiaddr, found.siaddr, found.giaddr) == ("0.0.0.0", "10.0.0.5", "10.0.0.3", "0.0.0.0")
    assert (found.chaddr[:6], found.sname.rstrip(b"\0"), found.file.rstrip(b"\0")) == (
        MAC,
        b"boot.example",
        b"pxelinux.0",
    )
    told = [each for each in found[DHCP].options if isinstance(each, tuple)]
    assert told[:2] == [("message-type", 5), ("subnet_mask", "255.255.255.0")]
    assert told[2] == ("classless_static_routes", ["10.1.0.0/16:10.0.0.1", "0.0.0.0/0:10.0.0.1"])
    assert len(data) >= 300


def everything(data: bytes) -> dict[int, bytes]:
    """The options of a reply, as a client collects them."""
    return read(b"\1" + data[1:]).options


def test_an_option_may_be_longer_than_its_length_says() -> None:
    long = bytes(range(256)) * 2
    assert option(43, long) == b"\x2b\xff" + long[:255] + b"\x2b\xff" + long[255:510] + b"\x2b\2" + long[510:]
    assert option(43, long[:256]) == b"\x2b\xff" + long[:255] + b"\x2b\1" + long[255:256]
    assert everything(built([(43, long)], room=1200))[43] == long


def test_the_mark_of_an_overload_has_room() -> None:
    """Options that would fill the field to its last byte leave none for it and for the end."""
    data = built([(200, bytes(200)), (201, bytes(101))])
    assert len(data) <= 240 + 308
    assert everything(data).keys() == {KIND, OVERLOAD, 200, 201}


SIZES = st.lists(
    st.tuples(st.integers(100, 250), st.binary(min_size=1, max_size=90)), max_size=12, unique_by=lambda o: o[0]
)


@given(SIZES, st.booleans(), st.booleans())
def test_what_does_not_fit_goes_into_other_fields(options: list[tuple[int, bytes]], named: bool, booted: bool) -> None:
    boot = BootFields(bytes(4), b"n" if named else b"", b"f" if booted else b"")
    data = built(options, 308, boot)
    assert len(data) <= 240 + 308
    found = everything(data)
    told = {code: value for code, value in options if code in found}
    assert {code: value for code, value in found.items() if code not in (KIND, OVERLOAD)} == told
    left = [len(value) + 2 for code, value in options if code not in found]
    whole = sum(len(value) + 2 for _, value in options)
    if whole + 3 < 308:
        assert not left and OVERLOAD not in found
    assert not left or whole > 308 - 7 - 90  # left out only where the options' own field is about full
    assert BOOTP(data).file[:1] == b"f" or not booted
    assert BOOTP(data).sname[:1] == b"n" or not named


def test_an_architecture_is_two_bytes() -> None:
    assert architecture(read(message(TYPE + b"\x5d\2\0\7"))) == 7
    assert architecture(read(message(TYPE + b"\x5d\1\7"))) is None
    assert architecture(read(message(TYPE))) is None
