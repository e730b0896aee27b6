"""Two tenants with the same addresses on three hypervisors, over every encapsulation: packets go where they should."""

import itertools
from collections.abc import Iterator

import pytest

from tests.lab import Capture, Hypervisor, Vm, frames
from tests.lab.cloud import Body, Cloud, cloud, until

ENCAPS = {
    "vxlan": [["vxlan"]] * 3,
    "geneve": [["geneve", "vxlan"]] * 3,  # the first that both have
    "gre": [["gre"]] * 3,
    "mixed": [["gre", "geneve"], ["geneve", "vxlan"], ["gre", "vxlan"]],
}
# the encapsulation between two hypervisors of "mixed", which have just one in common each
COMMON = {(0, 1): "geneve", (0, 2): "gre", (1, 2): "vxlan"}
MAC = "fa:16:3e:00:00:{:02x}"


class Tenant:
    """One VM per hypervisor, with 10.0.0.11.. and fd00::11.. and the same MACs in every tenant."""

    def __init__(self, cloud: Cloud, name: str) -> None:
        self.api = cloud.v2(name)
        self.network = self.api.network("net")
        self.api.subnet(self.network, "10.0.0.0/24")
        self.api.subnet(self.network, "fd00::/64")
        self.mtu = int(self.network["mtu"])
        self.ports = [self._port(number) for number in range(3)]
        self.vms = [cloud.start(cloud[number], port, self.mtu) for number, port in enumerate(self.ports)]

    def _port(self, number: int) -> Body:
        addresses = (f"10.0.0.{11 + number}", f"fd00::{11 + number}")
        return self.api.port(self.network, *addresses, mac_address=MAC.format(11 + number))


class World:
    def __init__(self, cloud: Cloud, encaps: str) -> None:
        self.cloud = cloud
        self.encaps = encaps
        self.red = Tenant(cloud, "red")
        self.blue = Tenant(cloud, "blue")


@pytest.fixture(scope="module", params=ENCAPS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with cloud(ENCAPS[request.param]) as made:
        yield World(made, request.param)


def test_every_vm_reaches_every_other_of_its_network(world: World) -> None:
    for tenant in (world.red, world.blue):
        for (_, one), (number, _) in itertools.permutations(enumerate(tenant.vms), 2):
            assert one.reaches(f"10.0.0.{11 + number}"), (world.encaps, one.name)
            assert one.reaches(f"fd00::{11 + number}"), (world.encaps, one.name)


def test_a_packet_reaches_its_own_tenant_only(world: World) -> None:
    """Both tenants have 10.0.0.12 and its MAC on the same hypervisor: only one sees each packet."""
    for one, other in ((world.red, world.blue), (world.blue, world.red)):
        with one.vms[1].capture() as mine, other.vms[1].capture() as theirs:
            one.vms[0].send(echo(one.vms[0], one.vms[1], "10.0.0.11", "10.0.0.12", b"for one tenant"))
            assert mine.first(lambda got: b"for one tenant" in got)
            assert not theirs.frames(lambda got: b"for one tenant" in got)


def test_packets_up_to_the_advertised_mtu_pass_and_larger_do_not_leave(world: World) -> None:
    one, mtu = world.red.vms[0], world.red.mtu
    for address, headers in (("10.0.0.12", 28), ("10.0.0.13", 28), ("fd00::12", 48), ("fd00::13", 48)):
        assert one.reaches(address)
        assert one.ping(address, size=mtu - headers, fragment=False).received == 3, (world.encaps, address, mtu)
        assert one.ping(address, 1, size=mtu - headers + 1, fragment=False).received == 0


def test_two_switches_use_the_encapsulation_that_both_have(world: World) -> None:
    for (one, two), common in COMMON.items():
        encap = world.encaps if world.encaps != "mixed" else common
        marker = f"{one} to {two}".encode()
        with Capture(world.cloud[two].namespace) as wire:
            vms = world.red.vms
            vms[one].send(echo(vms[one], vms[two], f"10.0.0.{11 + one}", f"10.0.0.{11 + two}", marker))
            seen = wire.first(lambda got, marker=marker: marker in got)  # type: ignore[misc]
        assert seen is not None
        assert encapsulation(seen) == encap


def test_the_advertised_mtu_leaves_room_for_the_encapsulation(world: World) -> None:
    assert 1400 <= world.red.mtu <= 1500 - 42  # GRE with a key: 20 + 8 + 14, the least of the three


@pytest.mark.parametrize("plugged_by", ["iface-id", "name"])
def test_v1_networks_carry_both_families(world: World, plugged_by: str) -> None:
    api = world.cloud.v1("green")
    network = api.network(f"by {plugged_by}")
    vms = [
        world.cloud.bare(at, f"10.0.0.{n}/24", f"fd00::{n}/64", iface_id=name(plugged_by, at)) for n, at in hosts(world)
    ]
    ports = [api.port(network, vm.iface_id or vm.name) for vm in vms]
    for port in ports:
        assert api.status(network, port, "UP") == "UP"
    for one, (number, _) in itertools.product(vms, hosts(world)):
        assert one.reaches(f"10.0.0.{number}"), (one.name, number)
        assert one.reaches(f"fd00::{number}"), (one.name, number)
    for port in ports:
        api.unplug(network, port)
    assert until(lambda: not vms[0].ping("10.0.0.2", 1, wait=0.2).received)
    world.cloud.lab.remove(*vms)


def test_in_steady_state_no_packet_goes_to_the_controller(world: World) -> None:
    assert world.red.vms[0].reaches("10.0.0.12")
    before = world.cloud.controller.metric("tenet_packet_ins_total")
    assert world.red.vms[0].ping("10.0.0.12", 50, interval=0.01).lost == 0
    assert world.cloud.controller.metric("tenet_packet_ins_total") == before


def hosts(world: World) -> list[tuple[int, Hypervisor]]:
    return list(enumerate(world.cloud.lab, start=1))


def name(plugged_by: str, at: Hypervisor) -> str:
    return f"vif-{at.system_id}" if plugged_by == "iface-id" else ""


def echo(one: Vm, two: Vm, source: str, to: str, marker: bytes) -> bytes:
    return frames.ethernet(
        two.mac, one.mac, frames.IPV4, frames.ipv4(source, to, frames.ICMP, frames.echo_request(1, marker))
    )


def encapsulation(frame: bytes) -> str:
    """What an IPv4 frame of the underlay carries."""
    if frame[23] == frames.GRE:
        return "gre"
    return {4789: "vxlan", 6081: "geneve"}.get(int.from_bytes(frame[36:38]), "none")
