"""Two islands of wired switches, joined by the IP underlay of one switch in each."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from itertools import permutations

import pytest

from tests.lab import Hypervisor, Vm
from tests.lab.census import Census, Host, address, all_arrives, mac, never_twice, on_and_on
from tests.lab.cloud import V2, Body, Cloud, cloud, until
from tests.lab.netns import ip


class World:
    """On each of two hypervisors a bridge that is known over OpenFlow alone, wired to br-int and to nothing else.

    On each of the four switches a VM of red, and on three of them one of blue, with the same addresses.
    """

    def __init__(self, made: Cloud) -> None:
        self.cloud = made
        for number, hypervisor in enumerate(made.lab, 1):
            self._bridge(hypervisor, f"sw{number}", number)
        assert until(lambda: sum(link["used"] for link in self.links()) == 4), self.links()
        self.mtu = 0
        self.vms: dict[str, list[Vm]] = {}
        self.tenants: dict[str, list[Host]] = {}
        for tenant, count in (("red", 4), ("blue", 3)):
            v2 = made.v2(tenant)
            network = v2.network()
            self.mtu = network["mtu"]
            for six in (False, True):
                v2.subnet(network, ip_network(f"{address(1, six)}/{64 if six else 24}", strict=False).with_prefixlen)
            self.vms[tenant] = [self._vm(v2, network, f"{tenant}{nth}", nth) for nth in range(1, count + 1)]
            self.tenants[tenant] = [Host(tenant, n, vm.name, vm.namespace) for n, vm in enumerate(self.vms[tenant], 1)]

    def _bridge(self, hypervisor: Hypervisor, name: str, number: int) -> None:
        target = f"tcp:{self.cloud.lab.controller_address}:6653"
        hypervisor.vsctl(
            "add-br", name, "--", "set", "bridge", name, "datapath_type=netdev", "fail_mode=secure",
            f"other-config:datapath-id={number:016x}", "--", "set-controller", name, target,
            "--", "add-port", name, f"w{number}", "--", "set", "interface", f"w{number}", "type=patch",
            f"options:peer=x{number}", "--", "add-port", "br-int", f"x{number}",
            "--", "set", "interface", f"x{number}", "type=patch", f"options:peer=w{number}",
        )  # fmt: skip

    def links(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = self.cloud.controller.api("GET", "/tenet/v1/links").json["links"]
        return found

    def _vm(self, v2: V2, network: Body, name: str, nth: int) -> Vm:
        """The first two on br-int, the others on the bridges beside."""
        at, four, six = self.cloud[(nth - 1) % 2], address(nth), address(nth, six=True)
        port = v2.port(network, four, six, mac_address=mac(nth), **{"binding:profile": {"interface": name}})
        vm = self.cloud.lab.vm(at, name, f"{four}/24", f"{six}/64", mac=mac(nth), mtu=network["mtu"])
        if nth > 2:
            vm.unplug()
            at.vsctl("add-port", f"sw{nth - 2}", name)
        assert v2.status(port, "ACTIVE") == "ACTIVE", v2.show("port", port["id"])
        return vm

    def all_reach(self) -> None:
        """As stations do, which begin with ARP and neighbour discovery; so does the underlay."""
        for tenant, vms in self.vms.items():
            for (one, vm), (other, _) in permutations(enumerate(vms, 1), 2):
                assert vm.reaches(address(other), within=20), (tenant, one, other)
                assert vm.reaches(address(other, six=True), within=20), (tenant, one, other)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with cloud([("vxlan",), ("vxlan",)]) as made:
        yield World(made)


def test_every_vm_of_a_network_and_no_other_whatever_is_between_them_and_every_frame_once(world: World) -> None:
    assert world.mtu == 1428
    world.all_reach()
    with Census(world.tenants) as census:
        all_arrives(census, world.tenants, world.mtu)


def test_an_island_that_is_cut_off_goes_on_and_comes_back(world: World) -> None:
    hypervisor = world.cloud[1]
    third, (far, near) = world.vms["red"][2], (address(4), address(1))
    with Census(world.tenants) as census:
        with census.traffic(on_and_on(world.tenants)) as sent:
            ip(["link set br-phy down"], hypervisor.namespace)
            # what the switch has cached of established connections goes on until it has seen that the route is gone
            assert until(lambda: not third.ping(far, 1).received, 10.0)
            assert third.reaches(near), "each side goes on"
            ip(["link set br-phy up"], hypervisor.namespace)
            assert third.reaches(far, within=30)
        never_twice(census, sent)
    world.all_reach()
    with Census(world.tenants) as census:
        all_arrives(census, world.tenants, world.mtu)
