"""Messages of a DHCP relay agent: no bytes raise anything but MalformedDhcp, and scapy reads them as meant."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dhcp6 import (
    DHCP6_Advertise,
    DHCP6_RelayForward,
    DHCP6_RelayReply,
    DHCP6_Solicit,
    DHCP6OptIA_NA,
    DHCP6OptIA_PD,
    DHCP6OptIAAddress,
    DHCP6OptIAPrefix,
    DHCP6OptIfaceId,
    DHCP6OptRelayMsg,
)

from apps.packets import dhcp_relayed
from apps.packets.dhcp4 import MalformedDhcp
from apps.packets.dhcp_relayed import LONGEST, answer4, answer6, relayed4, relayed6
from tests.lab import dhcp, frames

ME, RELAY, LINK = "02:00:00:00:00:01", bytes((192, 0, 2, 1)), bytes((10, 0, 0, 0))
LOCAL, PREFIX = bytes.fromhex("fe80" + "00" * 13 + "01"), bytes.fromhex("20010db8" + "00" * 12)
DISCOVER = dhcp.discover(ME, 5)[42:]
OFFER = bytes(
    BOOTP(op=2, xid=5, yiaddr="10.0.0.1", giaddr="192.0.2.1", chaddr=frames.mac(ME))
    / DHCP(options=[("message-type", "offer"), ("relay_agent_information", b"\1\1p\5\4\x0a\0\0\0"), ("lease_time", 9)])
)
ADVERTISE = bytes(
    DHCP6_Advertise(trid=5)
    / DHCP6OptIA_NA(iaid=1, ianaopts=[DHCP6OptIAAddress(addr="2001:db8::1")])
    / DHCP6OptIA_PD(iaid=2, iapdopt=[DHCP6OptIAPrefix(prefix="2001:db8:7::", plen=48)])
)
REPLY6 = bytes(
    DHCP6_RelayReply(linkaddr="2001:db8::", peeraddr="fe80::1")
    / DHCP6OptIfaceId(ifaceid=b"p")
    / DHCP6OptRelayMsg(message=DHCP6_Advertise(ADVERTISE))
)


def test_to_servers_of_ipv4() -> None:
    found = BOOTP(relayed4(DISCOVER, RELAY, b"port", LINK))
    assert (found.op, found.hops, found.giaddr, found.xid) == (1, 1, "192.0.2.1", 5)
    options = dict(each[:2] for each in found[DHCP].options if isinstance(each, tuple))
    assert options["message-type"] == 1 and found[DHCP].options[-1] == "end"
    assert bytes(found[DHCP]).count(b"\x52\x0c\x01\x04port\x05\x04\x0a\0\0\0\xff") == 1
    before, after = DISCOVER[:-1].rstrip(b"\0"), relayed4(DISCOVER, RELAY, b"port", LINK)
    assert after[28:].startswith(before[28:-1])  # what the client said, but the end


def test_from_servers_of_ipv4() -> None:
    found = answer4(OFFER, RELAY)
    assert (found.xid, found.circuit, found.peer) == (bytes((0, 0, 0, 5)), b"p", frames.mac(ME))
    assert found.addresses == (bytes((10, 0, 0, 1)),)
    read = dhcp.parsed(found.message)
    assert (read.kind, read.address, read.lease) == (dhcp.OFFER, "10.0.0.1", 9)
    assert 82 not in read.options and RELAY not in found.message


@pytest.mark.parametrize(
    "message",
    [
        DISCOVER[:100],
        DISCOVER[:3] + bytes((16,)) + DISCOVER[4:],  # so many hops
        DISCOVER[:24] + RELAY + DISCOVER[28:],
        DISCOVER[:240] + b"\x52\x03\1\1q" + DISCOVER[240:],
        DISCOVER[:240] + b"\x0c\xff",
        OFFER,
    ],
)
def test_what_no_client_says_is_not_relayed(message: bytes) -> None:
    with pytest.raises(MalformedDhcp):
        relayed4(message, RELAY, b"p", LINK)


@pytest.mark.parametrize(
    "message", [DISCOVER, OFFER[:24] + LINK + OFFER[28:], OFFER[:242] + b"\1" + OFFER[243:], OFFER[:200]]
)
def test_what_is_no_answer(message: bytes) -> None:
    with pytest.raises(MalformedDhcp):
        answer4(message, RELAY)


def test_a_longer_message_than_any_servers_is_no_answer() -> None:
    filled = OFFER.ljust(LONGEST, b"\0")
    assert answer4(filled, RELAY).circuit == b"p"
    with pytest.raises(MalformedDhcp):
        answer4(filled + b"\0", RELAY)
    padding = b"\xff\xfe" + (LONGEST - len(REPLY6) - 4).to_bytes(2, "big") + bytes(LONGEST - len(REPLY6) - 4)
    assert answer6(REPLY6 + padding).circuit == b"p"
    with pytest.raises(MalformedDhcp):
        answer6(REPLY6 + b"\xff\xfe\0\0" + padding)


def test_to_servers_of_ipv6() -> None:
    asked = bytes(DHCP6_Solicit(trid=5) / DHCP6OptIA_NA(iaid=1))
    found = DHCP6_RelayForward(relayed6(asked, b"port", PREFIX, LOCAL))
    assert (found.hopcount, found.linkaddr, found.peeraddr) == (0, "2001:db8::", "fe80::1")
    assert found[DHCP6OptIfaceId].ifaceid == b"port" and bytes(found[DHCP6OptRelayMsg].message) == asked
    for refused in (bytes(found), ADVERTISE, b"", asked[:6]):  # no VM is a relay agent, or a server
        with pytest.raises(MalformedDhcp):
            relayed6(refused, b"port", PREFIX, LOCAL)


def test_from_servers_of_ipv6() -> None:
    found = answer6(REPLY6)
    assert (found.xid, found.circuit, found.peer, found.message) == (bytes((0, 0, 5)), b"p", LOCAL, ADVERTISE)
    assert [each.hex()[:12] for each in found.addresses] == ["20010db80000", "20010db80007"]
    with pytest.raises(MalformedDhcp):
        answer6(ADVERTISE)


READERS: list[Callable[[bytes], object]] = [
    lambda data: relayed4(data, RELAY, b"p", LINK),
    lambda data: answer4(data, RELAY),
    lambda data: relayed6(data, b"p", PREFIX, LOCAL),
    answer6,
    dhcp_relayed.kind4,
]


@given(st.sampled_from([DISCOVER, OFFER, ADVERTISE, REPLY6, b""]), st.data())
def test_no_bytes_raise_anything_else(message: bytes, data: st.DataObject) -> None:
    changed = bytearray(message)
    for _ in range(data.draw(st.integers(0, 4))):
        if changed:
            changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(changed[: data.draw(st.integers(0, len(changed)))]) + data.draw(st.binary(max_size=40))
    for read in READERS:
        with suppress(MalformedDhcp):
            read(cut)
