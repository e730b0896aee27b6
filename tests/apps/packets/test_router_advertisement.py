"""Router advertisements as another library reads them, and which solicitations are answered."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers import inet6
from scapy.layers.l2 import Ether

from apps.packets.checksum import checksum, pseudo_header
from apps.packets.router_advertisement import (
    EVERYBODY,
    MOST,
    LinkStation,
    OnLinkPrefix,
    RouterAdvertisement,
    frames,
    solicitation,
)

ROUTER = LinkStation(bytes.fromhex("fa163e0000f1"), IPv6Address("fe80::f816:3eff:fe00:f1").packed)
ASKER = LinkStation(bytes.fromhex("fa163e000001"), IPv6Address("fe80::f816:3eff:fe00:1").packed)
WHOLE = RouterAdvertisement(
    lifetime=86400,
    other=True,
    mtu=1450,
    prefixes=(OnLinkPrefix(IPv6Network("2001:db8:1::/64"), True, 86400),
              OnLinkPrefix(IPv6Network("2001:db8:2::/64"), False, 0)),
    routes=((IPv6Network("2001:db8:ff::/48"), 600), (IPv6Network("2001:db8::1:2:3:0/112"), 700),
            (IPv6Network("::/0"), 0)),
    resolvers=(IPv6Address("fe80::a9fe:a9fe"), IPv6Address("2001:db8::53")),
    search=("example.org", "a.example.com."),
    dns_lifetime=900,
)  # fmt: skip


def layers(frame: bytes) -> list[Any]:
    read, found = Ether(frame), []
    while read:
        found.append(read)
        read = read.payload
    return found


def valid(frame: bytes) -> bool:
    data = frame[14:]
    message = data[40:]
    sums = not checksum(pseudo_header(data[8:24], data[24:40], len(message), 58) + message)
    return sums and len(message) == int.from_bytes(data[4:6], "big") and len(data) <= MOST


def test_another_library_reads_all_that_is_told() -> None:
    (frame,) = frames(WHOLE, ROUTER, ASKER)
    ether, ip, said, *options = layers(frame)
    assert valid(frame)
    assert (ether.src, ether.dst) == ("fa:16:3e:00:00:f1", "fa:16:3e:00:00:01")
    assert (ip.src, ip.dst, ip.hlim) == ("fe80::f816:3eff:fe00:f1", "fe80::f816:3eff:fe00:1", 255)
    assert (said.M, said.O, said.routerlifetime, said.chlim, said.prf) == (0, 1, 65535, 64, 0)
    assert options[0].lladdr == "fa:16:3e:00:00:f1" and options[1].mtu == 1450
    assert [(one.prefix, one.prefixlen, one.L, one.A) for one in options[2:4]] == [
        ("2001:db8:1::", 64, 1, 1), ("2001:db8:2::", 64, 1, 0),
    ]  # fmt: skip
    assert [(one.validlifetime, one.preferredlifetime) for one in options[2:4]] == [(86400, 86400), (0, 0)]
    assert [(one.prefix, one.plen, one.rtlifetime, one.len) for one in options[4:7]] == [
        ("2001:db8:ff::", 48, 600, 2), ("2001:db8::1:2:3:0", 112, 700, 3), ("::", 0, 0, 1),
    ]  # fmt: skip
    assert (options[7].dns, options[7].lifetime) == (["fe80::a9fe:a9fe", "2001:db8::53"], 900)
    assert [(one.searchlist, one.lifetime) for one in options[8:10]] == [
        (["example.org."], 900), (["a.example.com."], 900),
    ]  # fmt: skip


def test_to_everybody_goes_to_the_group_of_all_nodes() -> None:
    (frame,) = frames(RouterAdvertisement(lifetime=0, managed=True), ROUTER, EVERYBODY)
    ether, ip, said, mac = layers(frame)
    assert (ether.dst, ip.dst) == ("33:33:00:00:00:01", "ff02::1")
    assert (said.M, said.O, said.routerlifetime) == (1, 0, 0) and isinstance(mac, inet6.ICMPv6NDOptSrcLLAddr)


def test_what_does_not_fit_is_told_in_several() -> None:
    prefixes = tuple(OnLinkPrefix(IPv6Network((n << 64, 64)), True, 1) for n in range(100))
    made = list(frames(WHOLE._replace(prefixes=prefixes), ROUTER, EVERYBODY))
    assert len(made) > 2 and all(map(valid, made))
    told = [one.prefix for frame in made for one in layers(frame) if isinstance(one, inet6.ICMPv6NDOptPrefixInfo)]
    assert told == [str(each.prefix.network_address) for each in prefixes]
    assert all(layers(frame)[2].routerlifetime == 65535 for frame in made)


def asked(source: str = "fe80::1", own: bool = True, **changes: Any) -> bytes:
    ip = inet6.IPv6(src=source, dst="ff02::2", hlim=changes.pop("hlim", 255))
    message = inet6.ICMPv6ND_RS(**changes)
    if own:
        message /= inet6.ICMPv6NDOptSrcLLAddr(lladdr="fa:16:3e:00:00:01")
    return bytes(Ether(src="fa:16:3e:00:00:01", dst="33:33:00:00:00:02") / ip / message)


def test_a_solicitation_tells_who_asks() -> None:
    assert solicitation(asked()) == LinkStation(ASKER.mac, IPv6Address("fe80::1").packed)
    assert solicitation(asked("::", own=False)) == LinkStation(ASKER.mac, bytes(16))


@pytest.mark.parametrize("frame", [
    asked(hlim=64), asked("::"), asked(code=1), asked(type=134), asked(cksum=1), asked("ff02::1"),
    asked()[:-9], asked()[:30], b"", asked().replace(b"\x01\x01\xfa", b"\x01\x00\xfa"),
    asked()[:12] + b"\x08\x00" + asked()[14:],
])  # fmt: skip
def test_what_is_no_valid_solicitation_is_not_answered(frame: bytes) -> None:
    assert solicitation(frame) is None


@given(st.binary(max_size=200), st.integers(0, 80))
def test_no_frame_makes_the_reader_fail(tail: bytes, kept: int) -> None:
    solicitation(asked()[:kept] + tail)
    solicitation(tail)


def test_zero_lengths_and_cut_options_are_refused_with_a_right_checksum() -> None:
    for options in (b"\x01\x00" + bytes(6), b"\x01", b"\x0e\x02" + bytes(6)):
        body = bytes((133, 0, 0, 0)) + bytes(4) + options
        ip = inet6.IPv6(src="fe80::1", dst="ff02::2", hlim=255, nh=58, plen=len(body))
        before = pseudo_header(IPv6Address("fe80::1").packed, IPv6Address("ff02::2").packed, len(body), 58)
        body = body[:2] + checksum(before + body).to_bytes(2, "big") + body[4:]
        assert solicitation(bytes(Ether(src="fa:16:3e:00:00:01", dst="33:33:00:00:00:02") / ip) + body) is None
