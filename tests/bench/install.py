"""100,000 tenant flows into an unprogrammed switch: from the handshake to the bundle's commit.

The peer installs the same flows, given as text, on a bridge of the same ovs-vswitchd.  The two take turns.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from controller.runtime import hub
from tests.bench.figure import Figure, against
from tests.bench.switch import BRIDGE, DPID, ONE, Bench, bench
from tests.ovs import PrivateOvs

TURNS = 5


def measure() -> Iterator[Figure]:
    with bench() as (made, ovs):
        text = ovs.directory / "flows.txt"
        text.write_text("\n".join(str(flow) for flow in made.reconciler.compiler.wanted(ONE)) + "\n")
        theirs = []
        for _ in range(TURNS):
            theirs.append(_peer(ovs, text))
            _ours(made, ovs)
        value, peer = median(made.took), median(theirs)
        yield Figure(
            name="install-100k",
            value=value,
            unit="s",
            peer=peer,
            ratio=against(peer, value),
            peer_is="ovs-ofctl --bundle add-flows of the same flows as text, on a fresh bridge",
            at_least="the peer's time",
            holds=value <= peer,
            details={
                "flows": made.count,
                "flow_messages": made.messages[-1],
                "runs": made.took,
                "peer_runs": theirs,
                "from": "the handshake's end, over a flow dump and one bundle, to its commit; compile not counted",
            },
        )


def _peer(ovs: PrivateOvs, text: Path) -> float:
    ovs.add_bridge(BRIDGE, DPID)
    hub.sleep(0.5)
    command = [
        "ovs-ofctl",
        "--bundle",
        "-O",
        "OpenFlow13",
        "add-flows",
        f"unix:{ovs.directory}/{BRIDGE}.mgmt",
        f"{text}",
    ]
    began = time.perf_counter()
    subprocess.run(command, check=True)
    took = time.perf_counter() - began
    _remove(ovs)
    return took


def _ours(made: Bench, ovs: PrivateOvs) -> None:
    ovs.add_bridge(BRIDGE, DPID, made.target)
    made.await_confirmation()
    held = ovs.ofctl("dump-aggregate", BRIDGE)
    if f"flow_count={made.count}" not in held:
        raise RuntimeError(f"the switch holds other flows than it confirmed: {held}")
    _remove(ovs)


def _remove(ovs: PrivateOvs) -> None:
    """The bridge goes; wait until its flows, which Open vSwitch frees in the background, are gone too."""
    ovs.vsctl("del-br", BRIDGE)
    hub.sleep(2.0)
