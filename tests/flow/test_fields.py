"""Match fields: their values from text, their wire form, their text."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.flow import field, masked
from controller.flow.fields import FIELDS, RANK, decode, header, text, value_of


def test_every_field_has_a_rank() -> None:
    assert RANK.keys() == FIELDS.keys() and sorted(RANK.values()) == list(range(len(RANK)))


@pytest.mark.parametrize(
    ("name", "value", "wire"),
    [
        ("in_port", 7, "80000004 00000007"),
        ("eth_dst", "02:00:00:00:00:01", "80000606 020000000001"),
        ("ipv4_src", "10.0.0.1", "80001604 0a000001"),
        ("ipv6_src", "::1", "80003410" + "00" * 15 + "01"),
        ("metadata", 0x100000047, "80000408 0000000100000047"),
        ("tun_id", 71, "80004c08 0000000000000047"),
        ("tun_src", "192.0.2.1", "00013e04 c0000201"),
        ("reg7", 1, "00010e04 00000001"),
    ],
)
def test_fields_on_the_wire(name: str, value: int | str, wire: str) -> None:
    """OpenFlow 1.3.5, 7.2.3; Nicira's as in meta-flow.h of Open vSwitch."""
    assert field(name, value).wire == bytes.fromhex(wire)


def test_a_masked_field_has_the_mask_after_the_value() -> None:
    one = masked("metadata", 0x47, 0xFFFFFF)
    assert one.wire == bytes.fromhex("80000510 0000000000000047 0000000000ffffff")
    assert header("metadata", True) & 0xFF == 16


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**128 - 1))
def test_text_and_back(mac: int, four: int, six: int) -> None:
    for name, value in (("eth_src", mac), ("arp_spa", four), ("nd_target", six)):
        said = text(name, value_of(name, value))
        assert value_of(name, said) == value_of(name, value)
    assert text("nd_target", value_of("nd_target", six)) == _six(six)
    assert text("arp_spa", value_of("arp_spa", four)) == str(ipaddress.IPv4Address(four))


def _six(value: int) -> str:
    """The C library writes addresses of ::/96 with their last part as IPv4."""
    address = ipaddress.IPv6Address(value)
    if 1 << 16 <= value < 1 << 32:
        return f"::{ipaddress.IPv4Address(value)}"
    if value >> 32 == 0xFFFF:
        return f"::ffff:{ipaddress.IPv4Address(value & 0xFFFFFFFF)}"
    return str(address)


@pytest.mark.parametrize(("name", "value"), [("in_port", 2**32), ("ipv4_src", "10.0.0.256"), ("ipv6_src", "nonsense")])
def test_what_is_no_value_of_a_field(name: str, value: int | str) -> None:
    with pytest.raises((OverflowError, OSError)):
        field(name, value)


@pytest.mark.parametrize("name", [name for name, spec in FIELDS.items() if not spec.parts])
def test_a_match_is_read_back_from_its_bytes(name: str) -> None:
    spec = FIELDS[name]
    most = (1 << spec.bits) - 1
    fields = [field(name, most >> 1), field("in_port", 7)]
    if spec.bits > 1:
        fields.append(masked(name, 1, 1))
    read = decode(b"".join([one.wire for one in fields]))
    assert [(one.name, one.value, one.mask, one.wire) for one in read] == [
        (one.name, one.value, one.mask, one.wire) for one in fields
    ]
