"""What hosts say of wires is not believed, on real switches."""

from __future__ import annotations

import re
import socket
import time
from contextlib import ExitStack

from tests.lab.capture import Capture
from tests.lab.census import Census, Host
from tests.lab.netns import socket_in
from tests.mininet.bed import Bed, until
from tests.mininet.tenants import all_is_well, joined, share
from tests.mininet.topologies import Ring
from topology.discovery import ProbePort, frame, is_lldp
from topology.neighbors import FRESH


def say(host: Host, *frames: bytes) -> None:
    with socket_in(host.namespace, socket.AF_PACKET, socket.SOCK_RAW) as out:
        out.bind((host.interface, 0))
        for one in frames:
            out.send(one)


def frames(bed: Bed, what: str) -> int:
    """How many of discovery have become that, by Tenet's own count."""
    found = re.search(rf'^tenet_lldp_frames_total{{what="{what}"}} (\d+)', bed.text("/metrics"), re.MULTILINE)
    return int(found[1]) if found else 0


def test_forged_replayed_and_truncated_frames_of_hosts_make_no_wire() -> None:
    with Bed() as bed:
        net = bed.run(Ring())
        everybody = share(net, ("red",))["red"]
        tenants, (outside, beside) = {"red": everybody[:6]}, everybody[6:]  # at s3 and s4, in no network
        joined(bed, tenants)
        with ExitStack() as stack:
            deaf = stack.enter_context(Capture(tenants["red"][0].namespace, tenants["red"][0].interface))
            heard = stack.enter_context(Capture(outside.namespace, outside.interface))
            genuine = heard.first(is_lldp)
            assert genuine is not None, "a port of nobody is probed"
            wires = bed.topology()["links"]
            before = frames(bed, "forged")
            wrong = [genuine[:40] + bytes([genuine[40] ^ 1]) + genuine[41:]]
            wrong += [frame(bytes(32), ProbePort(dpid, 1), time.time_ns() // 1000, bytes(6)) for dpid in (1, 2, 9)]
            wrong += [genuine[:size] for size in (20, 60, len(genuine) - 1)]
            for host in tenants["red"]:
                say(host, genuine, genuine, *wrong)
            say(beside, *wrong)
            until(lambda: frames(bed, "forged") == before + len(wrong), "them to be seen through")
            time.sleep(FRESH / 1e6)
            say(beside, genuine)
            until(lambda: frames(bed, "stale"), "it to come too late")
            assert bed.topology()["links"] == wires
            assert not [one for one in deaf.frames() if is_lldp(one)], "a tenant hears none"
        with Census(tenants) as census:
            all_is_well(bed, census, tenants)
