"""Wires and switches that go and come back during traffic; what partitions goes on in its parts."""

from __future__ import annotations

import re
import subprocess
import time
from itertools import permutations

from tests.mininet.bed import Bed, reach, share, until
from tests.mininet.test_pingall import Ring
from tests.mininet.topologies import FatTree
from topology.mininet import attach


def test_a_fat_tree_loses_wires_and_a_switch_and_gets_them_back() -> None:
    with Bed() as bed:
        net = bed.run(FatTree(4))
        tenants = share(net)
        attach(net, tenants)
        pairs = {pair for members in tenants.values() for pair in permutations(members, 2)}
        assert reach(net, pairs) == pairs
        one, other = net.get(tenants["red"][0]), net.get(tenants["red"][-1])
        ping = one.popen(["ping", "-n", "-D", "-i", "0.01", other.IP()], stdout=subprocess.PIPE)
        for near, far in (("u00", "c0"), ("u00", "c1"), ("u10", "l10"), ("u20", "c0")):
            net.configLinkStatus(near, far, "down")
            time.sleep(0.3)
        core = net.get("c2")
        core.stop(deleteIntfs=False)  # gone, while its neighbours' ports stay up: only silence tells
        time.sleep(3.2)
        assert reach(net, pairs) == pairs, "there is always a way left"
        for near, far in (("u00", "c0"), ("u00", "c1"), ("u10", "l10"), ("u20", "c0")):
            net.configLinkStatus(near, far, "up")
        core.start(net.controllers)
        bed.await_fabric()
        time.sleep(0.5)
        ping.send_signal(2)
        said = ping.communicate(timeout=20)[0].decode()
        assert "DUP!" not in said
        sent, received = map(int, re.search(r"(\d+) packets transmitted, (\d+) received", said).groups())  # type: ignore[union-attr]
        assert sent - received < 300 + 4 * 30, f"{sent - received} of {sent}: 3 s for the switch, 300 ms for each wire"
        assert reach(net, pairs) == pairs


def test_a_ring_that_falls_apart_and_heals() -> None:
    with Bed() as bed:
        net = bed.run(Ring())
        attach(net, {"red": ["h1", "h3", "h5", "h7"]})  # one at each switch
        pairs = set(permutations(("h1", "h3", "h5", "h7"), 2))
        assert reach(net, pairs) == pairs
        for near, far in (("s2", "s3"), ("s4", "s1")):
            net.configLinkStatus(near, far, "down")
        inside = {("h1", "h3"), ("h3", "h1"), ("h5", "h7"), ("h7", "h5")}
        until(lambda: len(bed.topology()["links"]) == 6, "two parts")
        assert reach(net, pairs) == inside
        until(
            lambda: all("no links lead to" in port["reason"] for port in bed.topology()["ports"]), "the ports to say so"
        )
        for near, far in (("s2", "s3"), ("s4", "s1")):
            net.configLinkStatus(near, far, "up")
        bed.await_fabric()
        until(lambda: all(port["reason"] == "" for port in bed.topology()["ports"]), "all to be well")
        assert reach(net, pairs) == pairs
