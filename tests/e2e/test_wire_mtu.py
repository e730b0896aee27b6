"""A wire that is too narrow: its ends are asked for more over OVSDB; networks have what room there is, and say so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.cloud import Body, Cloud, cloud, until
from tests.lab.netns import ip

UNDERLAY = 2000
NEEDED = UNDERLAY - 50 + 22  # a tenant's packet of the most that tunnels carry, its Ethernet header, and two labels
BEFORE, MIXED = UNDERLAY - 50, UNDERLAY - 50 - 22


class World:
    """Two hypervisors with tunnels; later, on the first, a bridge without any, wired to br-int by a veth of 1,500."""

    def __init__(self, made: Cloud) -> None:
        self.cloud, self.one = made, made[0]
        self.v2 = made.v2("red")
        self.network = self.v2.network("old")
        self.v2.subnet(self.network, "10.0.0.0/24")

    def wire(self) -> None:
        ip(["link add w0 mtu 1500 type veth peer name w1 mtu 1500", "link set w0 up", "link set w1 up"],
           self.one.namespace)  # fmt: skip
        self.one.vsctl(
            *("add-br", "sw", "--", "set", "bridge", "sw", "datapath_type=netdev", "fail_mode=secure"),
            *("other-config:datapath-id=0000000000000007", "--", "set-controller", "sw"),
            *(f"tcp:{self.cloud.lab.controller_address}:6653", "--", "add-port", "sw", "w0"),
            *("--", "add-port", "br-int", "w1"),
        )

    def mtu(self, name: str, column: str = "mtu") -> str:
        return self.one.vsctl("get", "interface", name, column).strip()

    def shown(self) -> Body:
        return self.v2.show("network", self.network["id"])

    def topology(self) -> Any:
        return self.cloud.controller.api("GET", "/tenet/v1/topology").json["topology"]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with cloud([["vxlan"], ["vxlan"]], {"network": {"underlay_mtu": UNDERLAY}}, mtu=UNDERLAY) as made:
        yield World(made)


def test_a_wire_is_widened_and_networks_are_narrowed(world: World) -> None:
    assert (world.network["mtu"], world.network["tenet:mtu_reason"]) == (BEFORE, "")
    world.wire()
    assert until(lambda: world.mtu("w0") == world.mtu("w1") == str(NEEDED), within=20)
    assert world.mtu("eth0", "mtu_request") == "[]", "what is no end of a wire is left alone"
    assert until(lambda: world.shown()["mtu"] == MIXED)
    assert world.shown()["tenet:mtu_reason"] == f"it was made with {BEFORE}, and there is room for {MIXED} now"
    assert world.v2.network("new")["mtu"] == MIXED
    assert world.cloud.controller.metric("tenet_networks_narrowed") == 1
    assert f"1 networks have an MTU of {MIXED} now" in world.cloud.controller.text()
    assert [one["mtu_reason"] != "" for one in world.topology()["networks"]] == [False, True]


def test_packets_of_the_whole_mtu_pass_over_the_wire_and_in_tunnels(world: World) -> None:
    vms = []
    for number in range(3):
        name = f"vm{number}"
        port = world.v2.port(world.network, f"10.0.0.{11 + number}", **{"binding:profile": {"interface": name}})
        at = world.cloud[number % 2]
        vm = world.cloud.lab.vm(at, name, f"10.0.0.{11 + number}/24", mac=port["mac_address"], mtu=MIXED)
        if number == 2:  # on the bridge without tunnels
            vm.unplug()
            at.vsctl("add-port", "sw", name)
        assert world.v2.status(port, "ACTIVE") == "ACTIVE", world.v2.show("port", port["id"])
        vms.append(vm)
    for to in ("10.0.0.11", "10.0.0.12"):
        assert vms[2].reaches(to)
        assert vms[2].ping(to, size=MIXED - 28, fragment=False).received == 3


def test_without_wires_there_is_room_again(world: World) -> None:
    world.one.vsctl("del-br", "sw", "--", "del-port", "br-int", "w1")
    ip(["link del w0"], world.one.namespace)
    assert until(lambda: world.shown()["mtu"] == BEFORE, within=20)
    assert world.shown()["tenet:mtu_reason"] == ""
