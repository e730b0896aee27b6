"""Metadata requests a second through one server: VMs on real Open vSwitch, and a controller that is asked each time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figure import Figure
from tests.lab.cloud import Cloud, cloud, until
from tests.lab.metadata import OPTIONS, MetadataServer, ask, serves
from tests.lab.netns import inside, ip
from tests.lab.vm import Vm

VMS, CONNECTIONS, SECONDS = 8, 2, 10
WANTED = 500
_TICKS = os.sysconf("SC_CLK_TCK")

LOAD = r"""
import json, socket, sys, threading, time
CONNECTIONS, SECONDS, LASTING = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3] == "lasting"
ASKED = b"GET /openstack/latest/meta_data.json HTTP/1.1\r\nHost: 169.254.169.254\r\n"
ASKED += b"\r\n" if LASTING else b"Connection: close\r\n\r\n"
times, failed = [], []
def work():
    sock = None
    while time.monotonic() < end:
        began = time.monotonic()
        try:
            if sock is None:
                sock, here = socket.create_connection(("169.254.169.254", 80), 10), 0
            sock.sendall(ASKED)
            got = b""
            while b"\r\n\r\n" not in got:
                got += sock.recv(65536) or 1 / 0
            head, _, body = got.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split()[0])
            while len(body) < length:
                body += sock.recv(65536) or 1 / 0
            if b" 200 " not in head.split(b"\r\n")[0] + b" ":
                failed.append(head[:40].decode())
            times.append(time.monotonic() - began)
            here += 1
            if not LASTING or here == 100:
                sock = sock.close()
        except (OSError, ZeroDivisionError) as error:
            failed.append(repr(error)); sock = None
end = time.monotonic() + SECONDS
threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
[each.start() for each in threads]; [each.join() for each in threads]
print(json.dumps({"times": times, "failed": failed}))
"""


def measure() -> Iterator[Figure]:
    with cloud([("vxlan",)], OPTIONS) as made:
        server = MetadataServer(made, made[0])
        server.start()
        made.controller.api("PUT", f"/tenet/v1/metadata-hosts/{made[0].system_id}")
        vms = _vms(made)
        assert serves(made, made[0]), server.text()
        for vm in vms:
            assert until(lambda vm=vm: ask(vm, "/latest", patience=2.0).status == 200, 30.0)  # type: ignore[misc]
        for kind in ("lasting", "single"):
            yield _figure(made, server, vms, kind)


def _vms(made: Cloud) -> list[Vm]:
    v2 = made.v2("red")
    network = v2.network("n")
    v2.subnet(network, "10.0.0.0/24")
    found = []
    for number in range(VMS):
        told = {"hostname": f"vm{number}", "public_keys": {"mine": "ssh-ed25519 " + "A" * 68}}
        port = v2.port(network, f"10.0.0.{number + 1}", **{"tenet:metadata": told})
        vm = made.start(made[0], port)
        ip(["route add 169.254.169.254/32 dev eth0"], vm.namespace)
        found.append(vm)
    return found


def _figure(made: Cloud, server: MetadataServer, vms: list[Vm], kind: str) -> Figure:
    assert server.process is not None and made.controller.process is not None
    pids = [server.child, made.controller.process.pid]
    before = [_cpu(pid) for pid in pids]
    argv = [sys.executable, "-c", LOAD, str(CONNECTIONS), str(SECONDS), kind]
    running = [subprocess.Popen(inside(vm.namespace, argv), stdout=subprocess.PIPE, text=True) for vm in vms]
    said = [json.loads(each.communicate(timeout=SECONDS + 60)[0]) for each in running]
    served, controller = (_cpu(pid) - was for pid, was in zip(pids, before, strict=True))
    times = sorted(time for each in said for time in each["times"])
    failed = [why for each in said for why in each["failed"]]
    rate = len(times) / SECONDS
    holds = rate >= WANTED and not failed
    return Figure(
        name=f"metadata_{kind}", value=rate, unit="requests/s", at_least=f"{WANTED}", holds=holds,
        details={"cpu_us": 1e6 * controller / len(times), "server_cpu_us": 1e6 * served / len(times),
                 "p50_ms": 1e3 * times[len(times) // 2], "p95_ms": 1e3 * times[len(times) * 95 // 100],
                 "failed": len(failed), "connections": VMS * CONNECTIONS},
    )  # fmt: skip


def _cpu(pid: int) -> float:
    """Seconds of processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
