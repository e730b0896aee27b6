"""Experiments on Mininet, timed: attach to pingall, a wire that breaks, throughput over labels.

Each runs in namespaces of its own (tools/alone.sh), like the tests on Mininet.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import msgspec

from tests.bench.figure import Figure

ROOT = Path(__file__).parents[2]
SECONDS, PAIRS = 2, 9  # of iperf3; each way of carrying, one after the other


def measure() -> Iterator[Figure]:
    """Starts itself anew in namespaces of its own."""
    command = [str(ROOT / "tools" / "alone.sh"), sys.executable, "-m", "tests.bench.wired"]
    done = subprocess.run(command, stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    yield from (msgspec.json.decode(line, type=Figure) for line in done.stdout.splitlines() if line.startswith(b"{"))
    if done.returncode:
        raise RuntimeError("an experiment failed; it has said why")


def alone() -> Iterator[Figure]:
    yield pingall()
    yield from failover()
    yield throughput()


def pingall() -> Figure:
    from mininet.topolib import TreeTopo

    from tests.mininet.bed import Bed, reach
    from tests.mininet.tenants import share
    from topology.mininet import attach

    with Bed() as bed:
        net = bed.run(TreeTopo(depth=2, fanout=4))
        tenants = {name: [host.name for host in hosts] for name, hosts in share(net, ("red", "blue")).items()}
        pairs = {pair for members in tenants.values() for pair in permutations(members, 2)}
        began = time.monotonic()
        attach(net, tenants)
        attached = time.monotonic() - began
        found = reach(net, pairs, count=1)
        took = time.monotonic() - began
    return Figure(
        name="mininet-pingall", value=took, unit="s", at_least="5 s", holds=took < 5 and found == pairs,
        details={"hosts": 16, "tenants": 2, "pairs": len(pairs), "answered": len(found), "until_attached": attached},
    )  # fmt: skip


def failover() -> Iterator[Figure]:
    """h1 to h16 in a 4-ary fat-tree: the first wire of the path, which has others beside it; the last has none."""
    from tests.mininet.bed import Bed
    from tests.mininet.topologies import FatTree
    from topology.mininet import attach

    with Bed() as bed:
        net = bed.run(FatTree(4))
        one, other = net.get("h1", "h16")
        attach(net, {"red": [one, other]})
        for name, last, limit in (("local alternate", False, 50), ("no local alternate", True, 300)):
            lost = [_break(bed, net, one, other, last) for _ in range(3)]
            yield Figure(
                name=f"link-failover, {name}", value=float(sorted(lost)[1]), unit="packets", at_least=f"{limit}",
                holds=max(lost) < limit, details={"runs": lost, "rate": "a packet a millisecond", "switches": 20},
            )  # fmt: skip


def _break(bed: Any, net: Any, one: Any, other: Any, last: bool) -> int:
    """Packets lost while a wire of the path goes down and stays so for a second; then it is put back."""
    ping = one.popen(["ping", "-n", "-i", "0.001", "-c", "2500", other.IP()], stdout=subprocess.PIPE)
    time.sleep(0.4)
    near, far = _used(net, other if last else one, last)
    time.sleep(0.4)
    net.configLinkStatus(near, far, "down")
    said = ping.communicate(timeout=60)[0].decode()
    net.configLinkStatus(near, far, "up")
    bed.await_fabric()
    time.sleep(1.0)
    sent, received = map(int, re.search(r"(\d+) packets transmitted, (\d+) received", said).groups())  # type: ignore[union-attr]
    return sent - received


def _used(net: Any, host: Any, into: bool) -> tuple[str, str]:
    """The wire between a host's switch and the next, out of it or into it, that frames take at this moment: counters of
    the interfaces say so, since which of several equal paths it is follows from a hash.
    """
    here = host.defaultIntf().link.intf2.node if host.defaultIntf().link.intf1.node is host else None
    here = here or host.defaultIntf().link.intf1.node
    ends = []
    for link in net.links:
        pair = (link.intf1, link.intf2)
        for mine, theirs in (pair, pair[::-1]):
            if mine.node is here and theirs.node in net.switches:
                ends.append((theirs if into else mine, theirs.node.name))
    before = [_sent(interface) for interface, _ in ends]
    time.sleep(0.3)
    grown = [_sent(interface) - was for (interface, _), was in zip(ends, before, strict=True)]
    return here.name, ends[grown.index(max(grown))][1]


def _sent(interface: Any) -> int:
    return int(Path(f"/sys/class/net/{interface.name}/statistics/tx_packets").read_text())


def throughput() -> Figure:
    """In turn over one row of three switches, which is Tenet's, and over another with flows written by hand: whatever
    else the machine does is then in both, and the middle of the ratios is told.
    """
    import networkx as nx

    from tests.mininet.bed import Bed
    from tests.mininet.topologies import Graph
    from topology.mininet import attach

    with Bed() as bed:
        net = bed.run(Graph(graph=nx.MultiGraph([(0, 1), (1, 2), (3, 4), (4, 5)]), hosts=6))
        hosts = net.hosts
        attach(net, {"red": [hosts[0], hosts[2]], "blue": [hosts[3], hosts[5]]})
        _by_hand(bed, net.switches[3:], hosts[3], hosts[5])
        ways = ((hosts[0], hosts[2]), (hosts[3], hosts[5]))
        runs = [[_iperf(one, other, bed.ovs.cpu) for one, other in ways] for _ in range(PAIRS)]
    ratios = [ours.rate / theirs.rate for ours, theirs in runs]
    ours, theirs = (median(run[way].rate for run in runs) for way in (0, 1))
    work = median(ours.work / theirs.work for ours, theirs in runs)
    return Figure(
        name="fabric-throughput", value=ours, unit="Mbit/s", peer=theirs, ratio=median(ratios), at_least="ratio 0.8",
        peer_is="hand-written flows by MAC address on switches like these, without labels",
        holds=median(ratios) > 0.8,
        details={"switches": 3, "seconds": SECONDS, "ratios": ratios, "switches_cpu_for_a_bit": work},
    )  # fmt: skip


def _by_hand(bed: Any, switches: list[Any], first: Any, last: Any) -> None:
    """Take switches in a row away from Tenet, and forward between the hosts at their ends by MAC address."""
    for number, switch in enumerate(switches):
        bed.ovs.vsctl("del-controller", switch.name)
        bed.ovs.ofctl("del-flows", switch.name)
        for host, ahead in ((first, switches[number - 1] if number else first),
                            (last, switches[number + 1] if number < len(switches) - 1 else last)):  # fmt: skip
            port = switch.ports[switch.connectionsTo(ahead)[0][0]]
            bed.ovs.ofctl("add-flow", switch.name, f"dl_dst={host.MAC()},actions=output:{port}")
        bed.ovs.ofctl("add-flow", switch.name, "priority=1,dl_dst=ff:ff:ff:ff:ff:ff,actions=flood")


class Run(NamedTuple):
    """Mbit/s of one TCP connection, and seconds of the switches' processor time for a Gbit of it."""

    rate: float
    work: float


def _iperf(one: Any, other: Any, cpu: Callable[[], float]) -> Run:
    server = other.popen(["iperf3", "-s", "-1"], stdout=subprocess.DEVNULL)
    time.sleep(0.5)
    before = cpu()
    client = one.popen(["iperf3", "-J", "-t", str(SECONDS), "-c", other.IP()], stdout=subprocess.PIPE)
    said = msgspec.json.decode(client.communicate(timeout=60)[0])
    server.wait(10)
    received = said["end"]["sum_received"]
    return Run(received["bits_per_second"] / 1e6, (cpu() - before) / (received["bytes"] * 8e-9))


if __name__ == "__main__":
    from tests.mininet import find

    find()
    for figure in alone():
        sys.stdout.buffer.write(msgspec.json.encode(figure) + b"\n")
        sys.stdout.buffer.flush()
