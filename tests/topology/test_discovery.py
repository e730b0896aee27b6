"""Frames of discovery: whole and ours, or nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from topology.discovery import SIZE, HeardProbe, ProbePort, frame, is_lldp, read

KEY, OTHER = bytes(range(32)), bytes(32)
MAC = bytes.fromhex("020000000001")

ports = st.builds(ProbePort, st.integers(1, 2**64 - 1), st.integers(1, 0xFFFFFEFF))
stamps = st.integers(1, 2**63)


@given(ports, stamps)
def test_a_frame_says_where_and_when_it_left(port: ProbePort, stamp: int) -> None:
    made = frame(KEY, port, stamp, MAC)
    assert len(made) == SIZE >= 60, "no padding, which would be an octet that nobody vouches for"
    assert is_lldp(made)
    assert read(KEY, made) == HeardProbe(port, stamp)


def test_it_is_lldp_as_the_standard_has_it() -> None:
    """IEEE 802.1AB-2016, 8: chassis id, port id, time to live, the organisation's own, end."""
    made = frame(KEY, ProbePort(0xA, 5), 1, MAC)
    assert made[:14] == bytes.fromhex("0180c200000e") + MAC + b"\x88\xcc"
    rest, kinds = made[14:], []
    while rest:
        header = int.from_bytes(rest[:2], "big")
        kinds.append((header >> 9, rest[2 : 2 + (header & 0x1FF)]))
        rest = rest[2 + (header & 0x1FF) :]
    assert [kind for kind, _ in kinds] == [1, 2, 3, 127, 0]
    assert kinds[0][1] == b"\x07000000000000000a"
    assert kinds[1][1] == b"\x0700000005"
    assert kinds[2][1] == b"\x00\x03"
    assert kinds[3][1][:4] == b"\x02TN\x01"


def test_another_key_makes_another_frame() -> None:
    assert read(OTHER, frame(KEY, ProbePort(1, 2), 3, MAC)) is None


@given(st.integers(0, SIZE - 1), st.integers(1, 255))
def test_no_octet_can_be_changed(place: int, change: int) -> None:
    made = bytearray(frame(KEY, ProbePort(1, 2), 3, MAC))
    made[place] ^= change
    found = read(KEY, bytes(made))
    if 12 <= place < SIZE - 2:
        assert found is None
    else:  # the addresses are the wire's own, and what ends the frame says nothing
        assert found in (None, HeardProbe(ProbePort(1, 2), 3))


@given(st.integers(0, SIZE - 1))
def test_a_truncated_frame_says_nothing(size: int) -> None:
    assert read(KEY, frame(KEY, ProbePort(1, 2), 3, MAC)[:size]) is None


def test_what_follows_a_frame_makes_it_another() -> None:
    assert read(KEY, frame(KEY, ProbePort(1, 2), 3, MAC) + b"\0") is None


@given(st.binary(max_size=200))
def test_nothing_that_a_station_sends_is_ours(data: bytes) -> None:
    assert read(KEY, data) is None
    assert read(KEY, frame(KEY, ProbePort(1, 2), 3, MAC)[:14] + data) is None
