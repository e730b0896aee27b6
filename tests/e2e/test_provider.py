"""Networks of type flat and vlan, on a plain Linux bridge as the physical network, beside tunnelled ones."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from tests.lab import Capture, Vm
from tests.lab.capture import send
from tests.lab.census import Census, Host, address, all_arrives, mac
from tests.lab.cloud import Body, Cloud, cloud, until
from tests.lab.frames import BROADCAST, ICMP, IPV4, echo_request, ethernet, ipv4, tagged
from tests.lab.netns import ip

OPTIONS = {"network": {"flat_networks": "physnet1", "network_vlan_ranges": "physnet1:100:109"}}
MAPPINGS = "external_ids:tenet-bridge-mappings=physnet1:br-ex"
VLAN = 105
STATION = mac(200)
KINDS = ("vlan", "flat", "tun")


def echo(source: str, to: str, marker: bytes) -> bytes:
    """From 10.0.0.11 to 10.0.0.12, whoever has them."""
    return ethernet(to, source, IPV4, ipv4("10.0.0.11", "10.0.0.12", ICMP, echo_request(1, marker)))


def request(frame: bytes) -> bool:
    """Without a tag, and not somebody's answer."""
    return frame[12:14] == b"\x08\x00" and frame[34] == 8


class World:
    """Two hypervisors, each with a VM of every kind of network; all kinds have the same addresses.

    The physical network is a bridge that passes any tag; a station on it, 10.0.0.200, sends and sees them as they are.
    """

    def __init__(self, made: Cloud) -> None:
        self.cloud, self.lab = made, made.lab
        self._make_wire()
        self.v2 = made.v2("red")
        here: Body = {"provider:physical_network": "physnet1"}
        self.networks = {
            "vlan": self.v2.network(**here, **{"provider:network_type": "vlan", "provider:segmentation_id": VLAN}),
            "flat": self.v2.network(**here, **{"provider:network_type": "flat"}),
            "tun": self.v2.network(),
        }
        for network in self.networks.values():
            self.v2.subnet(network, "10.0.0.0/24")
            self.v2.subnet(network, "2001:db8::/64")
        (default,) = self.v2.list("security_group")  # which makes the project's own
        for ethertype in ("IPv4", "IPv6"):  # from the station, too, which is in no group
            self.v2.rule(default, "ingress", "any", ethertype=ethertype)
        self.vms = {name: [self._vm(network, number) for number in (0, 1)] for name, network in self.networks.items()}

    def _make_wire(self) -> None:
        self.wire, self.station = f"{self.lab.prefix}-phy", f"{self.lab.prefix}-sta"
        self.lab.at_end(lambda: ip([f"netns del {name}" for name in (self.wire, self.station)]))
        ip([f"netns add {self.wire}", f"netns add {self.station}"])
        ip(["link add phy type bridge", "link set phy up"], self.wire)
        ip([f"link add name sta netns {self.wire} type veth peer name eth0 address {STATION} netns {self.station}"])
        ip(["link set sta master phy up"], self.wire)
        ip(
            ["link set eth0 up", "addr add 10.0.0.200/24 dev eth0", "addr add 2001:db8::c8/64 dev eth0 nodad"],
            self.station,
        )
        for number, hypervisor in enumerate(self.lab):
            ip([f"link add name p{number} netns {self.wire} type veth peer name ph0 netns {hypervisor.namespace}"])
            ip([f"link set p{number} master phy up"], self.wire)
            ip(["link set ph0 up"], hypervisor.namespace)
            hypervisor.vsctl("add-br", "br-ex", "--", "set", "bridge", "br-ex", "datapath_type=netdev",
                             "--", "add-port", "br-ex", "ph0", "--", "set", "Open_vSwitch", ".", MAPPINGS)  # fmt: skip
        for hypervisor in self.lab:
            assert until(lambda at=hypervisor: len(at.vsctl("list-ports", "br-ex").split()) == 2), "no patch port"

    def _vm(self, network: Body, number: int) -> Vm:
        nth = 11 + number
        port = self.v2.port(network, address(nth), address(nth, six=True), mac_address=mac(nth))
        vm = self.cloud.start(self.cloud[number], port, mtu=network["mtu"])
        assert self.v2.status(port, "ACTIVE") == "ACTIVE"
        return vm


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with cloud([("vxlan",), ("vxlan",)], OPTIONS) as made:
        yield World(made)


def test_nothing_of_the_other_bridge_is_touched_but_a_patch_port(world: World) -> None:
    for hypervisor in world.lab:
        assert "ph0" in hypervisor.vsctl("list-ports", "br-ex").split()
        assert hypervisor.vsctl("get-controller", "br-ex") == ""
        assert hypervisor.vsctl("get-fail-mode", "br-ex") == ""


def test_all_kinds_of_network_reach_over_hypervisors(world: World) -> None:
    for name in KINDS:
        one, two = world.vms[name]
        assert one.reaches("10.0.0.12"), name
        assert two.reaches("10.0.0.11"), name


def test_a_frame_is_seen_by_its_own_network_and_once(world: World) -> None:
    for name in KINDS:
        one, two = world.vms[name]
        marker = f"of {name}".encode()
        with contextlib.ExitStack() as stack:
            mine = stack.enter_context(two.capture())
            others = [stack.enter_context(vm.capture()) for other in KINDS if other != name for vm in world.vms[other]]
            one.send(echo(one.mac, two.mac, marker), echo(one.mac, BROADCAST, marker))
            assert len(mine.frames(lambda got, marker=marker: marker in got)) == 2, name
            assert not [got for other in others for got in other.frames(lambda got, m=marker: m in got, 0.1)], name


def test_what_is_on_the_wire_has_the_networks_tag_or_none(world: World) -> None:
    expected = {"vlan": {VLAN.to_bytes(2, "big")}, "flat": {b""}, "tun": set()}
    for name in KINDS:
        one, marker = world.vms[name][0], f"broadcast of {name}".encode()
        with Capture(world.station) as wire:
            one.send(echo(one.mac, BROADCAST, marker))
            seen = wire.frames(lambda got, marker=marker: marker in got)
        assert {got[14:16] if got[12:14] == b"\x81\x00" else b"" for got in seen} == expected[name]
        assert len(seen) == len(expected[name]), "once, not once for each hypervisor"


def test_frames_from_the_wire_come_in_by_their_tag(world: World) -> None:
    for name, vlan in (("vlan", VLAN), ("flat", 0), ("", 106)):
        marker = f"from outside to {name}".encode()
        with contextlib.ExitStack() as stack:
            captures = {kind: [stack.enter_context(vm.capture()) for vm in world.vms[kind]] for kind in KINDS}
            frame = echo(STATION, BROADCAST, marker)
            send(world.station, [tagged(frame, vlan) if vlan else frame])
            time.sleep(0.3)
            got = {
                kind: [len(one.frames(lambda seen, m=marker: m in seen and request(seen), 0.1)) for one in some]
                for kind, some in captures.items()
            }
        assert got == {kind: [1, 1] if kind == name else [0, 0] for kind in KINDS}


def test_a_station_outside_is_reached_on_the_flat_network_only(world: World) -> None:
    for vm in world.vms["flat"]:
        assert vm.reaches(address(200)) and vm.reaches(address(200, six=True))
    for name in ("vlan", "tun"):
        assert not world.vms[name][0].ping(address(200), 1).received


def test_a_tenant_cannot_put_a_tag_on_the_physical_network(world: World) -> None:
    """From the flat network it would be another network's."""
    one, two = world.vms["flat"]
    with Capture(world.station) as wire, two.capture() as mine, world.vms["vlan"][1].capture() as theirs:
        for to in (two.mac, BROADCAST, world.vms["vlan"][1].mac):
            one.send(tagged(echo(one.mac, to, b"tagged by a tenant"), VLAN))
        one.send(echo(one.mac, BROADCAST, b"and then one without"))
        assert mine.first(lambda got: b"and then one without" in got)
        for capture in (wire, mine, theirs):
            assert not capture.frames(lambda got: b"tagged by a tenant" in got)


def test_the_whole_mtu_of_every_network_in_both_families_and_every_frame_once(world: World) -> None:
    """Among VMs and the station on the wire, which is of the VLAN when its frames are tagged."""
    assert [world.networks[name]["mtu"] for name in KINDS] == [1500, 1500, 1450]
    for name, mtu, vlan in (("flat", 1500, 0), ("vlan", 1500, VLAN), ("tun", 1450, None)):
        hosts = [Host(name, nth, vm.name, vm.namespace) for nth, vm in enumerate(world.vms[name], 11)]
        hosts += [Host(name, 200, "outside", world.station, vlan=vlan)] if vlan is not None else []
        assert world.vms[name][0].reaches(address(12, six=True)), name
        with Census({name: hosts}) as census:
            all_arrives(census, {name: hosts}, mtu)
    assert world.networks["vlan"]["provider:segmentation_id"] == VLAN
    assert world.networks["flat"]["provider:segmentation_id"] is None


def test_a_mapping_that_goes_takes_its_port_along_and_comes_back(world: World) -> None:
    hypervisor, (one, _) = world.lab[1], world.vms["flat"]
    hypervisor.vsctl("remove", "Open_vSwitch", ".", "external_ids", "tenet-bridge-mappings")
    assert until(lambda: hypervisor.vsctl("list-ports", "br-ex").split() == ["ph0"])
    assert not one.ping("10.0.0.12", 1).received
    hypervisor.vsctl("set", "Open_vSwitch", ".", MAPPINGS)
    assert one.reaches("10.0.0.12")


def test_a_router_sends_from_the_host_into_a_physical_network(world: World) -> None:
    """No MAC of a router is seen on the wire, where it would be at two places."""
    v2, inside = world.v2, world.v2.network()
    near = v2.subnet(inside, "10.1.0.0/24", gateway_ip="10.1.0.254")
    gateway = v2.port(world.networks["vlan"], "10.0.0.254")
    router = v2.router()
    v2.interface(router, subnet_id=near["id"])
    v2.interface(router, port_id=gateway["id"])
    vm = world.cloud.start(world.cloud[0], v2.port(inside, "10.1.0.1"), mtu=inside["mtu"])
    vm.exec("ip", "route", "add", "default", "via", "10.1.0.254")
    other = world.vms["vlan"][1]
    other.exec("ip", "route", "add", "10.1.0.0/24", "via", "10.0.0.254")
    assert vm.reaches("10.0.0.12")
    with Capture(world.wire, "p0") as wire:
        assert vm.ping("10.0.0.12").lost == 0
        routed = wire.frames(lambda frame: b"\x0a\x01\x00\x01\x0a\x00\x00\x0c" in frame)
    assert {frame[6:9].hex(":") for frame in routed} == {"0a:54:4e"}
    assert other.knows("10.0.0.254") == gateway["mac_address"], "which its own switch says"
