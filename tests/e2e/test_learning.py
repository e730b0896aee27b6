"""Ports of Quantum v1.1: addresses are learned from traffic, at most 64 a port, and never from a declared owner."""

import time
from collections.abc import Iterator

import pytest

from tests.lab import Vm, frames
from tests.lab.cloud import Cloud, cloud, until

MOST = 64
TRIED = 80


class World:
    """One v1.1 network: `talker` on the first hypervisor, `asker` and `witness` on the others."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.api = cloud.v1("green")
        self.network = self.api.network("n")
        self.vms = [cloud.bare(at, f"10.0.0.{n}/24", iface_id=f"vif{n}") for n, at in enumerate(cloud.lab, start=1)]
        self.ports = [self.api.port(self.network, vm.iface_id) for vm in self.vms]
        for port in self.ports:
            assert self.api.status(self.network, port, "UP") == "UP"
        self.talker, self.asker, self.witness = self.vms
        for vm in self.vms:  # all three are known
            assert vm.reaches("10.0.0.1") and vm.reaches("10.0.0.2") and vm.reaches("10.0.0.3")

    def flooded(self, macs: list[str]) -> set[str]:
        """Of these MACs, those whose frames the witness gets although they are not for it: nobody has learned them."""
        with self.witness.capture() as seen:
            self.asker.send(*[frame(mac, self.asker.mac) for mac in macs], pause=0.001)
            got = seen.frames(lambda each: each[12:14] == b"\x88\xb5", 0.3)
        return {each[:6].hex(":") for each in got}


def frame(to: str, source: str) -> bytes:
    """Ethertype 0x88b5 is for local experiments (IEEE 802)."""
    return frames.ethernet(to, source, 0x88B5, b"hello")


def macs(first: int) -> list[str]:
    return [f"fa:16:3e:{first:02x}:00:{number:02x}" for number in range(TRIED)]


def talk(vm: Vm, to: str, sources: list[str]) -> None:
    vm.send(*[frame(to, source) for source in sources], pause=0.002)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with cloud([["vxlan"]] * 3) as made:
        yield World(made)


def test_an_address_once_seen_is_reached_alone(world: World) -> None:
    known, unknown = macs(1)[0], macs(1)[1]

    def learned() -> bool:
        talk(world.talker, world.asker.mac, [known])
        return world.flooded([known, unknown]) == {unknown}

    assert until(learned)
    with world.talker.capture() as seen:
        world.asker.send(frame(known, world.asker.mac))
        assert seen.first(lambda got: got[:6] == frames.mac(known))


def test_a_port_has_at_most_64_addresses_and_keeps_none_when_unplugged(world: World) -> None:
    tried = macs(2)

    def most_learned() -> bool:
        talk(world.talker, world.asker.mac, tried)
        return len(world.flooded(tried)) <= TRIED - MOST + 4  # earlier tests' addresses are among the 64

    assert until(most_learned, within=90)
    talk(world.talker, world.asker.mac, tried)
    time.sleep(1)
    assert len(world.flooded(tried)) >= TRIED - MOST
    world.talker.unplug()
    assert until(lambda: world.flooded(tried) == set(tried))
    assert world.api.status(world.network, world.ports[0], "DOWN") == "DOWN"
    world.talker.plug()
    assert world.api.status(world.network, world.ports[0], "UP") == "UP"
    assert world.talker.reaches("10.0.0.2")
    assert world.flooded(tried[:8]) == set(tried[:8])


def test_an_address_moves_with_its_owner(world: World) -> None:
    moving = macs(3)[0]

    def learned() -> bool:
        talk(world.talker, world.asker.mac, [moving])
        return not world.flooded([moving])

    assert until(learned)

    def moved() -> bool:
        talk(world.witness, world.asker.mac, [moving])
        with world.talker.capture() as old, world.witness.capture() as new:
            world.asker.send(frame(moving, world.asker.mac))
            at_new = new.first(lambda got: got[:6] == frames.mac(moving), 0.3)
            return bool(at_new and not old.frames(lambda got: got[:6] == frames.mac(moving), 0.1))

    assert until(moved, within=90)


def test_a_declared_owner_keeps_its_address(world: World) -> None:
    """A v2.0 port on the same network: no v1.1 port can take its MAC, and unknown unicast does not come to it."""
    api = world.cloud.v2("green")
    network = {"id": world.network}
    api.subnet(network, "10.0.0.0/24")
    service = "network:tests"  # declares its address and is not filtered: no security group lets other ethertypes in
    port = api.port(network, "10.0.0.50", mac_address="fa:16:3e:50:50:50", device_owner=service)
    owner = world.cloud.start(world.cloud[1], port)
    assert world.talker.reaches("10.0.0.50")
    for _ in range(5):
        talk(world.witness, world.asker.mac, [owner.mac])
        time.sleep(0.1)
    with owner.capture() as mine, world.witness.capture() as theirs:
        world.talker.send(frame(owner.mac, world.talker.mac))
        assert mine.first(lambda got: got[12:14] == b"\x88\xb5")
        assert not theirs.frames(lambda got: got[12:14] == b"\x88\xb5", 0.2)
    with owner.capture() as mine:
        unknown = macs(4)[5]
        assert unknown in world.flooded([unknown])
        assert not mine.frames(lambda got: got[12:14] == b"\x88\xb5", 0.2)


def test_a_port_with_a_large_openflow_number_has_a_key_of_its_own(world: World) -> None:
    """Open vSwitch counts up to 65,279: beyond 32,767 the controller allots a key, and packet-ins carry it."""
    on = world.cloud[0]
    vm = world.cloud.bare(on, "10.0.0.9/24", iface_id="vif9")
    on.vsctl("set", "interface", vm.name, "ofport_request=40000")
    port = world.api.port(world.network, vm.iface_id)
    assert world.api.status(world.network, port, "UP") == "UP"
    assert vm.reaches("10.0.0.2") and world.asker.reaches("10.0.0.9")
    flows = "\n".join(on.flows())
    assert "in_port=40000" in flows and "reg6=0x8000/0xffff" in flows and "actions=output:40000" in flows
    assert until(lambda: f"dl_src={vm.mac}" in "\n".join(on.flows())), "its address is learned"


def test_learning_stops_asking_the_controller(world: World) -> None:
    assert world.talker.reaches("10.0.0.2")
    time.sleep(0.5)
    before = world.cloud.controller.metric("tenet_packet_ins_total")
    assert world.talker.ping("10.0.0.2", 50, interval=0.01).lost == 0
    assert world.cloud.controller.metric("tenet_packet_ins_total") == before
