"""A running Tenet on loopback: `tenet run` as a process of its own, and plain connections to it."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.lab.processes import Process

PATIENCE = 60.0  # seconds until it must be ready
_READY = re.compile(r"ready: REST \('127\.0\.0\.1', (\d+)\)")


class Live:
    """`port`: of its REST API."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def call(self, method: str, path: str, body: object = None, token: str = "") -> tuple[int, Any]:
        """(status, what its JSON says)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        data = None if body is None else json.dumps(body).encode()
        connection.request(method, path, data, {"Content-Type": "application/json", "X-Auth-Token": token})
        response = connection.getresponse()
        said = response.read()
        connection.close()
        return response.status, json.loads(said) if said else None

    def dial(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)


@contextmanager
def running(directory: Path, more: str = "") -> Iterator[Live]:
    """`more`: sections of its configuration."""
    config = directory / "tenet.conf"
    config.write_text(
        f"[store]\nurl = sqlite:///{directory}/tenet.db\n[northbound]\nlisten = 127.0.0.1:0\nhosts = tenet, a\n"
        f"[openflow]\nlisten = 127.0.0.1:0\n[ovsdb]\nlisten = 127.0.0.1:0\n{more}"
    )
    tenet = Path(sys.executable).with_name("tenet")
    process = Process([str(tenet), "run", "--config-file", str(config)], directory / "log")
    try:
        yield Live(process, _port(process))
        process.signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()


def _port(process: Process) -> int:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.running():
        found = _READY.search(process.text())
        if found:
            return int(found[1])
        time.sleep(0.05)
    raise RuntimeError(f"no Tenet:\n{process.text()[-4000:]}")
