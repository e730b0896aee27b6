"""UDP datagrams in frames: what is written is read again, also by another library; what is malformed is not."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.packets.udp import Datagram, read, write
from tests.os_packets import packet

MACS = bytes(range(6)), bytes(range(6, 12))


def datagram(version: int, payload: bytes) -> Datagram:
    ends = ("192.0.2.1", "192.0.2.2") if version == 4 else ("2001:db8::1", "fe80::2")
    source, target = (ip_address(each).packed for each in ends)
    return Datagram(*MACS, source, target, 1067, 1068, payload)


@given(st.sampled_from((4, 6)), st.binary(max_size=1400))
def test_what_is_written_is_read_again(version: int, payload: bytes) -> None:
    sent = datagram(version, payload)
    assert read(write(sent)) == sent
    assert read(write(sent) + bytes(20)) == sent  # a short frame is padded


@pytest.mark.parametrize("version", (4, 6))
@pytest.mark.parametrize("payload", (b"", b"odd", b"even"))
def test_another_library_packs_the_same(version: int, payload: bytes) -> None:
    frame = write(datagram(version, payload))
    parsed = packet.Packet(frame)
    parsed.serialize()  # with checksums of its own
    assert bytes(parsed.data)[: len(frame)] == frame  # it pads short ones


@given(st.sampled_from((4, 6)), st.binary(max_size=40), st.data())
def test_a_damaged_frame_never_raises(version: int, payload: bytes, data: st.DataObject) -> None:
    frame = bytearray(write(datagram(version, payload)))
    for _ in range(data.draw(st.integers(0, 4))):
        frame[data.draw(st.integers(12, len(frame) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(frame)))
    found = read(bytes(frame[:cut]))
    assert found is None or len(found.payload) <= cut


@pytest.mark.parametrize("version", (4, 6))
def test_a_part_of_a_datagram_is_none(version: int) -> None:
    frame = bytearray(write(datagram(version, b"payload")))
    if version == 4:
        for first in (0x20, 0x00):  # more follow; and with an offset of 8 bytes
            frame[20:22] = bytes((first, not first))
            frame[24:26] = b"\0\0"
            assert read(bytes(frame)) is None
        return
    fragment = bytes((17, 0, 0, 1, 0, 0, 0, 7))  # RFC 8200, 4.5: the first of several
    whole = bytes((17, 0, 0, 0, 0, 0, 0, 7))  # an "atomic" fragment (RFC 6946)
    for header, found in ((fragment, False), (whole, True)):
        changed = frame[:54] + header + frame[54:]
        changed[20] = 44
        changed[18:20] = (len(changed) - 54).to_bytes(2, "big")
        assert (read(bytes(changed)) is not None) == found
