"""ICMP errors against an independent decoder, and about what there is none."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.packets import reader
from apps.packets.icmp_error import (
    HOST_UNREACHABLE,
    MOST_IPV4,
    MOST_IPV6,
    NETWORK_UNREACHABLE,
    PORT_UNREACHABLE,
    QUOTED,
    TIME_EXCEEDED,
    TOO_BIG,
    IcmpFault,
    MacPair,
    deserves_error,
    error,
)
from tests.lab import frames
from tests.os_packets import ethernet, icmp, icmpv6, ipv4, ipv6, packet

ALICE, BOB, ROUTER, ROUTER_MAC, ALICE_MAC = (
    "10.0.0.1",
    "10.0.1.2",
    "10.0.0.254",
    "fa:16:3e:00:00:fe",
    "fa:16:3e:00:00:01",
)
SIX = {ALICE: "2001:db8::1", BOB: "2001:db8:1::2", ROUTER: "2001:db8::fe"}
FAULTS = {
    TIME_EXCEEDED: ((11, 0), (3, 0)), TOO_BIG: ((3, 4), (2, 0)), NETWORK_UNREACHABLE: ((3, 0), (1, 0)),
    HOST_UNREACHABLE: ((3, 1), (1, 3)), PORT_UNREACHABLE: ((3, 3), (1, 4)),
}  # fmt: skip


def four(protocol: int = 17, payload: bytes = b"hello", source: str = ALICE, to: str = BOB) -> bytes:
    return frames.ethernet(ROUTER_MAC, ALICE_MAC, frames.IPV4, frames.ipv4(source, to, protocol, payload))


def six(protocol: int = 17, payload: bytes = b"hello", source: str = SIX[ALICE], to: str = SIX[BOB]) -> bytes:
    head = struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64)
    return frames.ethernet(
        ROUTER_MAC, ALICE_MAC, frames.IPV6, head + frames.address(source) + frames.address(to) + payload
    )


def about(frame: bytes, fault: IcmpFault, mtu: int = 0) -> bytes:
    read = reader.read(frame)
    assert read is not None and deserves_error(read)
    source = frames.address(ROUTER if read.version == 4 else SIX[ROUTER])
    return error(fault, read, source, MacPair(frames.mac(ROUTER_MAC), frames.mac(ALICE_MAC)), mtu)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("size", [0, 1, 5, 547, 548, 1231, 1232, 1400])
def test_an_error_of_ipv4_quotes_what_fits_576_bytes(fault: IcmpFault, size: int) -> None:
    said = four(payload=bytes(range(256)) * 6 if size > 1231 else b"x" * size)
    sent = about(said, fault, mtu=1400 if fault is TOO_BIG else 0)
    read = packet.Packet(sent)
    outer, message = read.get_protocol(ipv4.ipv4), read.get_protocol(icmp.icmp)
    assert (outer.src, outer.dst, outer.ttl, outer.tos, outer.proto) == (ROUTER, ALICE, 64, 0xC0, 1)
    assert (message.type, message.code) == FAULTS[fault][0]
    assert frames.checksum(sent[14:34]) == 0 and frames.checksum(sent[34:]) == 0
    original = said[14 : 14 + struct.unpack_from("!H", said, 16)[0]]
    assert sent[42:] == original[: MOST_IPV4 - 28] and outer.total_length == len(sent) - 14 <= MOST_IPV4
    assert struct.unpack_from("!HH", sent, 38) == (0, 1400 if fault is TOO_BIG else 0)  # RFC 1191, 4
    told = read.get_protocol(ethernet.ethernet)
    assert (told.src, told.dst) == (ROUTER_MAC, ALICE_MAC)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("size", [0, 1, 5, 1231, 1232, 1233, 1400])
def test_an_error_of_ipv6_quotes_what_fits_1280_bytes(fault: IcmpFault, size: int) -> None:
    said = six(payload=b"y" * size)
    sent = about(said, fault, mtu=1280 if fault is TOO_BIG else 0)
    read = packet.Packet(sent)
    outer, message = read.get_protocol(ipv6.ipv6), read.get_protocol(icmpv6.icmpv6)
    assert (outer.src, outer.dst, outer.hop_limit, outer.nxt) == (SIX[ROUTER], SIX[ALICE], 64, 58)
    assert (message.type_, message.code) == FAULTS[fault][1]
    length = len(sent) - 54
    assert outer.payload_length == length <= MOST_IPV6 - 40
    assert frames.checksum(sent[22:54] + struct.pack("!II", length, 58) + sent[54:]) == 0
    assert sent[62:] == said[14 : 54 + size][: MOST_IPV6 - 48]
    assert struct.unpack_from("!I", sent, 58)[0] == (1280 if fault is TOO_BIG else 0)


def test_the_first_bytes_of_a_frame_are_enough() -> None:
    assert about(six(payload=b"z" * 1400)[:QUOTED], TOO_BIG, 1280) == about(six(payload=b"z" * 1400), TOO_BIG, 1280)
    assert about(four(payload=b"z" * 1400)[:QUOTED], TOO_BIG, 1280) == about(four(payload=b"z" * 1400), TOO_BIG, 1280)


def fragment(offset: int, protocol: int = 17, payload: bytes = b"12345678") -> bytes:
    """An IPv6 fragment (RFC 8200, 4.5); `offset` in units of 8 bytes."""
    return six(44, struct.pack("!BBHI", protocol, 0, offset << 3 | 1, 7) + payload)


def later_4(offset: int) -> bytes:
    said = four()
    head = said[14:20] + struct.pack("!H", 0x2000 | offset) + said[22:24] + bytes(2) + said[26:34]
    return said[:14] + head[:10] + struct.pack("!H", frames.checksum(head)) + head[12:] + said[34:]


NONE = {
    "error": four(1, b"\x03\x01" + bytes(30)), "time exceeded": four(1, b"\x0b\0" + bytes(30)),
    "redirect": four(1, b"\x05\0" + bytes(30)), "quench": four(1, b"\x04\0" + bytes(6)),
    "parameter problem": four(1, b"\x0c\0" + bytes(6)), "type cut off": four(1, b"")[:34],
    "later fragment": later_4(5),
    "from nobody": four(source="0.0.0.0"), "from this network": four(source="0.1.2.3"),
    "from loopback": four(source="127.0.0.1"), "from a group": four(source="224.0.0.1"),
    "from everybody": four(source="255.255.255.255"), "to a group": four(to="224.0.0.5"),
    "to everybody": four(to="255.255.255.255"), "in a broadcast": b"\xff" * 6 + four()[6:],
    "error 6": six(58, b"\x01\x04" + bytes(6)), "too big 6": six(58, b"\x02\0" + bytes(6)),
    "unknown error 6": six(58, b"\x64\0" + bytes(6)), "redirect 6": six(58, b"\x89\0" + bytes(6)),
    "type cut off 6": six(58, b"")[:54], "error behind options": six(60, b"\x3a\0" + bytes(6) + b"\x01\0" + bytes(6)),
    "error behind a fragment header": fragment(0, 58, b"\x03\0" + bytes(6)),
    "later fragment 6": fragment(5), "from nobody 6": six(source="::"), "from loopback 6": six(source="::1"),
    "from a group 6": six(source="ff02::1"), "to a group 6": six(to="ff02::1"),
}  # fmt: skip


@pytest.mark.parametrize("case", NONE)
def test_there_is_no_error_about(case: str) -> None:
    read = reader.read(NONE[case])
    assert read is not None and not deserves_error(read)


MALFORMED = {
    "not even a header": four()[:33], "version": four()[:14] + b"\x55" + four()[15:],
    "short header": four()[:14] + b"\x44" + four()[15:], "header beyond the end": four()[:14] + b"\x4f" + four()[15:40],
    "length less than its header": four()[:16] + b"\0\x13" + four()[18:],
    "checksum": four()[:24] + b"\0\0" + four()[26:],
    "version 6": six()[:14] + b"\x40" + six()[15:], "cut 6": six()[:53], "arp": frames.ethernet(
        ROUTER_MAC, ALICE_MAC, frames.ARP, frames.arp(1, ALICE_MAC, ALICE, ROUTER)),
    "tagged": frames.tagged(four(), 5), "options that never end": six(60, b"\x3c\0" + bytes(6)),
    "more options than anybody needs": six(60, (b"\x3c\0" + bytes(6)) * 12),
}  # fmt: skip


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_malformed_is_no_packet(case: str) -> None:
    assert reader.read(MALFORMED[case]) is None


@pytest.mark.parametrize(
    "answered", [four(1, b"\x08\0" + bytes(6)), six(58, b"\x80\0" + bytes(6)), fragment(0), four(6)]
)
def test_there_is_one_about_queries_and_first_fragments(answered: bytes) -> None:
    assert about(answered, TIME_EXCEEDED)


_SHAPES = st.sampled_from([*NONE.values(), *MALFORMED.values(), four(), six(), fragment(0)])


@given(_SHAPES, st.lists(st.tuples(st.integers(0, 90), st.integers(0, 255)), max_size=6), st.integers(0, 120))
def test_hostile_bytes_make_no_error_or_a_right_one(said: bytes, changed: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(said)
    for at, value in changed:
        if at < len(data):
            data[at] = value
    _check(bytes(data)[: len(data) - cut if cut else None])


@given(st.binary(max_size=120), st.sampled_from([b"\x08\0", b"\x86\xdd"]))
def test_noise_makes_no_error_or_a_right_one(noise: bytes, kind: bytes) -> None:
    _check(frames.mac(ROUTER_MAC) + frames.mac(ALICE_MAC) + kind + noise)


def _check(data: bytes) -> None:
    read = reader.read(data)
    if read is None or not deserves_error(read):
        return
    source = bytes(4) if read.version == 4 else bytes(16)
    sent = error(TIME_EXCEEDED, read, source, MacPair(data[:6], data[6:12]))
    assert len(sent) - 14 <= (MOST_IPV4 if read.version == 4 else MOST_IPV6)
    assert frames.checksum(sent[14:34]) == 0 or read.version == 6
    again = reader.read(sent)  # and about it there is none
    assert again is not None and not deserves_error(again) and again.target == read.source
