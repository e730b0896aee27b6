"""DHCP options by name and number: the values that dnsmasq would send for the same text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.packets.dhcp4_names import ExtraOption, parse

TAKEN = {
    ("mtu", "1400"): (26, b"\5\x78"),
    ("26", "1400"): (26, b"\5\x78"),
    ("option:mtu", "0x578"): (26, b"\5\x78"),
    ("router", "10.0.0.1"): (3, b"\n\0\0\1"),
    ("dns-server", "10.0.0.1,10.0.0.2"): (6, b"\n\0\0\1\n\0\0\2"),
    ("dns-server", "{10.0.0.1, 10.0.0.2}"): (6, b"\n\0\0\1\n\0\0\2"),
    ("ntp-server", "10.0.0.1"): (42, b"\n\0\0\1"),
    ("tftp-server", "tftp.example"): (66, b"tftp.example"),
    ("66", "10.0.0.3"): (66, b"10.0.0.3"),
    ("bootfile-name", '"a b"'): (67, b"a b"),
    ("tftp-server-address", "10.0.0.3"): (150, b"\n\0\0\3"),
    ("150", "10.0.0.3"): (150, b"\n\0\0\3"),
    ("server-ip-address", "10.0.0.3"): (255, b"\n\0\0\3"),
    ("255", "10.0.0.3"): (255, b"\n\0\0\3"),
    ("classless-static-route", "10.1.0.0/16,10.0.0.9,0.0.0.0/0,10.0.0.1"): (121, b"\x10\n\1\n\0\0\t\0\n\0\0\1"),
    ("249", "10.1.2.3/32,0.0.0.0"): (249, b"\x20\n\1\2\3\0\0\0\0"),
    ("domain-name", "example.net"): (15, b"example.net"),
    ("domain-search", "a.example,b.example"): (119, b"\1a\7example\0\1b\7example\0"),
    ("lease-time", "2h"): (51, b"\0\0\x1c\x20"),
    ("T1", "infinite"): (58, b"\xff\xff\xff\xff"),
    ("ip-forward-enable", "1"): (19, b"\1"),
    ("policy-filter", "10.0.0.0,255.0.0.0"): (21, b"\n\0\0\0\xff\0\0\0"),
    ("sip-server", "10.0.0.1"): (120, b"\1\n\0\0\1"),
    ("sip-server", "sip.example"): (120, b"\0\3sip\7example\0"),
    ("224", "01:02:ff"): (224, b"\1\2\xff"),
    ("224", "7"): (224, b"\7"),
    ("224", "300"): (224, b"\1\x2c"),
    ("224", "70000"): (224, b"\0\1\x11\x70"),
    ("224", "10.0.0.1,10.0.0.2"): (224, b"\n\0\0\1\n\0\0\2"),
    ("224", "some text"): (224, b"some text"),
    ("router", ""): (3, None),
}


@pytest.mark.parametrize(("said", "told"), TAKEN.items())
def test_options_by_name_and_number(said: tuple[str, str], told: tuple[int, bytes | None]) -> None:
    assert parse(*said) == ExtraOption((), *told)


REFUSED = [
    ("mtu", "much"), ("mtu", "65536"), ("mtu", "-1"), ("router", "10.0.0"), ("router", "2001:db8::1"),
    ("no-such-option", "1"), ("256", "1"), ("0", "1"), ("message-type", "1"), ("53", "1"), ("50", "10.0.0.1"),
    ("54", "10.0.0.1"), ("61", "x"), ("82", "x"), ("²", "1"), ("", "1"), ("classless-static-route", "10.0.0.0/8"),
    ("classless-static-route", "10.0.0.0/33,10.0.0.1"), ("policy-filter", "10.0.0.1"), ("lease-time", "soon"),
    ("domain-search", "a..b"), ("mtu,tag:ipxe", "1400"), ("tag:,mtu", "1400"), ("tag:!,mtu", "1400"),
    ("foo,mtu", "1400"), ("domain-search", ",")
]  # fmt: skip


@pytest.mark.parametrize("said", REFUSED)
def test_what_cannot_be_told_is_refused(said: tuple[str, str]) -> None:
    with pytest.raises(ValueError):
        parse(*said)


def test_conditions_are_tags_of_the_client() -> None:
    option = parse("tag:!ipxe,tag:efi,bootfile-name", "snponly.efi")
    assert option == ExtraOption(("!ipxe", "efi"), 67, b"snponly.efi")
    assert option.holds({"efi"}) and not option.holds({"efi", "ipxe"}) and not option.holds(())


@given(st.text(max_size=80), st.text(max_size=80))
def test_whatever_is_said_is_taken_or_refused(name: str, value: str) -> None:
    for each in (name, "17", "121", "119", "120", "51", "43", f"tag:{name},224"):
        try:
            parse(each, value)
        except ValueError:
            continue
