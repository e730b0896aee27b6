"""The arithmetic of subnets, against Python's own."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.intent import ranges


@given(st.integers(0, 2**32 - 1))
def test_ipv4_text_and_number_agree_with_python(address: int) -> None:
    assert ranges.text(4, address) == str(ipaddress.IPv4Address(address))
    assert ranges.number(ranges.text(4, address)) == address


@given(st.one_of(st.integers(2**48, 2**128 - 1), st.integers(0, 2**16)))
def test_ipv6_text_and_number_agree_with_python(address: int) -> None:
    assert ipaddress.IPv6Address(ranges.text(6, address)) == ipaddress.IPv6Address(address)
    assert ranges.number(ranges.text(6, address)) == address


@given(st.sampled_from(["2001:DB8:0:0::1", "2001:db8::1", "2001:0db8:0000::0001", "::ffff:10.0.0.1", "::ffff:a00:1"]))
def test_one_address_has_one_text(address: str) -> None:
    assert ranges.canonical(ranges.canonical(address)) == ranges.canonical(address)
    assert ranges.number(ranges.canonical(address)) == int(ipaddress.IPv6Address(address))


@pytest.mark.parametrize(
    "bad", ["", "10.0.0", "10.0.0.256", "10.0.0.01", "1::2::3", "fe80::1%eth0", "10.0.0.1\0", " 10.0.0.1"]
)
def test_what_is_not_an_address(bad: str) -> None:
    with pytest.raises(ValueError):
        ranges.number(bad)


@given(st.integers(0, 20), st.integers(0, 20), st.integers(-1, 22))
def test_a_pool_less_an_address_is_the_pool_less_the_address(first: int, length: int, hole: int) -> None:
    pool = (first, first + length)
    left = {each for low, high in ranges.without(pool, hole) for each in range(low, high + 1)}
    assert left == set(range(first, first + length + 1)) - {hole}
