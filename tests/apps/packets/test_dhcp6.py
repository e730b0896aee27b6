"""DHCPv6 messages: read as another library writes them, refused where malformed."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers import dhcp6 as other

from apps.packets import dhcp6
from apps.packets.dhcp6 import ClientMessage, IdentityAssociation, read

DUID = other.DUID_LL(lladdr="fa:16:3e:00:00:01")
A, B = IPv6Address("2001:db8::5").packed, IPv6Address("2001:db8::6").packed


def client(message: Any, *options: Any) -> bytes:
    made = message(trid=0x010203)
    for option in options:
        made /= option
    return bytes(made)


def association(kind: Any, iaid: int, *addresses: str, **named: Any) -> Any:
    own = [other.DHCP6OptIAAddress(addr=each) for each in addresses]
    return kind(iaid=iaid, **{next(iter(named), "ianaopts"): own})


ID = other.DHCP6OptClientId(duid=DUID)
WHOLE = client(
    other.DHCP6_Request, ID, other.DHCP6OptServerId(duid=other.DUID_LL(lladdr="02:00:00:00:00:01")),
    association(other.DHCP6OptIA_NA, 7, "2001:db8::5", "2001:db8::6"),
    other.DHCP6OptIA_TA(iaid=8), other.DHCP6OptIA_PD(iaid=9, iapdopt=[other.DHCP6OptIAPrefix(prefix="2001:db8:5::")]),
    other.DHCP6OptOptReq(reqopts=[23, 24]), other.DHCP6OptRapidCommit(), other.DHCP6OptElapsedTime(),
    other.DHCP6OptClientFQDN(flags="S", fqdn="vm"),
)  # fmt: skip


def test_all_that_matters_of_a_clients_message_is_read() -> None:
    assert read(WHOLE) == ClientMessage(
        dhcp6.REQUEST, b"\1\2\3", bytes(DUID), bytes(other.DUID_LL(lladdr="02:00:00:00:00:01")),
        (IdentityAssociation(dhcp6.IA_NA, b"\0\0\0\7", (A, B)), IdentityAssociation(dhcp6.IA_TA, b"\0\0\0\x08", ()),
         IdentityAssociation(dhcp6.IA_PD, b"\0\0\0\x09", ())),
        frozenset({23, 24}), True, dhcp6.ClientName(True),
    )  # fmt: skip


def test_what_a_client_does_not_say_is_none() -> None:
    said = read(client(other.DHCP6_InfoRequest))
    assert said == ClientMessage(dhcp6.INFORMATION_REQUEST, b"\1\2\3", b"", b"", (), None, False, None)


@pytest.mark.parametrize("data", [
    b"", b"\1\2\3", client(other.DHCP6_Advertise, ID), client(other.DHCP6_Reply), b"\x0c" + bytes(40),
    client(other.DHCP6_Solicit, ID, ID), client(other.DHCP6_Solicit, ID)[:-1], client(other.DHCP6_Solicit) + b"\0\1\0",
    client(other.DHCP6_Solicit) + b"\0\1\0\0", client(other.DHCP6_Solicit) + b"\0\1\0\x83" + bytes(0x83),
    client(other.DHCP6_Solicit) + b"\0\6\0\3" + bytes(3), client(other.DHCP6_Solicit) + b"\0\3\0\x0b" + bytes(11),
    client(other.DHCP6_Solicit) + b"\0\3\0\x10" + bytes(12) + b"\0\5\0\1",
    client(other.DHCP6_Solicit) + b"\0\3\0\x27" + bytes(12) + b"\0\5\0\x17" + bytes(23),
    client(other.DHCP6_Solicit) + b"\0\x27\0\0", client(other.DHCP6_Solicit) + (b"\0\4\0\4" + bytes(4)) * 2,
    client(other.DHCP6_Solicit) + b"".join(b"\0\4\0\4" + bytes((0, 0, 0, n)) for n in range(17)),
    client(other.DHCP6_Solicit) + b"\0\3\3\xa8" + bytes(12) + (b"\0\5\0\x18" + A + bytes(8)) * 33,
    client(other.DHCP6_Solicit) + b"\0\3\0\x2b" + bytes(12) + b"\0\5\0\x1b" + A + bytes(8) + b"\0\x0d\0",
])  # fmt: skip
def test_what_is_malformed_is_no_message(data: bytes) -> None:
    assert read(data) is None


@given(st.binary(max_size=300), st.integers(0, len(WHOLE)))
def test_no_bytes_make_the_reader_fail(tail: bytes, kept: int) -> None:
    read(WHOLE[:kept] + tail)
    read(tail)


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_no_changed_byte_makes_the_reader_fail(at: int, value: int) -> None:
    read(WHOLE[:at] + bytes((value,)) + WHOLE[at + 1 :])


def test_the_server_s_messages_are_read_by_another_library() -> None:
    said = dhcp6.message(dhcp6.REPLY, b"\1\2\3", [
        dhcp6.option(dhcp6.CLIENT_ID, bytes(DUID)),
        dhcp6.addresses(b"\0\0\0\7", [A], [B], dhcp6.LeaseTimes(1000, 500, 800)),
        dhcp6.refused(IdentityAssociation(dhcp6.IA_TA, b"\0\0\0\x08", ()), dhcp6.NO_ADDRESSES, "none"),
        dhcp6.refused(IdentityAssociation(dhcp6.IA_PD, b"\0\0\0\x09", ()), dhcp6.NO_PREFIXES, "none"),
        dhcp6.status(dhcp6.SUCCESS, "well"),
    ])  # fmt: skip
    read_back = other.DHCP6_Reply(said)
    held = read_back[other.DHCP6OptIA_NA]
    assert (read_back.trid, held.iaid, held.T1, held.T2) == (0x010203, 7, 500, 800)
    assert [(one.addr, one.preflft, one.validlft) for one in held.ianaopts] == [
        ("2001:db8::5", 1000, 1000), ("2001:db8::6", 0, 0),
    ]  # fmt: skip
    assert read_back[other.DHCP6OptIA_TA].iataopts[0].statuscode == dhcp6.NO_ADDRESSES
    assert read_back[other.DHCP6OptIA_PD].iapdopt[0].statuscode == dhcp6.NO_PREFIXES
    assert read_back.lastlayer().statusmsg == b"well"


def test_what_ends_is_not_to_be_renewed() -> None:
    ended = other.DHCP6OptIA_NA(dhcp6.addresses(b"\0\0\0\7", [], [A], dhcp6.LeaseTimes(1000, 500, 800)))
    assert (ended.T1, ended.T2, ended.ianaopts[0].validlft) == (0, 0, 0)
