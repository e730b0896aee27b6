"""Questions for neighbours and answers to them, against an independent decoder."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.host_mac import host_mac
from apps.packets.neighbor_query import NeighborAnswer, announcement, answer, question
from apps.source import link_local
from tests.lab import frames
from tests.os_packets import arp, ethernet, icmpv6, ipv6, packet

ASKER, STATION = host_mac(7), "fa:16:3e:00:00:01"
FOUR, SIX = "10.0.0.9", "2001:db8::1:203:405"


def advertisement(
    target: str = SIX, mac: str = STATION, *, option: bytes | None = None, hops: int = 255, code: int = 0, sum_: int = 0
) -> bytes:
    source, to = frames.address(target), frames.address(link_local(ASKER))
    options = b"\x02\x01" + frames.mac(mac) if option is None else option
    message = struct.pack("!BBHI", 136, code, 0, 0x60000000) + source + options
    before = source + to + struct.pack("!II", len(message), 58)
    message = message[:2] + struct.pack("!H", frames.checksum(before + message) ^ sum_) + message[4:]
    head = struct.pack("!IHBB", 6 << 28, len(message), 58, hops)
    return frames.ethernet(ASKER, STATION, frames.IPV6, head + source + to + message)


def reply(mac: str = STATION, address: str = FOUR, operation: int = 2) -> bytes:
    return frames.ethernet(ASKER, STATION, frames.ARP, frames.arp(operation, mac, address, "0.0.0.0", ASKER))


@pytest.mark.parametrize("known", ["", STATION])
def test_an_arp_question_changes_nobodys_cache(known: str) -> None:
    sent = question(frames.mac(ASKER), ip_address(FOUR), frames.mac(known))
    outer, asked = (packet.Packet(sent).get_protocol(kind) for kind in (ethernet.ethernet, arp.arp))
    assert (outer.src, outer.dst, len(sent)) == (ASKER, known or "ff:ff:ff:ff:ff:ff", 60)
    assert (asked.opcode, asked.src_mac, asked.src_ip, asked.dst_ip) == (1, ASKER, "0.0.0.0", FOUR)


@pytest.mark.parametrize("known", ["", STATION])
def test_a_solicitation_is_from_the_askers_link_local_address(known: str) -> None:
    sent = question(frames.mac(ASKER), ip_address(SIX), frames.mac(known))
    read = packet.Packet(sent)
    outer, head, asked = (read.get_protocol(kind) for kind in (ethernet.ethernet, ipv6.ipv6, icmpv6.icmpv6))
    assert (outer.src, outer.dst) == (ASKER, known or "33:33:ff:03:04:05")
    assert (head.src, head.dst, head.hop_limit) == (link_local(ASKER), SIX if known else "ff02::1:ff03:405", 255)
    assert (asked.type_, asked.code, asked.data.dst, asked.data.option.hw_src) == (135, 0, SIX, ASKER)
    before = sent[22:54] + struct.pack("!II", len(sent) - 54, 58)
    assert frames.checksum(before + sent[54:]) == 0


def test_answers_are_read() -> None:
    told = NeighborAnswer(ip_address(FOUR), frames.mac("fa:16:3e:00:00:02"))
    assert answer(reply("fa:16:3e:00:00:02")) == told
    assert answer(advertisement(mac="fa:16:3e:00:00:02")) == (ip_address(SIX), told.mac)
    assert answer(advertisement(option=b"")) == (ip_address(SIX), frames.mac(STATION))
    nonce = b"\x0e\x01" + bytes(6)
    assert answer(advertisement(option=nonce + b"\x02\x01" + told.mac)) == (ip_address(SIX), told.mac)


def test_announcements_are_read() -> None:
    gratuitous = [frames.arp(operation, STATION, FOUR, FOUR) for operation in (1, 2)]
    told = [frames.ethernet("ff:ff:ff:ff:ff:ff", STATION, frames.ARP, each) for each in gratuitous]
    assert [announcement(each) for each in told] == [(ip_address(FOUR), frames.mac(STATION))] * 2
    assert announcement(advertisement()) == (ip_address(SIX), frames.mac(STATION))
    assert announcement(reply()) is None and announcement(told[0][:41]) is None
    assert announcement(told[0][:22] + b"\1" + told[0][23:]) is None


NONE = {
    "request": reply(operation=1), "from a group": reply("01:00:5e:00:00:01"),
    "from nobody": reply("00:00:00:00:00:00"),
    "other hardware": reply()[:14] + b"\0\x06" + reply()[16:], "cut": reply()[:41],
    "hop limit": advertisement(hops=254), "code": advertisement(code=1), "checksum": advertisement(sum_=1),
    "option of no length": advertisement(option=b"\x02\x00" + bytes(6)),
    "option beyond the end": advertisement(option=b"\x02\x02" + bytes(6)),
    "half an option": advertisement(option=b"\x02"), "group as target": advertisement(target="ff02::1"),
    "group as station": advertisement(mac="33:33:00:00:00:01"), "cut 6": advertisement()[:80],
    "solicitation": question(frames.mac(ASKER), ip_address(SIX)), "own question": question(
        frames.mac(ASKER), ip_address(FOUR)),
}  # fmt: skip


@pytest.mark.parametrize("case", NONE)
def test_what_is_no_valid_answer_is_none(case: str) -> None:
    assert answer(NONE[case]) is None


@given(
    st.sampled_from([reply(), advertisement(), *NONE.values()]),
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 255)), max_size=6), st.integers(0, 100),
)  # fmt: skip
def test_hostile_bytes_are_an_answer_or_none(said: bytes, changed: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(said)
    for at, value in changed:
        if at < len(data):
            data[at] = value
    found = answer(bytes(data)[: len(data) - cut if cut else None])
    assert found is None or (len(found.mac) == 6 and any(found.mac) and not found.mac[0] & 1)
