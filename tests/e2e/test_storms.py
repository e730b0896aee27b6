"""A cable between two ports of one network: what goes round in it is limited in the switch, and others go on."""

import time
from collections.abc import Iterator

import pytest

from tests.lab import Vm, frames
from tests.lab.cloud import Cloud, cloud, settled, until
from tests.lab.netns import ip

RATE = 200  # frames a second and port
BROADCAST = "ff:ff:ff:ff:ff:ff"


class World:
    """Red: an ordinary VM on each hypervisor, and two learning ports on the first, plugged together.  Blue: a VM on
    each.
    """

    def __init__(self, made: Cloud) -> None:
        self.cloud, self.one = made, made[0]
        self.v1 = made.v1("red")
        self.red = self.v1.network("red")
        self.talker, self.far = (made.bare(made[at], f"10.0.0.{at + 1}/24", iface_id=f"vm{at}") for at in (0, 1))
        self.ports = [self.v1.port(self.red, vif) for vif in ("vm0", "vm1", "cable0", "cable1")]
        api = made.v2("blue")
        blue = api.network("blue")
        api.subnet(blue, "10.0.0.0/24")
        self.near, self.other = (
            made.start(made[at], api.port(blue, f"10.0.0.{at + 1}")) for at in (0, 1)
        )  # fmt: skip
        assert self.near.reaches("10.0.0.2") and self.talker.reaches("10.0.0.2")

    def plug_the_cable(self) -> None:
        namespace = self.one.namespace
        ip(["link add cable0 type veth peer name cable1", "link set cable0 up", "link set cable1 up"], namespace)
        for end in ("cable0", "cable1"):
            self.one.vsctl("add-port", "br-int", end, "--", "set", "interface", end, f"external_ids:iface-id={end}")
        for port in self.ports:
            assert self.v1.status(self.red, port, "UP") == "UP"

    def pull_the_cable(self) -> None:
        for end in ("cable0", "cable1"):
            self.one.vsctl("--if-exists", "del-port", "br-int", end)
        ip(["link del cable0"], self.one.namespace)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with cloud([["vxlan"]] * 2, {"network": {"broadcast_rate": RATE}}) as made:
        yield World(made)


def received(vm: Vm) -> int:
    return int(vm.exec("cat", "/sys/class/net/eth0/statistics/rx_packets"))


def test_a_cable_between_two_ports_melts_nothing(world: World) -> None:
    controller = world.cloud.controller
    world.plug_the_cable()
    asked, moved = controller.metric("tenet_packet_ins_total"), controller.metric("tenet_addresses_learned_total")
    began, heard = time.monotonic(), received(world.far)
    world.talker.send(frames.ethernet(BROADCAST, world.talker.mac, 0x88B5, b"round and round"))
    assert until(lambda: received(world.far) > heard + RATE)  # it does go round
    pinged = world.near.ping("10.0.0.2", 30)
    assert pinged.lost <= 3
    took, copies = time.monotonic() - began, received(world.far) - heard
    assert copies <= 2 * RATE * (took + 2)  # of each end as much as its meter lets through, and one burst
    assert controller.metric("tenet_packet_ins_total") - asked <= 2 * 62 * (took + 2)  # two meters of eight for 500
    assert controller.metric("tenet_addresses_learned_total") - moved <= 12
    world.pull_the_cable()
    assert until(lambda: world.talker.reaches("10.0.0.2"), within=30)


def test_known_unicast_is_not_limited(world: World) -> None:
    count = 5 * RATE
    pinged = world.near.ping("10.0.0.2", count, interval=0.001)
    assert pinged.lost <= count // 100


def test_a_rate_that_somebody_changed_is_put_right(world: World) -> None:
    """The switch loses its meters, and tells of the flows that went with them."""
    repaired = world.cloud.controller.metric("tenet_flows_repaired_total")
    world.one.ofctl("del-meters")
    assert until(lambda: world.cloud.controller.metric("tenet_flows_repaired_total") > repaired)
    assert until(lambda: settled(world.cloud.controller.switches()[world.one.system_id]))
    shown = world.cloud.controller.switches()[world.one.system_id]
    assert settled(shown) and shown["unlimited"] == "" and shown["broadcast_rate"] == RATE
    assert world.one.ofctl("dump-meters").count(f"rate={RATE} burst_size={RATE}") == 2  # of red's VM and of blue's
    assert world.near.reaches("10.0.0.2")
