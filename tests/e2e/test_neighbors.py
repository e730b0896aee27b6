"""Next hops that no port declares, behind routers on real switches: ports of v1.1, VIPs that move, scans, restarts."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.lab import Vm, frames
from tests.lab.cloud import Body, Cloud, cloud, until
from tests.lab.routed import attach, lead, router, start, told

VIP = "10.0.0.50"
OLD, OLD6 = "10.0.1.1", "fd00:0:0:1::1"


class Site:
    """A router between red and a network of Quantum v1.1; alice, bob and dave are in red, and may use a VIP."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud, self.api, v1 = cloud, cloud.v2("t"), cloud.v1("t")
        self.red, self.old = self.api.network("red"), v1.network("old")
        self.router = router(self.api, "r")
        for network, number in ((self.red, 0), ({"id": self.old}, 1)):
            for cidr, gateway in (
                (f"10.0.{number}.0/24", f"10.0.{number}.254"), (f"fd00:0:0:{number}::/64", f"fd00:0:0:{number}::fe"),
            ):  # fmt: skip
                subnet = self.api.subnet(network, cidr, gateway_ip=gateway)
                attach(self.api, self.router, subnet_id=subnet["id"])
        self.api.port(self.red, VIP)  # reserved, and plugged in nowhere
        self.alice = self._vm(0, "10.0.0.1", "fd00::1")
        self.bob = self._vm(1, "10.0.0.2", "fd00::2", shares=VIP)
        self.dave = self._vm(0, "10.0.0.3", "fd00::3", shares=VIP)
        self.lea = cloud.bare(cloud[1], f"{OLD}/24", f"{OLD6}/64", iface_id="vif-lea")
        port = v1.port(self.old, "vif-lea")
        assert v1.status(self.old, port, "UP") == "UP"
        lead(self.lea, "10.0.1.254", "fd00:0:0:1::fe")

    def _vm(self, at: int, four: str, six: str, shares: str = "") -> Vm:
        more: Body = {"allowed_address_pairs": [{"ip_address": shares}]} if shares else {}
        port = self.api.port(self.red, four, six, device_owner="network:tests", **more)
        return start(self.cloud, self.cloud[at], port, "10.0.0.254", "fd00::fe")

    def metric(self, name: str) -> float:
        return self.cloud.controller.metric(name)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with cloud([["vxlan"]] * 2) as made:
        yield Site(made)


@pytest.mark.parametrize("address", [OLD, OLD6])
def test_a_port_of_v11_is_reached_over_a_router(site: Site, address: str) -> None:
    assert site.alice.reaches(address, 10.0)
    assert site.alice.ping(address, 20, interval=0.02).lost == 0
    asked = site.metric('tenet_packet_ins_total{outcome="taken",service="neighbors"}')
    assert asked >= 1 and site.alice.ping(address, 20, interval=0.02).lost == 0
    assert site.metric('tenet_packet_ins_total{outcome="taken",service="neighbors"}') == asked


def test_the_first_packet_waits_and_is_not_lost(site: Site) -> None:
    site.lea.exec("ip", "address", "add", "10.0.1.7/24", "dev", "eth0")
    assert site.alice.ping("10.0.1.7", 1, wait=2.0).lost == 0


def announce(vm: Vm, address: str) -> None:
    """Gratuitous ARP (RFC 5227, 3)."""
    vm.send(frames.ethernet(frames.BROADCAST, vm.mac, frames.ARP, frames.arp(1, vm.mac, address, address)))


def test_a_vip_is_where_its_user_says_and_moves_at_once(site: Site) -> None:
    site.bob.exec("ip", "address", "add", f"{VIP}/32", "dev", "eth0")
    assert site.lea.reaches(VIP, 10.0)
    site.bob.exec("ip", "address", "del", f"{VIP}/32", "dev", "eth0")
    assert site.lea.ping(VIP, 2, wait=0.5).received == 0
    site.dave.exec("ip", "address", "add", f"{VIP}/32", "dev", "eth0")
    announce(site.dave, VIP)
    assert site.lea.reaches(VIP, 5.0)


def test_a_spoofed_answer_moves_nothing(site: Site) -> None:
    """alice may not use the VIP, and lea claims an address of alice's network, and another's."""
    before = site.metric('tenet_neighbor_outcomes_total{outcome="written"}')
    host = "0a:54:4e:00:00:01"
    for vm, address in ((site.alice, VIP), (site.lea, "10.0.0.2"), (site.lea, "10.0.1.99")):
        said = frames.arp(2, vm.mac, address, "0.0.0.0", host)
        vm.send(*[frames.ethernet(to, vm.mac, frames.ARP, said) for to in (host, frames.BROADCAST)] * 50)
        announce(vm, address)
    assert site.lea.ping(VIP, 5).lost == 0 and site.alice.ping(OLD, 5).lost == 0
    assert site.metric('tenet_neighbor_outcomes_total{outcome="written"}') == before > 0


def test_a_scan_of_unknown_addresses_is_bounded_and_leaves_others_their_way(site: Site) -> None:
    mac = site.alice.knows("10.0.0.254")
    udp = b"\0\x09\0\x09\0\x08\0\0"
    scan = [
        frames.ethernet(mac, site.alice.mac, frames.IPV4, frames.ipv4("10.0.0.1", f"10.0.1.{host}", frames.UDP, udp))
        for host in range(10, 250)
    ]
    pings = site.dave.pinging(OLD)
    most = 0.0

    def refused() -> bool:
        nonlocal most
        site.alice.send(*random.sample(scan, len(scan)))  # the meter takes the first ones
        most = max(most, site.metric("tenet_neighbor_questions_open"))
        return site.metric('tenet_neighbor_outcomes_total{outcome="refused"}') > 0

    assert until(refused, 30.0)
    assert 0 < most <= 64
    assert len(pings.stop()) <= 1
    assert until(lambda: site.metric("tenet_neighbor_questions_open") == 0, 20.0)
    site.lea.exec("ip", "address", "add", "10.0.1.8/24", "dev", "eth0")
    assert site.dave.reaches("10.0.1.8", 20.0)
    assert until(lambda: any("nreachable" in what for _, what in told(site.dave, "10.0.1.9", count=5)), 20.0)


def test_neighbours_stay_without_a_controller_and_through_its_restart(site: Site) -> None:
    known = site.metric("tenet_neighbors")
    assert known >= 3 and site.alice.reaches(OLD, 5.0) and site.alice.reaches(OLD6, 5.0)
    pings = site.alice.pinging(OLD)
    site.cloud.controller.kill()
    try:
        assert site.alice.ping(OLD6, 5).lost == 0 and site.dave.ping("10.0.1.7", 3).lost == 0
    finally:
        site.cloud.controller.start()
        site.cloud.connected()
    assert len(pings.stop()) <= 1
    assert site.metric("tenet_neighbors") == known
    assert site.metric('tenet_packet_ins_total{outcome="taken",service="neighbors"}') == 0
    assert until(lambda: site.metric('tenet_packet_ins_total{outcome="taken",service="neighbor-answers"}') >= 2, 40.0)
    assert site.alice.ping(OLD, 3).lost == 0  # they have been asked again, and stay
