"""Two islands of wired switches, joined by the IP underlay of one switch in each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab import Hypervisor, Vm
from tests.lab.cloud import Cloud, cloud, until
from tests.lab.netns import ip


class World:
    """On each of two hypervisors a bridge that is known over OpenFlow alone, wired to br-int and to nothing else; a VM
    on each of the four switches.
    """

    def __init__(self, made: Cloud) -> None:
        self.cloud = made
        for number, hypervisor in enumerate(made.lab, 1):
            self._bridge(hypervisor, f"sw{number}", number)
        assert until(lambda: sum(link["used"] for link in self.links()) == 4), self.links()
        self.v2 = made.v2("red")
        self.network = self.v2.network()
        self.v2.subnet(self.network, "10.0.0.0/24")
        self.v2.subnet(self.network, "fd00::/64")
        self.vms = [self._vm(number) for number in range(4)]

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

    def _vm(self, number: int) -> Vm:
        """The first two on br-int, the others on the bridges beside."""
        at = self.cloud[number % 2]
        name = f"vm{number}"
        port = self.v2.port(self.network, f"10.0.0.{11 + number}", f"fd00::{11 + number}",
                            **{"binding:profile": {"interface": name}})  # fmt: skip
        vm = self.cloud.lab.vm(at, name, f"10.0.0.{11 + number}/24", f"fd00::{11 + number}/64",
                               mac=port["mac_address"], mtu=self.network["mtu"])  # fmt: skip
        if number > 1:
            vm.unplug()
            at.vsctl("add-port", f"sw{number - 1}", name)
        assert self.v2.status(port, "ACTIVE") == "ACTIVE", self.v2.show("port", port["id"])
        return vm


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with cloud([("vxlan",), ("vxlan",)]) as made:
        yield World(made)


def test_every_vm_reaches_every_other_whatever_is_between_them(world: World) -> None:
    for number, vm in enumerate(world.vms):
        for other in range(4):
            if other != number:
                assert vm.reaches(f"10.0.0.{11 + other}"), (number, other)
                assert vm.reaches(f"fd00::{11 + other}"), (number, other)


def test_the_whole_mtu_of_the_network(world: World) -> None:
    mtu = world.network["mtu"]
    assert mtu == 1428
    for to in ("10.0.0.11", "10.0.0.12", "10.0.0.14"):
        assert world.vms[2].reaches(to)
        assert world.vms[2].ping(to, size=mtu - 28, fragment=False).received == 3, (to, mtu)


def test_an_island_that_is_cut_off_is_told_and_comes_back(world: World) -> None:
    hypervisor = world.cloud[1]
    ip(["link set br-phy down"], hypervisor.namespace)
    assert not world.vms[2].ping("10.0.0.14", 1).received
    assert world.vms[2].reaches("10.0.0.11"), "each side goes on"
    ip(["link set br-phy up"], hypervisor.namespace)
    assert world.vms[2].reaches("10.0.0.14", within=90)
