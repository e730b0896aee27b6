"""A switch with 100,000 right flows reconnects: what it is sent, and how long until it is known to be right.

The peer, ovs-ofctl diff-flows, finds that the bridge holds what a file says.
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
WANTED = 2.0  # seconds


def measure() -> Iterator[Figure]:
    with bench() as (made, ovs):
        text = ovs.directory / "flows.txt"
        # diff-flows compares cookies as well
        lines = [f"cookie={flow.cookie:#x},{flow}" for flow in made.reconciler.compiler.wanted(ONE)]
        text.write_text("\n".join(lines) + "\n")
        ovs.add_bridge(BRIDGE, DPID, made.target)
        made.await_confirmation()
        theirs = []
        for _ in range(TURNS):
            _reconnect(made)
            theirs.append(_peer(ovs, text))
        seconds, messages = made.took[1:], sum(made.messages[1:])
        value, peer = median(seconds), median(theirs)
        yield Figure(
            name="resync-unchanged",
            value=value,
            unit="s",
            peer=peer,
            ratio=against(peer, value),
            peer_is="ovs-ofctl diff-flows of the bridge against the same flows as text",
            at_least="0 messages, 2 s",
            holds=value <= WANTED and messages == 0,
            details={
                "flow_messages": messages,
                "flows": made.count,
                "runs": seconds,
                "peer_runs": theirs,
                "from": "the handshake's end to the comparison's",
            },
        )


def _reconnect(made: Bench) -> None:
    assert made.session is not None
    made.gone.clear()
    made.session.close("to see it come back")
    made.gone.wait()
    made.await_confirmation()


def _peer(ovs: PrivateOvs, text: Path) -> float:
    target = f"unix:{ovs.directory}/{BRIDGE}.mgmt"
    began = time.perf_counter()
    done = subprocess.run(["ovs-ofctl", "-O", "OpenFlow13", "diff-flows", target, text], capture_output=True, text=True)
    took = time.perf_counter() - began
    hub.sleep(0)
    if done.returncode not in (0, 2):
        raise RuntimeError(done.stderr)
    return took
