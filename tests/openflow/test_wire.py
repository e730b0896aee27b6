from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.flow import digest
from controller.flow.meter import FLAGS, Meter
from controller.openflow import dump, errornames, flow_monitor, wire
from controller.openflow.connection import messages
from controller.openflow.wire import Malformed
from tests.openflow.flows import flow


def stats(cookie: int, content: bytes, *, table: int = 3, priority: int = 100, idle: int = 0, flags: int = 0) -> bytes:
    fixed = struct.pack("!HBxIIHHHH4xQQQ", 48 + len(content), table, 5, 6, priority, idle, 0, flags, cookie, 7, 8)
    return fixed + content


def right(content: bytes = bytes(56)) -> bytes:
    return stats(digest.cookie(3, 100, content, b""), content)


def test_a_bundle_add_wraps_a_flow_mod_as_the_specification_says() -> None:
    inner = wire.delete_by_cookie(9, 0x1122334455667788)
    assert len(inner) == 56 and inner[:8] == bytes.fromhex("040e003800000009")
    assert inner[8:16].hex() == "1122334455667788" and inner[16:24] == b"\xff" * 8
    assert inner[24:26] == b"\xff\x03"
    outer = wire.bundle_add(inner)
    assert outer[:24].hex() == "0404005000000009" + "4f4e4600" + "000008fd" + "00000001" + "0000" + "0003"
    assert outer[24:] == inner


def test_the_tests_own_flow_is_what_wire_makes() -> None:
    add = flow(1).add
    assert wire.bundle_add(add[24:]) == add


def test_bundle_control_and_meter_mod_bytes() -> None:
    assert wire.bundle_control(2, wire.COMMIT_REQUEST).hex() == "04040018000000024f4e4600000008fc0000000100040003"
    meter = Meter(wire.CONTROLLER_METER, FLAGS, 100, 200)
    assert wire.meter_mod(3, meter, exists=False).hex() == (
        "041d002000000003" + "00000006fffffffd" + "00010010" + "00000064" + "000000c8" + "00000000"
    )
    assert wire.meters(bytes.fromhex("00180006fffffffd" + "00010010" + "00000064" + "000000c8" + "00000000")) == [meter]


def test_bytes_of_what_only_open_vswitch_knows() -> None:
    """As ovs-ofctl was seen to write them: `set-frags nx-match`, `ct-flush-zone 11`."""
    assert wire.match_fragments(5).hex() == "0409000c00000005" + "0003" + "0080"
    assert wire.flush_zone(6, 11).hex() == "0404001800000006" + "00002320" + "0000001d" + "000000000000" + "000b"


def test_packet_out_bytes() -> None:
    assert wire.packet_out(1, 5, b"A" * 16, b"data").hex() == (
        "040d002c00000001" + "ffffffff" + "00000005" + "0010" + "000000000000" + "41" * 16 + b"data".hex()
    )


def packet_in(match: bytes, data: bytes = b"frame") -> bytes:
    padded = match + bytes(-len(match) % 8)
    return wire.message(wire.PACKET_IN, 0, struct.pack("!IHBBQ", 1, len(data), 1, 9, 77) + padded + bytes(2) + data)


def oxm(*fields: bytes) -> bytes:
    body = b"".join(fields)
    return struct.pack("!HH", 1, 4 + len(body)) + body


IN_PORT = bytes.fromhex("8000000400000011")
METADATA = bytes.fromhex("80000408") + bytes(8)
REG6, REG7 = bytes.fromhex("00010c04 00000007"), bytes.fromhex("00010e04 00000000")


def test_packet_in_is_decoded() -> None:
    found = wire.packet_in(packet_in(oxm(METADATA, IN_PORT, REG6, REG7)))
    assert found == wire.PacketIn(cookie=77, in_port=17, reason=1, table=9, data=b"frame", registers={"reg6": 7})
    assert wire.packet_in(packet_in(oxm(METADATA), b"")).in_port == 0
    network = bytes.fromhex("80000408 0000000200000049")
    assert wire.packet_in(packet_in(oxm(network, REG6))).registers == {"metadata": 0x200000049, "reg6": 7}


@pytest.mark.parametrize(
    "message",
    [
        packet_in(oxm(IN_PORT))[:33],
        packet_in(struct.pack("!HH", 1, 400) + IN_PORT),
        packet_in(struct.pack("!HH", 1, 3) + IN_PORT),
        packet_in(struct.pack("!HH", 0, 12) + IN_PORT),
        packet_in(oxm(IN_PORT[:3])),
        packet_in(oxm(IN_PORT[:6])),
        packet_in(oxm(bytes.fromhex("800004ff"))),
    ],
    ids=["short", "long match", "tiny match", "old match", "half a header", "half a field", "field beyond match"],
)
def test_a_malformed_packet_in_is_refused(message: bytes) -> None:
    with pytest.raises(Malformed):
        wire.packet_in(message)


@pytest.mark.parametrize(
    "elements",
    ["00000000", "0001000000000010", "00010003000000", "0001ffff00000010", "000100", "0001000800000010" + "ff"],
)
def test_a_malformed_hello_is_refused(elements: str) -> None:
    with pytest.raises(Malformed):
        wire.check_hello(wire.message(wire.HELLO, 1, bytes.fromhex(elements)))


def test_good_hellos_pass() -> None:
    for elements in ("", "0001000800000010", "0007000500000000" + "0001000800000012", "00070005ff"):
        wire.check_hello(wire.message(wire.HELLO, 1, bytes.fromhex(elements)))


def test_errors_name_cookie_and_reason() -> None:
    add = flow(5).add
    error = wire.error(wire.message(wire.ERROR, 7, b"\0\2\0\4" + add[:64]))
    assert wire.refused_cookie(error.data) == flow(5).cookie
    assert wire.refused_cookie(add[24:40]) == flow(5).cookie  # the flow-mod alone
    assert errornames.reason(error) == "OFPBAC_BAD_OUT_PORT (type 2, code 4)"
    failed = wire.error(wire.message(wire.ERROR, 7, b"\xff\xff\x09\x09" + b"ONF\0" + bytes(24)))
    assert errornames.reason(failed) == "OFPBFC_MSG_FAILED (experimenter 0x4f4e4600, type 2313)"
    assert errornames.reason(wire.Error(99, 1, 0, b"")) == "(type 99, code 1)"


@pytest.mark.parametrize("size", [0, 7, 8, 15, 16, 24, 25, 31, 39])
def test_an_error_with_short_data_names_no_cookie(size: int) -> None:
    assert wire.refused_cookie(flow(5).add[:size]) is None


def test_a_dump_tells_right_from_wrong() -> None:
    content = bytes(range(64))
    cookie = digest.cookie(3, 100, content[:16], content[16:])
    for part, expected in [
        (stats(cookie, content), ({cookie}, set())),
        (stats(cookie, content, table=4), (set(), {cookie})),
        (stats(cookie, content, priority=101), (set(), {cookie})),
        (stats(cookie, content, idle=5), (set(), {cookie})),
        (stats(cookie, content, flags=1), (set(), {cookie})),
        (stats(cookie, content[:-1] + b"\0"), (set(), {cookie})),
        (stats(0, content), (set(), {0})),
        (stats(cookie, content) + stats(cookie, content, table=4), (set(), {cookie})),
        (b"", (set(), set())),
    ]:
        held = dump.Holdings(set(), set())
        dump.read(part, held)
        assert dump.settled(held) == expected


def test_a_dump_tells_the_age_of_the_oldest_flow_that_is_right() -> None:
    content = bytes(range(64))
    cookie = digest.cookie(3, 100, content[:16], content[16:])

    def aged(part: bytes, seconds: int) -> bytes:
        return part[:4] + struct.pack("!I", seconds) + part[8:]

    parts = [aged(stats(cookie, content), 7), aged(stats(cookie, content), 90), aged(stats(0, content), 500)]
    assert dump.read(b"".join(parts), dump.Holdings(set(), set())) == 90
    assert dump.read(parts[2], dump.Holdings(set(), set())) == 0


@pytest.mark.parametrize(
    "body",
    [
        right()[:-1],
        right()[:40],
        right() + b"\0",
        right(bytes(0)),
        b"\0\0" + right()[2:],
        b"\0\x69" + right()[2:] + b"\0",
    ],
    ids=["short", "very short", "one byte more", "no match", "length 0", "length not of eights"],
)
def test_a_malformed_dump_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        dump.read(body, dump.Holdings(set(), set()))


def test_cookies_are_never_reserved_values(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fixed:
        def __init__(self, value: bytes) -> None:
            self.value = value

        def copy(self) -> Fixed:
            return self

        def update(self, content: bytes) -> None:
            """Whatever it is."""

        def digest(self) -> bytes:
            return self.value

    for raw, cookie in [(bytes(8), 1), (b"\xff" * 8, 1), (b"\0" * 7 + b"\x02", 2)]:
        monkeypatch.setattr(digest, "_BEGUN", Fixed(raw))
        assert digest.cookie(0, 0, b"", b"") == cookie


def test_a_cookie_is_the_same_in_every_process() -> None:
    # a change of this value makes every switch in the field be programmed anew
    assert digest.cookie(3, 100, bytes(8), b"\1" * 8) == 0xF1C489653BFD7106
    assert digest.cookie(3, 100, bytes(8), b"\1" * 8) != digest.cookie(3, 101, bytes(8), b"\1" * 8)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=8), st.data())
def test_messages_are_framed_however_they_arrive(bodies: list[bytes], data: st.DataObject) -> None:
    sent = [wire.message(2, 1, body) for body in bodies]
    stream = b"".join(sent)
    pending, found = bytearray(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        pending += stream[:size]
        stream = stream[size:]
        whole = list(messages(pending))
        del pending[: sum(map(len, whole))]
        found += whole
    assert found == sent and not pending


@pytest.mark.parametrize("length", [0, 7])
def test_a_length_below_the_header_is_refused(length: int) -> None:
    with pytest.raises(Malformed):
        list(messages(bytearray(struct.pack("!BBHI", 4, 2, length, 1))))


READERS: list[Callable[[bytes], object]] = [
    wire.check_hello,
    wire.multipart,
    wire.error,
    wire.refused_cookie,
    wire.is_bundle_add,
    wire.is_bundle_reply,
    wire.meters,
    wire.flow_count,
    wire.packet_in,
    lambda data: flow_monitor.foreign(bytes.fromhex("4f4e46000000074e") + data),
    lambda data: dump.read(data, dump.Holdings(set(), set())),
]


@settings(deadline=None)
@given(st.sampled_from(READERS), st.binary(max_size=200))
def test_no_reader_raises_anything_but_malformed(read: Callable[[bytes], object], data: bytes) -> None:
    message = wire.message(wire.ERROR, 1, data)
    for given_bytes in (message, data if len(data) >= 8 else message):
        with contextlib.suppress(Malformed):
            read(given_bytes)
