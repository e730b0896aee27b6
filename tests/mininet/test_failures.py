"""Wires and switches that go and come back during traffic: no frame comes twice, and what falls apart goes on."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.census import Census, Sent, every_pair, expected, never_twice, on_and_on, told
from tests.lab.netns import ip
from tests.mininet.bed import Bed, until
from tests.mininet.tenants import all_is_well, joined, share
from tests.mininet.topologies import FatTree, Ring
from tests.ovs import PrivateOvs


def test_a_fat_tree_loses_wires_and_a_switch_and_gets_them_back() -> None:
    wires = (("u00", "c0"), ("u00", "c1"), ("u10", "l10"), ("u20", "c0"))
    with Bed() as bed:
        net = bed.run(FatTree(4))
        tenants = share(net)
        joined(bed, tenants)
        with Census(tenants) as census:
            with census.traffic(on_and_on(tenants)) as sent:
                for near, far in wires:
                    net.configLinkStatus(near, far, "down")
                    time.sleep(0.3)
                core = net.get("c2")
                core.stop(deleteIntfs=False)  # gone, while its neighbours' ports stay up
            never_twice(census, sent)
            until(lambda: any(link["cost"] > 1 for link in bed.topology()["links"]), "the switch to count as away")
            until(bed.in_step, "switches in step")
            all_is_well(bed, census, tenants)  # there is always a way left
            with census.traffic(on_and_on(tenants)) as sent:
                for near, far in wires:
                    net.configLinkStatus(near, far, "up")
                core.start(net.controllers)
                bed.await_fabric()
            never_twice(census, sent)
            all_is_well(bed, census, tenants)


def test_a_ring_that_falls_apart_and_heals() -> None:
    cut = (("s2", "s3"), ("s4", "s1"))
    with Bed() as bed:
        net = bed.run(Ring())
        tenants = {"red": share(net, ("red",))["red"][:4]}  # one at each switch
        joined(bed, tenants)
        island = {"h1": 0, "h2": 0, "h3": 1, "h4": 1}
        with Census(tenants) as census:
            all_is_well(bed, census, tenants)
            for near, far in cut:
                net.configLinkStatus(near, far, "down")
            until(lambda: len(bed.topology()["links"]) == 6, "two parts")
            until(bed.in_step, "switches in step")
            frames = every_pair(tenants, 0)
            census.send(frames)
            wanted = Counter({(name, frame): n for (name, frame), n in expected(frames).items()
                              if island[name] == island[sender(frames, frame)]})  # fmt: skip
            assert not told(got := census.got(wanted) - wanted), got
            reasons = [port["reason"] for port in bed.topology()["ports"]]
            assert all("no links lead to" in reason for reason in reasons), "each port says so"
            with census.traffic(on_and_on(tenants)) as sent:
                for near, far in cut:
                    net.configLinkStatus(near, far, "up")
                bed.await_fabric()
            assert not told(census.got(Counter()) - expected(sent)), "twice"
            until(lambda: all(port["reason"] == "" for port in bed.topology()["ports"]), "all to be well")
            all_is_well(bed, census, tenants)


def sender(frames: list[Sent], frame: bytes) -> str:
    return next(one.sender.name for one in frames if one.frame == frame)


def test_a_wire_that_flaps_ten_times_a_second_is_held_down_and_said_so() -> None:
    with Bed() as bed:
        net = bed.run(Ring())
        tenants = share(net, ("red", "blue"))
        joined(bed, tenants)
        with Census(tenants) as census:
            with census.traffic(on_and_on(tenants)) as sent:
                began = time.monotonic()
                for turn in range(80):
                    ip([f"link set s3-eth2 {'up' if turn % 2 else 'down'}"])
                    time.sleep(max(0.0, began + turn / 20 - time.monotonic()))
                states = [link["state"] for link in bed.topology()["links"]]
            assert "damped" in states
            assert "its wire flaps and is held down until it has been quiet" in bed.log()
            said = bed.command("doctor")
            assert said.returncode == 1
            assert "flaps" in said.stdout
            never_twice(census, sent)
            until(bed.in_step, "switches in step")
            all_is_well(bed, census, tenants)  # the other way round
            until(lambda: used(bed) == 10, "it to be quiet", timeout=60)


def test_a_switch_that_vanishes_without_closing_is_gone_round_and_taken_back() -> None:
    """A fifth switch, of an Open vSwitch of its own that stands still: its connections stay open, its ports up."""
    anywhere = {"openflow": {"listen": "0.0.0.0:6653", "echo_interval": 1}, "security": {"allow_plaintext": True}}
    with Bed(anywhere) as bed, namespace("away"), PrivateOvs(dummy=False, namespace="away") as away:
        net = bed.run(Ring())
        tenants = share(net, ("red", "blue"))
        joined(bed, tenants)
        ip(["link add ctl type veth peer name ctl netns away", "link set ctl up", "addr add 198.51.100.1/24 dev ctl"])
        ip(["link set lo up", "link set ctl up", "addr add 198.51.100.5/24 dev ctl"], "away")
        away.add_bridge("s5", 5, "tcp:198.51.100.1:6653")
        for near in ("s1", "s3"):  # as short as by s2 and s4
            ip([f"link add {near}-far type veth peer name s5-{near} netns away", f"link set {near}-far up"])
            ip([f"link set s5-{near} up"], "away")
            net.get(near).attach(f"{near}-far")
            away.vsctl("add-port", "s5", f"s5-{near}")
        until(lambda: used(bed) == 14, "s5's wires")
        until(bed.in_step, "switches in step")
        with Census(tenants) as census:
            all_is_well(bed, census, tenants)
            with census.traffic(on_and_on(tenants)) as sent:
                away.signal(signal.SIGSTOP)
                until(lambda: used(bed) == 10, "silence")
                until(bed.in_step, "switches in step")
            never_twice(census, sent)
            all_is_well(bed, census, tenants)
            until(lambda: "s5 (0000000000000005) is not connected" in bed.command("doctor").stdout, "it", timeout=60)
            with census.traffic(on_and_on(tenants)) as sent:
                away.signal(signal.SIGCONT)
                until(lambda: used(bed) == 14, "s5's wires", timeout=60)
                until(bed.in_step, "switches in step")
            never_twice(census, sent)
            all_is_well(bed, census, tenants)


def used(bed: Bed) -> int:
    return sum(link["used"] for link in bed.topology()["links"])


@contextmanager
def namespace(name: str) -> Iterator[None]:
    ip([f"netns add {name}"])
    try:
        yield
    finally:
        ip([f"netns del {name}"])
