"""What real hosts are told by routers: traceroute, too big, unreachable; IPv4 and IPv6; and nothing depends on it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.lab import Vm
from tests.lab.cloud import Body, Cloud, cloud, until
from tests.lab.netns import inside
from tests.lab.routed import attach, router, start, told

SMALL = 1280  # MTU of blue
CONNECT = """
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2); s.connect((sys.argv[1], 9)); s.send(b"x")
try: s.recv(1)
except ConnectionRefusedError: print("refused")
except TimeoutError: print("silence")
"""


class Site:
    """r1 joins red and transit, r2 transit and blue, whose MTU is small; alice is in red, bob in blue."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud, self.api = cloud, cloud.v2("t")
        self.red, self.transit = self.api.network("red"), self.api.network("transit")
        self.blue = self.api.network("blue", mtu=SMALL)
        self.r1, self.r2 = router(self.api, "r1"), router(self.api, "r2")
        for network, number, of in ((self.red, 0, self.r1), (self.transit, 1, None), (self.blue, 2, self.r2)):
            for cidr, gateway in (
                (f"10.0.{number}.0/24", f"10.0.{number}.254"), (f"fd00:0:0:{number}::/64", f"fd00:0:0:{number}::fe"),
            ):  # fmt: skip
                subnet = self.api.subnet(network, cidr, gateway_ip=gateway)
                if of is not None:
                    attach(self.api, of, subnet_id=subnet["id"])
        for of, number in ((self.r1, 1), (self.r2, 2)):
            port = self.api.port(self.transit, f"10.0.1.{number}", f"fd00:0:0:1::{number}")
            attach(self.api, of, port_id=port["id"])
        self._routes(self.r1, ("10.0.2.0/24", "10.0.1.2"), ("fd00:0:0:2::/64", "fd00:0:0:1::2"))
        self._routes(self.r2, ("10.0.0.0/24", "10.0.1.1"), ("fd00::/64", "fd00:0:0:1::1"))
        group = self.api.group("pings")
        for version, protocol in (("IPv4", "icmp"), ("IPv6", "icmpv6")):
            self.api.rule(group, "ingress", protocol, 8 if version == "IPv4" else 128, 0, ethertype=version)
        groups = [group["id"]]
        alice = self.api.port(self.red, "10.0.0.1", "fd00::1", security_groups=groups)
        bob = self.api.port(self.blue, "10.0.2.1", "fd00:0:0:2::1", security_groups=groups)
        self.alice = start(cloud, cloud[0], alice, "10.0.0.254", "fd00::fe")
        self.bob = start(cloud, cloud[1], bob, "10.0.2.254", "fd00:0:0:2::fe", mtu=SMALL)
        assert self.alice.reaches("10.0.2.1") and self.alice.reaches("fd00:0:0:2::1")

    def _routes(self, of: Body, *routes: tuple[str, str]) -> None:
        said = [{"destination": to, "nexthop": by} for to, by in routes]
        self.api.update("router", of["id"], routes=said)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with cloud([["vxlan"]] * 2) as made:
        yield Site(made)


FAMILIES = {"IPv4": ("10.0.2.1", "10.0.0.254", "10.0.1.2"), "IPv6": ("fd00:0:0:2::1", "fd00::fe", "fd00:0:0:1::2")}
EXCEEDED = {"IPv4": "Time to live exceeded", "IPv6": "Time exceeded: Hop limit"}


@pytest.mark.parametrize("family", FAMILIES)
def test_traceroute_shows_the_routers(site: Site, family: str) -> None:
    to, first, second = FAMILIES[family]
    assert told(site.alice, to, ttl=1) == [(first, EXCEEDED[family])]
    assert told(site.alice, to, ttl=2) == [(second, EXCEEDED[family])]
    assert told(site.alice, to, ttl=3) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_too_big_names_the_mtu_and_the_host_keeps_to_it(site: Site, family: str) -> None:
    to, _, second = FAMILIES[family]
    said = told(site.alice, to, size=1330)
    assert [who for who, _ in said] in ([second], []), said  # nobody: the kernel knew already
    assert until(lambda: f"mtu {SMALL}" in site.alice.exec("ip", "route", "get", to), 5.0) or said
    site.alice.exec("ip", "-6" if ":" in to else "-4", "route", "flush", "cache")
    assert until(lambda: site.alice.ping(to, 1, size=1330).received, 10.0)  # in fragments


@pytest.mark.parametrize(("to", "by"), [("192.0.2.1", "10.0.0.254"), ("fd00:0:0:9::1", "fd00::fe")])
def test_no_route_is_told(site: Site, to: str, by: str) -> None:
    ((who, what),) = told(site.alice, to)
    assert who == by and ("Net Unreachable" in what or "No route" in what)


@pytest.mark.parametrize("address", ["10.0.0.254", "fd00::fe"])
def test_a_router_refuses_what_it_does_not_serve(site: Site, address: str) -> None:
    said = subprocess.run(
        inside(site.alice.namespace, ["python3", "-c", CONNECT, address]), capture_output=True, text=True
    )
    assert said.stdout.strip() == "refused", said.stderr


@pytest.mark.parametrize("to", ["10.0.2.77", "fd00:0:0:2::77"])
def test_a_host_that_does_not_answer_is_unreachable(site: Site, to: str) -> None:
    said = until(lambda: told(site.alice, to, count=6), 20.0)
    assert said and any("nreachable" in what for _, what in said), said


def test_a_flood_of_dead_packets_costs_what_the_meter_lets_through(site: Site) -> None:
    def handed_over() -> float:
        return site.cloud.controller.metric('tenet_packet_ins_total{outcome="taken",service="router-errors"}')

    before, began = handed_over(), time.monotonic()
    frames = dying(site.alice)
    for _ in range(20):
        site.alice.send(*frames)
    lasted = time.monotonic() - began
    taken = handed_over() - before
    assert 0 < taken <= 50 * (lasted + 2) + 50, (taken, lasted)
    assert site.alice.reaches("10.0.2.1", 5.0)


def dying(vm: Vm) -> list[bytes]:
    """1,000 packets with TTL 1."""
    from tests.lab import frames

    router_mac = vm.knows("10.0.0.254")
    packet = frames.ipv4("10.0.0.1", "10.0.2.1", frames.UDP, b"\0\x09\0\x09\0\x08\0\0")
    head = packet[:8] + b"\1" + packet[9:10] + bytes(2) + packet[12:20]
    head = head[:10] + frames.checksum(head).to_bytes(2, "big") + head[12:]
    return [frames.ethernet(router_mac, vm.mac, frames.IPV4, head + packet[20:])] * 1000


def test_without_a_controller_nothing_but_errors_is_missing(site: Site) -> None:
    site.cloud.controller.kill()
    try:
        assert site.alice.ping("10.0.2.1", 3).lost == 0 and told(site.alice, "10.0.2.1", ttl=1) == []
    finally:
        site.cloud.controller.start()
        site.cloud.connected()
    assert told(site.alice, "10.0.2.1", ttl=1) == [("10.0.0.254", EXCEEDED["IPv4"])]
