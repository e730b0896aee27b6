"""What DHCP tells a port: from its subnet, its network, and options of its own."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from controller.config.services import ServiceSettings
from controller.model.names import Naming
from controller.model.rows import DhcpOption, HostRoute
from tests.apps.clouds import mac, network
from tests.lab import dhcp, frames
from tests.services.dhcp import SERVER, DhcpScene, subnet
from tests.world import change

ME = mac(1)
ANYTHING = bytes(range(1, 255))


def told(scene: DhcpScene, wanted: bytes = ANYTHING, **options: bytes) -> dict[int, bytes]:
    """The options of an offer, with room for all of them."""
    more = {int(code[1:]): value for code, value in options.items()}
    return scene.told(dhcp.discover(ME, 5, {dhcp.ASKED_FOR: wanted, 57: b"\5\0", **more})).options


def address(*texts: str) -> bytes:
    return b"".join(map(frames.address, texts))


def route(prefix: str, hop: str) -> bytes:
    net, _, bits = prefix.partition("/")
    return bytes((int(bits),)) + frames.address(net)[: (int(bits) + 7) // 8] + frames.address(hop)


def test_what_every_port_is_told() -> None:
    ways = route(f"{SERVER}/32", "0.0.0.0") + route("0.0.0.0/0", "10.0.0.254")
    assert told(DhcpScene()) == {
        53: b"\2", 54: address(SERVER), 51: (86_400).to_bytes(4, "big"), 58: (43_200).to_bytes(4, "big"),
        59: (75_600).to_bytes(4, "big"), 1: b"\xff\xff\xff\0", 3: address("10.0.0.254"), 6: address(SERVER),
        12: b"host-10-0-0-1", 15: b"openstacklocal", 26: b"\5\xaa", 28: address("10.0.0.255"), 121: ways, 249: ways,
        119: b"\x0eopenstacklocal\0",
    }  # fmt: skip


def test_only_what_is_asked_for_and_what_is_always_told() -> None:
    always = {53, 54, 51, 58, 59, 1, 26}
    assert told(DhcpScene(), bytes((3, 43))).keys() == always | {3}
    data = dhcp.discover(ME, 5, {dhcp.ASKED_FOR: b""})
    assert DhcpScene().told(data).options.keys() == always
    silent = dhcp.discover(ME, 5).replace(bytes((55, len(dhcp.ASKED))) + dhcp.ASKED, bytes(len(dhcp.ASKED) + 2))
    bare = bytearray(silent)
    bare[40:42] = b"\0\0"
    assert DhcpScene().told(bytes(bare)).options.keys() == always | {3, 6, 12, 15, 28, 119, 121, 249}


SUBNETS = {
    "no gateway": ({"gateway_ip": ""}, 3, None),
    "nor route": ({"gateway_ip": ""}, 121, route(f"{SERVER}/32", "0.0.0.0")),
    "servers": ({"dns_nameservers": ("10.0.0.8", "8.8.8.8")}, 6, address("10.0.0.8", "8.8.8.8")),
    "none of them": ({"dns_nameservers": ("0.0.0.0",)}, 6, None),
    "routes": (
        {"host_routes": (HostRoute("10.9.0.0/16", "10.0.0.9"),)}, 121,
        route(f"{SERVER}/32", "0.0.0.0") + route("10.9.0.0/16", "10.0.0.9") + route("0.0.0.0/0", "10.0.0.254"),
    ),
    "its own default": (
        {"host_routes": (HostRoute("0.0.0.0/0", "10.0.0.9"),)}, 249,
        route(f"{SERVER}/32", "0.0.0.0") + route("0.0.0.0/0", "10.0.0.9"),
    ),
    "a gateway outside": (
        {"gateway_ip": "192.0.2.1"}, 121,
        route(f"{SERVER}/32", "0.0.0.0") + route("192.0.2.1/32", "0.0.0.0") + route("0.0.0.0/0", "192.0.2.1"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SUBNETS)
def test_what_the_subnet_says(case: str) -> None:
    attributes, code, value = SUBNETS[case]
    assert told(DhcpScene(subnet(**attributes))).get(code) == value  # type: ignore[arg-type]


def test_other_subnets_of_the_network_are_on_the_link() -> None:
    scene = DhcpScene(subnet("s5", "10.0.5.0/24"), subnet("s6b", "2001:db8::/64", ip_version=6, gateway_ip=""))
    assert told(scene)[121] == (
        route(f"{SERVER}/32", "0.0.0.0") + route("10.0.5.0/24", "0.0.0.0") + route("0.0.0.0/0", "10.0.0.254")
    )


def test_a_route_to_another_subnet_is_as_the_subnet_says() -> None:
    way = HostRoute("10.0.5.0/24", "10.0.0.9")
    scene = DhcpScene(subnet(host_routes=(way,)), subnet("s5", "10.0.5.0/24"))
    assert told(scene)[121].count(route("10.0.5.0/24", "0.0.0.0")[:4]) == 1
    assert route("10.0.5.0/24", "10.0.0.9") in told(scene)[121]


def test_names() -> None:
    scene = DhcpScene()
    scene.change(dns_name="www")
    assert told(scene)[12] == b"www"
    for name in (
        "www.here.test.",
        "www.shop",
    ):  # the first label, as cloud-init and DHCP clients take it for a host name
        scene.change(dns_name=name)
        assert told(scene)[12] == b"www"
    change(scene.model, replace(network("red"), dns_domain="red.example."))
    assert (told(scene)[15], told(scene)[119]) == (b"red.example", b"\3red\7example\0")
    nameless = DhcpScene(settings=ServiceSettings(naming=Naming("")))
    assert {15, 119}.isdisjoint(told(nameless))


def with_options(*said: tuple[str, str], settings: ServiceSettings | None = None) -> DhcpScene:
    scene = DhcpScene(settings=settings)
    scene.change(dhcp_options=tuple(DhcpOption(name, value, 4) for name, value in said))
    return scene


OPTIONS: dict[str, tuple[tuple[tuple[str, str], ...], dict[int, bytes | None]]] = {
    "by name": ((("mtu", "1300"), ("ntp-server", "10.0.0.7")), {26: b"\5\x14", 42: address("10.0.0.7")}),
    "by number": ((("6", "10.0.0.8,10.0.0.9"), ("224", "x")), {6: address("10.0.0.8", "10.0.0.9"), 224: b"x"}),
    "none": ((("router", ""), ("classless-static-route", "")), {3: None, 121: None, 249: None}),
    "routes": (
        (("classless-static-route", "10.9.0.0/16,10.0.0.9"),),
        {121: route("10.9.0.0/16", "10.0.0.9"), 249: route("10.9.0.0/16", "10.0.0.9")},
    ),
    "both kinds of routes": (
        (("121", "10.9.0.0/16,10.0.0.9"), ("249", "10.8.0.0/16,10.0.0.9")),
        {121: route("10.9.0.0/16", "10.0.0.9"), 249: route("10.8.0.0/16", "10.0.0.9")},
    ),
    "lease": ((("lease-time", "1h"),), {51: b"\0\0\x0e\x10", 58: b"\0\0\7\x08", 59: b"\0\0\x0c\x4e"}),
    "times": ((("T1", "100"), ("T2", "200")), {51: b"\0\1\x51\x80", 58: b"\0\0\0\x64", 59: b"\0\0\0\xc8"}),
    "a lease without a value": ((("lease-time", "{}"), ("t1", "{}"), ("t2", "{}")), {51: b"\0\1\x51\x80"}),
    "times in no order": ((("T1", "300"), ("T2", "200")), {58: (43_200).to_bytes(4, "big")}),
    "for ever": ((("lease-time", "infinite"),), {51: b"\xff" * 4, 58: b"\xff" * 4, 59: b"\xff" * 4}),
    "what cannot be told": ((("no-such", "1"), ("mtu", "much"), ("53", "1")), {26: b"\5\xaa", 53: b"\2"}),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_what_the_port_says_itself(case: str) -> None:
    said, expected = OPTIONS[case]
    found = told(with_options(*said))
    assert {code: found.get(code) for code in expected} == expected


def test_its_own_options_are_told_unasked() -> None:
    assert told(with_options(("ntp-server", "10.0.0.7")), b"\1")[42] == address("10.0.0.7")


def test_options_for_ipv6_are_not_for_here() -> None:
    scene = DhcpScene()
    scene.change(dhcp_options=(DhcpOption("mtu", "1300", 6),))
    assert told(scene)[26] == b"\5\xaa"


def test_booting_over_the_network() -> None:
    """The file and the servers are told in the fields that boot programs read, and as options."""
    boot = (("server-ip-address", "10.0.0.3"), ("tftp-server", "10.0.0.4"), ("bootfile-name", "pxelinux.0"))
    scene = with_options(*boot, ("150", "10.0.0.5"))
    found = scene.told(dhcp.discover(ME, 5, {dhcp.ASKED_FOR: bytes((66, 67, 150))}))
    assert (found.next_server, found.file) == ("10.0.0.3", "pxelinux.0")
    assert (found.options[66], found.options[67], found.options[150]) == (
        b"10.0.0.4", b"pxelinux.0", address("10.0.0.5")
    )  # fmt: skip
    assert 255 not in found.options


@pytest.mark.parametrize(
    ("said", "server"),
    [((("150", "10.0.0.5,10.0.0.6"), ("66", "10.0.0.4")), "10.0.0.5"), ((("66", "10.0.0.4"),), "10.0.0.4"),
     ((("66", "tftp.example"),), "0.0.0.0")],
)  # fmt: skip
def test_the_next_server_is_the_tftp_server_where_none_is_given(said: Any, server: str) -> None:
    assert with_options(*said).told(dhcp.discover(ME, 5)).next_server == server


CLIENTS: dict[str, tuple[dict[str, bytes], str]] = {
    "a BIOS": ({"o93": b"\0\0"}, "undionly.kpxe"),
    "UEFI": ({"o93": b"\0\7"}, "snponly.efi"),
    "UEFI on ARM": ({"o93": b"\0\x0b"}, "arm.efi"),
    "iPXE": ({"o93": b"\0\7", "o175": b"\xb1\5\1"}, "http://10.0.0.3/boot.ipxe"),
    "iPXE by its user class": ({"o77": b"iPXE"}, "http://10.0.0.3/boot.ipxe"),
    "nobody": ({}, "none"),
    "an unknown one": ({"o93": b"\1\0"}, "none"),
}


@pytest.mark.parametrize("case", CLIENTS)
def test_what_a_client_says_of_itself_chooses_its_boot_file(case: str) -> None:
    scene = with_options(
        ("67", "none"), ("tag:bios,67", "undionly.kpxe"), ("tag:efi,tag:!ipxe,67", "snponly.efi"),
        ("tag:arch-11,tag:efi,67", "arm.efi"), ("tag:ipxe,bootfile-name", "http://10.0.0.3/boot.ipxe"),
        ("tag:port-q,67", "another port's"),
    )  # fmt: skip
    client, expected = CLIENTS[case]
    assert told(scene, **client)[67] == expected.encode()


def test_an_option_with_conditions_counts_more_whatever_their_order() -> None:
    scene = with_options(("tag:bios,tftp-server", "of the BIOS"), ("tftp-server", "of others"))
    assert (told(scene, o93=b"\0\0")[66], told(scene)[66]) == (b"of the BIOS", b"of others")


def test_a_reply_is_no_longer_than_the_network_carries() -> None:
    """Whatever the client says that it takes: the reply is not sent in fragments."""
    scene = with_options(*((f"{code}", "x" * 250) for code in range(224, 234)))
    frame = scene.frame(dhcp.discover(ME, 5, {57: b"\xff\xff"}))
    assert frame is not None and 1200 < len(frame) - 14 <= 1450


def test_what_matters_most_is_told_where_room_is_short() -> None:
    """A client that takes 576 bytes, and routes twice as long as that: what is always told is there."""
    many = tuple(HostRoute(f"10.{n}.0.0/16", "10.0.0.9") for n in range(20))
    scene = DhcpScene(subnet(host_routes=many))
    data = dhcp.discover(ME, 5, {dhcp.ASKED_FOR: bytes((3, 6, 121, 249, 15))})
    frame = scene.frame(data)
    assert frame is not None and len(frame) - 14 <= 576
    found = scene.told(data).options
    assert {53, 54, 51, 1, 26, 3, 6, 121, 15} <= found.keys() and 249 not in found
    assert len(told(scene)[249]) == len(told(scene)[121]) > 140
