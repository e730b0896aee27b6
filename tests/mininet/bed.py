"""A bed for experiments: Tenet, an Open vSwitch and Mininet, in this process's own namespaces.

`make test-mininet` runs pytest in namespaces of its own (unshare), so that nothing of this can outlive it: interfaces,
hosts' processes and what Mininet's `mn -c` would sweep away are its own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from mininet.net import Mininet
from mininet.topo import Topo

from tests.lab.processes import Process
from tests.ovs import PrivateOvs
from topology import mininet

TENET = Path(sys.executable).with_name("tenet")
URL = "http://127.0.0.1:9696"


class Bed:
    """Started by `with`: a controller and a switch daemon; then `run` any number of topologies."""

    def __init__(self, options: Mapping[str, Mapping[str, object]] | None = None) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="tenet-bed-"))
        self.ovs = PrivateOvs(dummy=False)
        self.net: Mininet | None = None
        self._options = options or {}
        self._controller: Process | None = None
        self._starts = 0

    def __enter__(self) -> Bed:
        try:
            self.ovs.__enter__()
            # ovs-vsctl, as Mininet calls it, finds its database there
            os.environ["OVS_RUNDIR"] = str(self.ovs.directory)
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *raised: type[BaseException] | BaseException | TracebackType | None) -> None:
        if raised[0] is not None:
            print(self.log()[-8000:])
        self.close()

    def close(self) -> None:
        with suppress(Exception):  # what is left ends with the namespaces
            self.stop_net()
        self.kill()
        self.ovs.close()

    # --- the controller ---

    def start(self) -> None:
        sections: dict[str, dict[str, object]] = {"store": {"url": f"sqlite:///{self.directory}/tenet.db"}}
        for section, values in self._options.items():
            sections.setdefault(section, {}).update(values)
        lines = [f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())
                 for name, values in sections.items()]  # fmt: skip
        (self.directory / "tenet.conf").write_text("\n".join(lines))
        argv = [str(TENET), "run", "--config-file", str(self.directory / "tenet.conf")]
        self._controller = Process(argv, self.directory / "log")
        until(self._healthy, "a controller", self.log)

    def kill(self) -> None:
        if self._controller:
            self._controller.kill()

    def log(self) -> str:
        path = self.directory / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def get(self, path: str) -> Any:
        return json.loads(self.text(path))

    def text(self, path: str) -> str:
        with urllib.request.urlopen(URL + path, timeout=10) as answer:
            return str(answer.read().decode())

    def topology(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get("/tenet/v1/topology")["topology"]
        return found

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(TENET), *arguments], capture_output=True, text=True, timeout=60)

    def _healthy(self) -> bool:
        try:
            return bool(self.get("/healthz")["status"] == "ok")
        except OSError:
            return False

    # --- experiments ---

    def run(self, topo: Topo, **options: Any) -> Mininet:
        """Start a topology and wait until Tenet knows its switches and wires."""
        self.net = mininet.network(topo, **options)
        self.net.start()
        self.await_fabric()
        return self.net

    def await_fabric(self, timeout: float = 60.0) -> None:
        assert self.net is not None
        names = {switch.name for switch in self.net.switches}
        wires = 2 * sum(1 for link in self.net.links if {link.intf1.node.name, link.intf2.node.name} <= names)

        def known() -> bool:
            found = self.topology()
            connected = sum(switch["connected"] and switch["in_step"] for switch in found["switches"])
            return connected >= len(names) and sum(link["used"] for link in found["links"]) == wires

        until(known, f"{len(names)} switches and {wires // 2} wires", lambda: json.dumps(self.topology()), timeout)

    def in_step(self) -> bool:
        """Whether each switch that is connected has the flows that follow from what is known."""
        return all(switch["in_step"] for switch in self.topology()["switches"] if switch["connected"])

    def stop_net(self) -> None:
        if self.net is not None:
            self.net.stop()
            self.net = None


def until(so: Callable[[], object], what: str, more: Callable[[], str] = lambda: "", timeout: float = 60.0) -> None:
    deadline = time.monotonic() + timeout
    while not so():
        assert time.monotonic() < deadline, f"waited in vain for {what}\n{more()[-6000:]}"
        time.sleep(0.05)


def reach(
    net: Mininet, pairs: Iterable[tuple[str, str]], six: bool = False, size: int = 56, count: int = 2
) -> set[tuple[str, str]]:
    """Those of the pairs whose first host gets answers from the second; all at once."""
    started = []
    for one, other in pairs:
        target = net.get(other).params["ip6"].split("/")[0] if six else net.get(other).IP()
        argv = [
            "ping",
            "-6" if six else "-4",
            "-n",
            "-c",
            str(count),
            "-i",
            "0.2",
            "-W",
            "1",
            "-s",
            str(size),
            "-M",
            "do",
            target,
        ]
        started.append(((one, other), net.get(one).popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)))
    found = set()
    for pair, process in started:
        text = process.communicate(timeout=30)[0].decode()
        if re.search(r" ([12]) received", text):
            found.add(pair)
        assert "DUP!" not in text, text
    return found
