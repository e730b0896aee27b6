"""Frames that a tenant should not be able to send: none arrives anywhere it should not."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.lab import Capture, Vm, frames
from tests.lab.cloud import Cloud, cloud, until
from tests.lab.frames import ARP, BROADCAST, ICMP, IPV4, IPV6, UDP, ethernet, ipv4, ipv6, labelled, tagged
from tests.lab.netns import run

RED1, RED2, BLUE2 = "fa:16:3e:00:0a:01", "fa:16:3e:00:0a:02", "fa:16:3e:00:0b:02"
STRANGER = "fa:16:3e:00:0c:03"
MARK = b"intruder"
UNDERLAY_MAC = "02:fe:00:00:00:fe"


class World:
    """Red: VMs on all three hypervisors; blue: on the first two; both with declared addresses.

    Green: two ports of Quantum v1.1, whose addresses nobody checks, on the first and the third.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        red, blue = cloud.v2("red"), cloud.v2("blue")
        self.red_network, self.blue_network = red.network("r"), blue.network("b")
        for api, network in ((red, self.red_network), (blue, self.blue_network)):
            api.subnet(network, "10.0.0.0/24")
            api.subnet(network, "fd00::/64")
        macs = [RED1, RED2, "fa:16:3e:00:0a:03"]
        self.red = [
            cloud.start(cloud[n], red.port(self.red_network, f"10.0.0.{n + 1}", f"fd00::{n + 1}", mac_address=macs[n]))
            for n in range(3)
        ]
        self.blue = [
            cloud.start(cloud[n], blue.port(self.blue_network, f"10.0.0.{n + 1}", f"fd00::{n + 1}", mac_address=mac))
            for n, mac in enumerate(["fa:16:3e:00:0b:01", BLUE2])
        ]
        quantum = cloud.v1("green")
        plain = quantum.network("g")
        self.green = [
            cloud.bare(cloud[n], f"10.0.0.{n // 2 + 1}/24", iface_id=f"green{n}", mac=f"fa:16:3e:00:0d:0{n}")
            for n in (0, 2)
        ]
        for vm in self.green:
            assert quantum.status(plain, quantum.port(plain, vm.iface_id), "UP") == "UP"
        for one, other, address in zip(self.green, reversed(self.green), ("10.0.0.2", "10.0.0.1"), strict=True):
            # as permanent as the ARP that it will be sent is false
            one.exec("ip", "neigh", "replace", address, "lladdr", other.mac, "nud", "permanent", "dev", "eth0")
        assert self.green[0].reaches("10.0.0.2")
        self.key = cloud.segment(self.blue_network)
        assert self.red[0].reaches("10.0.0.2")
        assert self.blue[0].reaches("10.0.0.2")

    def seen(self, sender: Vm, *sent: bytes) -> set[str]:
        """Send frames from a VM; where one with the mark came: names of VMs, or of hypervisors' and controller's wires.

        A wire counts when the mark is in a frame that leaves the sender's hypervisor for it.
        """
        places = {vm.name: (vm.namespace, "eth0") for vm in self.cloud.lab.vms if vm is not sender}
        places |= {at.system_id: (at.namespace, "eth0") for at in self.cloud.lab if at is not sender.at}
        places["controller"] = (self.cloud.lab.namespace, "underlay")
        places["host"] = (sender.at.namespace, "br-phy")
        with ExitStack() as stack:
            captures = {name: stack.enter_context(Capture(*place)) for name, place in places.items()}
            sender.send(*sent)
            # what was sent in order arrives in order: the ping after it tells when to look
            assert sender.ping("10.0.0.2" if sender is not self.red[1] else "10.0.0.1", 1).received
            return {name for name, capture in captures.items() if capture.frames(intruding, 0.05)}


def intruding(frame: bytes) -> bool:
    """A frame with the mark that is not a switch's OpenFlow: by that, the controller is shown what to learn from."""
    openflow = frame[23] == 6 and frame[26:29] + frame[30:34] == b"\xc0\0\x02" + b"\xc0\0\x02\xfe"
    return MARK in frame and not (openflow and frame[36:38] == (6653).to_bytes(2))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with cloud([["vxlan", "geneve", "gre"]] * 3) as made:
        yield World(made)


def echo(source: str = "10.0.0.1", to: str = "10.0.0.2") -> bytes:
    return ipv4(source, to, ICMP, frames.echo_request(1, MARK))


def good(to: str = RED2) -> bytes:
    return ethernet(to, RED1, IPV4, echo())


def answer(mac: str, source: str, to: str) -> bytes:
    """An ARP answer that red's first VM broadcasts."""
    return ethernet(BROADCAST, RED1, ARP, frames.arp(2, mac, source, to) + MARK)


def test_what_is_right_arrives_at_one_place(world: World) -> None:
    """The probe sees what there is to see: without this, the tests below would prove nothing."""
    assert world.seen(world.red[0], good()) == {world.red[1].name, "hv2"}


CRAFTED: dict[str, Callable[[], bytes]] = {
    "another source MAC": lambda: ethernet(RED2, STRANGER, IPV4, echo()),
    "a neighbour's source MAC": lambda: ethernet(BROADCAST, RED2, IPV4, echo()),
    "a multicast source MAC": lambda: ethernet(RED2, "01:00:5e:00:00:01", IPV4, echo()),
    "another source IPv4": lambda: ethernet(RED2, RED1, IPV4, echo("10.0.0.9")),
    "a neighbour's source IPv4": lambda: ethernet(RED2, RED1, IPV4, echo("10.0.0.2", "10.0.0.3")),
    "another source IPv6": lambda: ethernet(RED2, RED1, IPV6, ipv6("fd00::9", "fd00::2", 59, MARK)),
    "ARP with a neighbour's address": lambda: answer(RED1, "10.0.0.2", "10.0.0.3"),
    "ARP with another MAC inside": lambda: answer(RED2, "10.0.0.1", "10.0.0.3"),
    "gratuitous ARP for the gateway": lambda: answer(RED1, "10.0.0.254", "10.0.0.254"),
    "neighbour advertisement for another": lambda: ethernet(
        "33:33:00:00:00:01", RED1, IPV6, ipv6("fd00::2", "ff02::1", 58, b"\x88\0\0\0" + b"\0" * 20 + MARK)
    ),
    "to another tenant's MAC": lambda: ethernet(BLUE2, RED1, IPV4, echo()),
    "to a MAC nobody has": lambda: ethernet(STRANGER, RED1, IPV4, echo()),
    "a VLAN tag": lambda: tagged(good(), 1),
    "priority tag": lambda: tagged(good(), 0),
    "two VLAN tags": lambda: tagged(tagged(good(), 2), 1, frames.QINQ),
    "a VLAN tag to another tenant's MAC": lambda: tagged(good(BLUE2), 1),
    "one MPLS label": lambda: labelled(good(), 2),
    "two MPLS labels": lambda: labelled(good(BLUE2), 2, 3),
    "MPLS behind a VLAN tag": lambda: tagged(labelled(good(BLUE2), 2), 1),
    "IPv4 options and no payload": lambda: ethernet(RED2, RED1, IPV4, b"\x4f" + echo("10.0.0.9")[1:]),
    "an IPv4 header cut short": lambda: ethernet(RED2, RED1, IPV4, MARK),
    "an ARP cut short": lambda: ethernet(BROADCAST, RED1, ARP, MARK),
    "LLDP": lambda: ethernet("01:80:c2:00:00:0e", RED1, frames.LLDP, MARK),
    "a bridge's BPDU": lambda: ethernet("01:80:c2:00:00:00", RED1, 0x0026, b"\x42\x42\x03" + MARK),
}  # fmt: skip


@pytest.mark.parametrize("what", CRAFTED)
def test_a_crafted_frame_arrives_nowhere(world: World, what: str) -> None:
    assert world.seen(world.red[0], CRAFTED[what]()) == set()


@pytest.mark.parametrize("inside", [BLUE2, BROADCAST])
@pytest.mark.parametrize("encap", ["vxlan", "geneve", "gre"])
@pytest.mark.parametrize("source", ["10.0.0.1", "192.0.2.1"])
def test_a_tunnel_packet_made_by_a_vm_arrives_nowhere(world: World, encap: str, source: str, inside: str) -> None:
    """With the other tenant's key, to each hypervisor's address and the sender's own, by every MAC it may try."""
    assert world.seen(world.red[0], *tunnelled(world, RED1, encap, source, inside)) == set()


def tunnelled(world: World, mac: str, encap: str, source: str, inside: str) -> list[bytes]:
    """A frame for blue in a tunnel packet, to every hypervisor by its MAC and by one that nobody has."""
    frame = ethernet(inside, "fa:16:3e:00:0b:01", IPV4, echo())
    payload = {
        "vxlan": (UDP, frames.udp(40000, 4789, frames.vxlan(world.key, frame))),
        "geneve": (UDP, frames.udp(40000, 6081, frames.geneve(world.key, frame))),
        "gre": (frames.GRE, frames.gre(world.key, frame)),
    }[encap]
    return [
        ethernet(to, mac, IPV4, ipv4(source, at.address, *payload))
        for at in world.cloud.lab
        for to in (hardware(world, at.system_id), STRANGER)
    ]


def test_frames_of_a_port_without_checks_stay_in_its_network(world: World) -> None:
    """Quantum v1.1 checks no address: whatever such a port sends, only the other port of its network may see it."""
    vm, own = world.green[0], {world.green[1].name, "hv3"}
    crafted = [make() for make in CRAFTED.values()]
    for vlan in (1, 2, 3):
        crafted += [tagged(ethernet(mac, vm.mac, IPV4, echo()), vlan) for mac in (RED2, BLUE2, BROADCAST)]
    crafted += [labelled(ethernet(BLUE2, vm.mac, IPV4, echo()), 2, number) for number in range(1, 4)]
    for encap in ("vxlan", "geneve", "gre"):
        for source in ("10.0.0.1", "192.0.2.1"):
            crafted += tunnelled(world, vm.mac, encap, source, BLUE2)
    assert world.seen(vm, *crafted) == own


def test_an_address_learned_in_one_network_is_not_known_in_another(world: World) -> None:
    frame = ethernet(BROADCAST, RED2, IPV4, echo())
    for _ in range(5):
        assert world.seen(world.green[0], frame) == {world.green[1].name, "hv3"}
    assert world.seen(world.red[0], good()) == {world.red[1].name, "hv2"}


def test_nothing_reaches_the_controllers_addresses(world: World) -> None:
    address = world.cloud.lab.controller_address
    control = world.cloud.lab.namespace
    macs = [link(control, "underlay"), hardware(world, "hv1"), STRANGER]
    with Capture(control, "underlay") as wire, Capture(world.cloud[0].namespace, "br-phy") as host:
        for mac in macs:
            for port in (6640, 6653, 9696):
                syn = frames.tcp_syn("10.0.0.1", address, 40000 + port, port)
                world.red[0].send(ethernet(mac, RED1, IPV4, ipv4("10.0.0.1", address, 6, syn)))
        world.red[0].send(ethernet(BROADCAST, RED1, ARP, frames.arp(1, RED1, "10.0.0.1", address)))
        assert world.red[0].ping("10.0.0.2", 1).received
        assert not wire.frames(lambda got: frames.mac(RED1) in got[:14] or b"\x0a\x00\x00\x01" in got[26:34], 0.3)
        assert not host.frames(lambda got: frames.mac(RED1) in got[:14], 0.1)
    assert not world.red[0].reaches(address, within=1)


def test_broadcast_goes_to_the_networks_ports_and_their_switches_only(world: World) -> None:
    red = ethernet(BROADCAST, RED1, IPV4, echo("10.0.0.1", "10.0.0.255"))
    assert world.seen(world.red[0], red) == {world.red[1].name, world.red[2].name, "hv2", "hv3"}
    blue = ethernet(BROADCAST, world.blue[0].mac, IPV4, echo("10.0.0.1", "10.0.0.255"))
    assert world.seen(world.blue[0], blue) == {world.blue[1].name, "hv2"}


def test_multicast_goes_where_broadcast_goes(world: World) -> None:
    blue = ethernet("01:00:5e:01:02:03", world.blue[0].mac, IPV4, echo("10.0.0.1", "239.1.2.3"))
    assert world.seen(world.blue[0], blue) == {world.blue[1].name, "hv2"}


def test_arp_is_answered_at_the_edge(world: World) -> None:
    """The question for a declared address leaves neither the VM's switch nor reaches another VM."""
    question = ethernet(BROADCAST, RED1, ARP, frames.arp(1, RED1, "10.0.0.1", "10.0.0.3") + MARK)
    with world.red[0].capture() as answers:
        assert world.seen(world.red[0], question) == set()
        reply = answers.first(lambda got: got[12:14] == b"\x08\x06" and got[20:22] == b"\0\x02")
    assert reply is not None
    assert reply[22:32] == frames.mac("fa:16:3e:00:0a:03") + frames.address("10.0.0.3")


def test_a_spoofed_arp_does_not_move_an_address(world: World) -> None:
    one, two, three = world.red
    two.forget()
    three.send(*[ethernet(two.mac, three.mac, ARP, frames.arp(2, three.mac, "10.0.0.1", "10.0.0.2", two.mac))] * 5)
    assert two.reaches("10.0.0.1")
    assert two.knows("10.0.0.1") == one.mac


def test_a_port_that_is_down_sends_and_receives_nothing(world: World) -> None:
    api = world.cloud.v2("red")
    port = api.port(world.red_network, "10.0.0.77")
    vm = world.cloud.start(world.cloud[1], port)
    assert world.red[0].reaches("10.0.0.77")
    api.update("port", port["id"], admin_state_up=False)
    assert api.status(port, "DOWN") == "DOWN"
    assert world.seen(world.red[0], ethernet(vm.mac, RED1, IPV4, echo("10.0.0.1", "10.0.0.77"))) == set()
    assert not vm.ping("10.0.0.1", 1, wait=0.5).received
    api.update("port", port["id"], admin_state_up=True)
    assert world.red[0].reaches("10.0.0.77")
    api.delete("port", port["id"])
    assert until(lambda: not world.red[0].ping("10.0.0.77", 1, wait=0.3).received)
    world.cloud.lab.remove(vm)


def test_an_interface_without_a_port_is_cut_off(world: World) -> None:
    stranger = world.cloud.bare(world.cloud[0], "10.0.0.99/24", mac=STRANGER)
    with world.red[0].capture() as red, world.blue[0].capture() as blue:
        stranger.send(ethernet(BROADCAST, STRANGER, IPV4, echo("10.0.0.99", "10.0.0.255")))
        assert not red.frames(lambda got: MARK in got, 0.3)
        assert not blue.frames(lambda got: MARK in got, 0.1)
    world.cloud.lab.remove(stranger)


def hardware(world: World, system_id: str) -> str:
    """The MAC of a hypervisor's underlay address."""
    at = next(at for at in world.cloud.lab if at.system_id == system_id)
    return link(at.namespace, "br-phy")


def link(namespace: str, interface: str) -> str:
    text = run(["ip", "-n", namespace, "-o", "link", "show", interface])
    return text.split("link/ether ")[1].split()[0]
