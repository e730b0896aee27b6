"""100 real switches: how long until all wires between them are known, and what knowing 1,000 of them costs."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.figure import Figure
from tests.lab.processes import Process
from tests.ovs import PrivateOvs

SWITCHES = 100
WATCHED = 15.0  # seconds over which the cost is taken
KNOWN_WITHIN, SHARE = 5.0, 0.05


def measure() -> Iterator[Figure]:
    with PrivateOvs() as ovs:
        _make(ovs)
        yield _time(ovs)
        _wire(ovs, range(2, 11))
        yield _cost(ovs)


def _make(ovs: PrivateOvs) -> None:
    for number in range(SWITCHES):
        ovs.add_bridge(f"s{number}", number + 1)
    _wire(ovs, range(1, 2))


def _wire(ovs: PrivateOvs, distances: range) -> None:
    """Wires from each switch to those that are so many further on, round a ring."""
    for distance in distances:
        arguments: list[str] = []
        for one in range(SWITCHES):
            other = (one + distance) % SWITCHES
            ends = (f"s{one}", f"a{one}-{distance}"), (f"s{other}", f"b{one}-{distance}")
            for (bridge, name), (_, peer) in (ends, ends[::-1]):
                arguments += ["--", "add-port", bridge, name, "--", "set", "interface", name, "type=patch"]
                arguments += [f"options:peer={peer}"]
        ovs.vsctl(*arguments[1:])


def _time(ovs: PrivateOvs) -> Figure:
    with _Tenet() as tenet:
        _connect(ovs, tenet.openflow)
        tenet.await_(lambda found: found["connected"] == SWITCHES, "/healthz")
        began = time.monotonic()
        tenet.await_links(SWITCHES)
        took = time.monotonic() - began
    return Figure(
        name="discovery", value=took, unit="s", at_least=f"{KNOWN_WITHIN:g} s", holds=took < KNOWN_WITHIN,
        details={"switches": SWITCHES, "links": SWITCHES, "from": "the last switch is connected and adopted"},
    )  # fmt: skip


def _cost(ovs: PrivateOvs) -> Figure:
    with _Tenet() as tenet:
        _connect(ovs, tenet.openflow)
        links = 10 * SWITCHES
        tenet.await_links(links)
        time.sleep(3.0)  # what follows the last link
        before, began = tenet.cpu(), time.monotonic()
        time.sleep(WATCHED)
        share = (tenet.cpu() - before) / (time.monotonic() - began)
        tenet.await_links(links)
    return Figure(
        name="discovery-cost", value=share, unit="of a core", at_least=f"{SHARE:g}", holds=share < SHARE,
        details={"links": links, "switches": SWITCHES, "seconds": WATCHED, "of": "the whole controller, at rest"},
    )  # fmt: skip


def _connect(ovs: PrivateOvs, port: int) -> None:
    arguments: list[str] = []
    for number in range(SWITCHES):
        arguments += ["--", "set-controller", f"s{number}", f"tcp:127.0.0.1:{port}"]
    ovs.vsctl(*arguments[1:])


class _Tenet:
    """`tenet run` with a store of its own."""

    def __enter__(self) -> _Tenet:
        self._directory = tempfile.TemporaryDirectory(prefix="tenet-bench-")
        place = Path(self._directory.name)
        self.rest, self.openflow, ovsdb = _free(3)
        (place / "tenet.conf").write_text(
            f"[store]\nurl = sqlite:///{place}/tenet.db\n[northbound]\nlisten = 127.0.0.1:{self.rest}\n"
            f"[openflow]\nlisten = 127.0.0.1:{self.openflow}\n[ovsdb]\nlisten = 127.0.0.1:{ovsdb}\n"
        )
        tenet = Path(sys.executable).with_name("tenet")
        self._process = Process([str(tenet), "run", "--config-file", str(place / "tenet.conf")], place / "log")
        self.await_(lambda found: found["status"] == "ok", "/healthz")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._directory.cleanup()

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def await_links(self, count: int) -> None:
        self.await_(lambda found: sum(one["used"] for one in found["links"]) == 2 * count, "/tenet/v1/links")

    def await_(self, so: Any, path: str) -> None:
        deadline = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.rest}{path}", timeout=10) as answer:
                    found = json.load(answer)
                if so(found):
                    return
            except OSError:
                found = None
            if time.monotonic() > deadline:
                raise RuntimeError(f"{path}: {str(found)[:500]}\n{self._process.text()[-3000:]}")
            time.sleep(0.05)


def _free(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports
