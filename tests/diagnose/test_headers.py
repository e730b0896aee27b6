"""Headers are read from as much of a frame as there is, and nothing that a frame says breaks the reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.diagnose.headers import MOST, Headers, read
from tests.openflow.packets import packed
from tests.world import frame

MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
FOUR = {"eth_src": MACS[0], "eth_dst": MACS[1], "eth_type": 0x0800, "ipv4_src": "10.0.0.1", "ipv4_dst": "10.0.0.2"}
SIX = {"eth_src": MACS[0], "eth_dst": MACS[1], "eth_type": 0x86DD, "ipv6_src": "fd00::1", "ipv6_dst": "fd00::2"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({**FOUR, "ip_proto": 6, "tcp_src": 5, "tcp_dst": 22}, ("IPv4", *MACS, "10.0.0.1", "10.0.0.2", 6, 5, 22)),
        ({**FOUR, "ip_proto": 17, "udp_src": 5, "udp_dst": 53}, ("IPv4", *MACS, "10.0.0.1", "10.0.0.2", 17, 5, 53)),
        ({**FOUR, "ip_proto": 1, "icmpv4_type": 8}, ("IPv4", *MACS, "10.0.0.1", "10.0.0.2", 1, 8, 0)),
        ({**SIX, "ip_proto": 6, "tcp_src": 5, "tcp_dst": 22}, ("IPv6", *MACS, "fd00::1", "fd00::2", 6, 5, 22)),
        ({**SIX, "ip_proto": 58, "icmpv6_type": 128}, ("IPv6", *MACS, "fd00::1", "fd00::2", 58, 128, 0)),
    ],
)
def test_what_a_packet_is(said: dict[str, int | str], expected: tuple[object, ...]) -> None:
    data = packed(frame(**said))
    assert read(data) == expected
    tagged = data[:12] + bytes.fromhex("81000005") + data[12:]
    assert read(tagged) == expected


def later(data: bytes) -> bytes:
    return data[:20] + b"\x00\x10" + data[22:]  # fragment offset 16 (RFC 791, 3.1)


def test_a_later_fragment_has_no_ports() -> None:
    found = read(later(packed(frame(**FOUR, ip_proto=17, udp_src=5, udp_dst=53))))
    assert found is not None and (found.protocol, found.first, found.second) == (17, None, None)


def test_extension_headers_are_passed_over() -> None:
    plain = packed(frame(**SIX, ip_proto=17, udp_src=5, udp_dst=53))
    hop = plain[:20] + b"\0" + plain[21:54] + bytes([44]) + bytes(7)
    first = hop + bytes([17, 0, 0, 1]) + bytes(4) + plain[54:]
    other = hop + bytes([17, 0, 0, 9]) + bytes(4) + plain[54:]
    assert [one and one[5:] for one in map(read, (first, other))] == [(17, 5, 53), (17, None, None)]


def test_another_ethertype_is_named() -> None:
    assert read(bytes.fromhex("02000000000202000000000188cc00")) == Headers("0x88cc", *MACS)


@given(st.binary(max_size=MOST), st.sampled_from([b"", b"\x08\x00", b"\x86\xdd", b"\x81\x00", b"\x86\xdd\x60"]))
def test_no_frame_breaks_the_reader(data: bytes, kind: bytes) -> None:
    found = read(bytes(12) + kind + data)
    assert found is None or found.eth_src == "00:00:00:00:00:00"
