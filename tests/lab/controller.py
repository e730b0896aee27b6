"""The controller under test: `tenet run` as a process in the lab's underlay namespace, and a client of its REST API."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.lab.lab import Lab
from tests.lab.netns import inside, socket_in
from tests.lab.processes import Process

Options = Mapping[str, Mapping[str, object]]
START = 60.0  # seconds until GET /healthz must answer


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


class Controller:
    """Runs between `start` and `stop` or `kill`, any number of times, on the same store."""

    def __init__(self, lab: Lab, options: Options | None = None, tls: Mapping[str, Path] | None = None) -> None:
        """`options`: section to option to value, over the lab's own.  `tls`: ca, certificate, private_key."""
        self.lab = lab
        self.address = lab.controller_address
        self._host = f"[{self.address}]" if ":" in self.address else self.address
        self.tls = tls
        self.rest = "127.0.0.1"  # where its REST API is asked
        self.scheme = "ssl" if tls else "tcp"
        self.directory = lab.directory / f"controller-{len(list(lab.directory.glob('controller-*')))}"
        self.directory.mkdir()
        self.log = self.directory / "log"
        self.process: Process | None = None
        self.environment: dict[str, str] = {}  # beyond this process's own
        self.token = ""  # that its REST API is asked with
        security: dict[str, object] = dict(tls) if tls else {"allow_plaintext": "true"}
        self._write_config(
            {
                "store": {"url": f"sqlite:///{self.directory}/tenet.db"},
                "northbound": {"listen": "127.0.0.1:9696"},
                "openflow": {"listen": f"{self._host}:6653"},
                "ovsdb": {"listen": f"{self._host}:6640"},
                "security": security,
            },
            options or {},
        )
        lab.at_end(self.kill)

    @property
    def manager(self) -> str:
        """What a hypervisor's `ovs-vsctl set-manager` is to be told."""
        return f"{self.scheme}:{self._host}:6640"

    def start(self) -> None:
        """Start it and wait for GET /healthz to answer 200; raises RuntimeError with its log when it does not."""
        tenet = Path(sys.executable).with_name("tenet")
        argv = [str(tenet), "run", "--config-file", str(self.directory / "tenet.conf")]
        self.process = Process(inside(self.lab.namespace, argv), self.log, {**os.environ, **self.environment})
        deadline = time.monotonic() + START
        while not self.healthy():
            if not self.process.running() or time.monotonic() > deadline:
                raise RuntimeError(f"no controller:\n{self.process.text()[-4000:]}")
            time.sleep(0.05)

    def healthy(self) -> bool:
        try:
            return self.api("GET", "/healthz", timeout=10.0).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def stop(self) -> int:
        """End it as an operator does (SIGTERM) and return its exit status."""
        assert self.process is not None
        self.process.signal(signal.SIGTERM)
        return self.process.wait()

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.kill()

    def restart(self) -> None:
        """kill -9, then start on the same store."""
        self.kill()
        self.start()

    def connect(self, timeout: float = 60.0) -> http.client.HTTPConnection:
        """A new HTTP connection to the northbound, to be closed by the caller."""
        connection = http.client.HTTPConnection(self.rest, 9696, timeout=timeout)
        connection.sock = self.dial(self.rest, 9696, timeout)
        return connection

    def dial(self, address: str, port: int, timeout: float = 10.0) -> socket.socket:
        """A TCP connection from the underlay namespace, for any listener of the controller."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        raw = socket_in(self.lab.namespace, family, socket.SOCK_STREAM)
        try:
            raw.settimeout(timeout)
            raw.connect((address, port))
            if self.tls and port == 9696:
                return ssl.create_default_context(cafile=self.tls["ca"]).wrap_socket(raw, server_hostname=address)
        except BaseException:
            raw.close()
            raise
        return raw

    def api(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> Reply:
        """One request on a connection of its own; a `body` that is not bytes goes as JSON."""
        known = {"X-Auth-Token": self.token} if self.token else {}
        with contextlib.closing(self.connect(timeout)) as connection:
            return request(connection, method, path, body, {**known, **(headers or {})})

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels, 0 when there is none yet."""
        lines = self.api("GET", "/metrics").body.decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((name + " ", name + "{")))

    def switches(self) -> dict[str, dict[str, Any]]:
        """GET /tenet/v1/switches by switch id."""
        return {switch["id"]: switch for switch in self.api("GET", "/tenet/v1/switches").json["switches"]}

    def text(self) -> str:
        """Its log so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def _write_config(self, *layers: Options) -> None:
        sections: dict[str, dict[str, object]] = {}
        for layer in layers:
            for section, options in layer.items():
                sections.setdefault(section, {}).update(options)
        lines = []
        for section, settings in sections.items():
            lines += [f"[{section}]", *(f"{name} = {value}" for name, value in settings.items())]
        (self.directory / "tenet.conf").write_text("\n".join(lines) + "\n")


def request(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """One request on an open connection."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    connection.request(
        method, path, data, {"Content-Type": "application/json", "Accept": "application/json", **(headers or {})}
    )
    response = connection.getresponse()
    return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
