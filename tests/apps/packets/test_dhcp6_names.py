"""DHCPv6 options by name and number, with values as text."""

from __future__ import annotations

import contextlib
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.packets.dhcp6_names import MOST, NAMED
from apps.packets.dhcp6_names import given as option

A, B = IPv6Address("2001:db8::1").packed, IPv6Address("2001:db8::2").packed


@pytest.mark.parametrize(("name", "value", "made"), [
    ("dns-server", "2001:db8::1, [2001:db8::2]", (23, A + B)),
    ("option6:23", "2001:db8::1", (23, A)),
    ("domain-search", "a.example,b.example", (24, b"\1a\7example\0\1b\7example\0")),
    ("bootfile-url", "tftp://[2001:db8::1]/pxe.efi", (59, b"tftp://[2001:db8::1]/pxe.efi")),
    ("59", "http://x/y", (59, b"http://x/y")),
    ("bootfile-param", "a,bc", (60, b"\0\1a\0\2bc")),
    ("ntp-server", "2001:db8::1,ff05::101,ntp.example",
     (56, b"\0\1\0\x10" + A + b"\0\2\0\x10" + IPv6Address("ff05::101").packed + b"\0\3\0\x0d\3ntp\7example\0")),
    ("SNTP-server", "2001:db8::2", (31, B)),
    ("information-refresh-time", "600", (32, b"\0\0\2\x58")),
    ("200", "0a:0B:c", (200, b"\x0a\x0b\x0c")),
    ("201", "[2001:db8::1]", (201, A)),
    ("202", "some text", (202, b"some text")),
])  # fmt: skip
def test_a_value_has_the_form_of_its_option(name: str, value: str, made: tuple[int, bytes]) -> None:
    assert option(name, value) == made


@pytest.mark.parametrize(("name", "value"), [
    ("no-such", "1"), ("0", "1"), ("65536", "1"), ("3", "1"), ("server-id", "1"), ("39", "vm"), ("12", "2001:db8::1"),
    ("dns-server", "10.0.0.1"), ("dns-server", "x"), ("domain-search", "a..b"), ("information-refresh-time", "-1"),
    ("information-refresh-time", "x"), ("information-refresh-time", str(2**32)), ("bootfile-url", "x" * (MOST + 1)),
    ("82", "1"), ("", "1"), ("202", "\udc80"),
])  # fmt: skip
def test_what_is_no_option_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError):
        option(name, value)


@given(st.sampled_from([*NAMED, "200"]), st.text(max_size=80))
def test_no_text_makes_it_fail_otherwise(name: str, value: str) -> None:
    with contextlib.suppress(ValueError):
        option(name, value)
