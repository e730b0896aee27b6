"""etcd for a site: one in the underlay's namespace, or several on machines of their own that can be cut off."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

from tests.cluster.machine import Machine, machine
from tests.lab import Lab
from tests.lab.cloud import until
from tests.lab.netns import inside, socket_in
from tests.lab.processes import Process
from tests.store.etcd_process import Tls

ETCD = "192.0.2.254"
FIRST = 240  # the last byte of the first machine's address


class EtcdMember:
    """One process, on `machine` (etcd's clients reach it at `address`)."""

    def __init__(self, lab: Lab, name: str, at: Machine, address: str, tls: Tls | None) -> None:
        self.name = name
        self.machine = at
        self.address = address
        self.process: Process | None = None
        self._lab = lab
        self._tls = tls
        self._scheme = "https" if tls else "http"
        self.client = f"{self._scheme}://{bracketed(address)}:2379"
        self.peer = f"{self._scheme}://{bracketed(address)}:2380"

    def start(self, cluster: str, options: Sequence[str]) -> None:
        folder = self._lab.directory
        argv = ["etcd", "--name", self.name, "--data-dir", str(folder / f"etcd-{self.name}"), "--logger", "zap",
                "--log-level", "error", "--listen-client-urls", self.client, "--advertise-client-urls", self.client,
                "--listen-peer-urls", self.peer, "--initial-advertise-peer-urls", self.peer,
                "--initial-cluster", cluster, *options, *(_secure(self._tls) if self._tls else [])]  # fmt: skip
        self.process = Process(inside(self.machine.namespace, argv), folder / f"etcd-{self.name}.log")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def call(self, path: str, body: Mapping[str, object], timeout: float = 10.0) -> Any:
        """The gateway's answer to POST /v3/PATH.  Raises OSError, and http.client.HTTPException."""
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        raw = socket_in(self.machine.namespace, family, socket.SOCK_STREAM)
        connection = http.client.HTTPConnection(self.address, 2379)
        with contextlib.closing(raw), contextlib.closing(connection):
            raw.settimeout(timeout)
            raw.connect((self.address, 2379))
            connection.sock = self._secured(raw)
            connection.request("POST", f"/v3/{path}", json.dumps(body))
            return json.load(connection.getresponse())

    def _secured(self, raw: socket.socket) -> socket.socket:
        context: ssl.SSLContext | None = self._tls.context() if self._tls else None
        return context.wrap_socket(raw, server_hostname=self.address) if context else raw


class Etcd:
    """A cluster of etcd: `size` members; a single one is where the underlay is."""

    def __init__(
        self, lab: Lab, size: int = 1, options: Sequence[str] = (), tls: Tls | None = None, ipv6: bool = False
    ) -> None:
        self._options = options
        self._tls = tls
        places = [machine(lab, f"e{n}", FIRST + n) for n in range(1, size + 1)] if size > 1 else \
            [Machine(lab.namespace, ETCD, "")]  # fmt: skip
        self.members = [
            EtcdMember(lab, f"e{n}", at, at.address6 if ipv6 else at.address, tls) for n, at in enumerate(places, 1)
        ]
        lab.at_end(self.kill)

    @property
    def url(self) -> str:
        """As [store] url wants it; the prefix is `tenet`."""
        where = ",".join(f"{bracketed(member.address)}:2379" for member in self.members)
        if not self._tls:
            return f"etcd://{where}/tenet"
        files = f"ca={self._tls.ca}&certificate={self._tls.certificate}&private_key={self._tls.key}"
        return f"etcd+https://{where}/tenet?{files}"

    def start(self) -> None:
        cluster = ",".join(f"{member.name}={member.peer}" for member in self.members)
        for member in self.members:
            member.start(cluster, self._options)

    def kill(self) -> None:
        for member in self.members:
            member.kill()

    def call(self, path: str, body: Mapping[str, object]) -> Any:
        return self.members[0].call(path, body)

    def put(self, key: str, value: bytes) -> Any:
        return self.call("kv/put", {name: base64.b64encode(each).decode() for name, each in
                                    (("key", key.encode()), ("value", value))})  # fmt: skip

    def empty(self) -> None:
        """Delete every key there is."""
        nothing = base64.b64encode(b"\0").decode()
        self.call("kv/deleterange", {"key": nothing, "range_end": nothing})

    def leader(self) -> EtcdMember:
        """The member that leads, once there is one."""
        found: list[EtcdMember] = []

        def look() -> bool:
            with contextlib.suppress(OSError, ValueError):
                found[:] = [member for member in self.members if _leads(member.call("maintenance/status", {}))]
            return len(found) == 1

        assert until(look, 20.0), "etcd has no leader"
        return found[0]


def _secure(tls: Tls) -> list[str]:
    """For clients, and between members: certificates of the CA on both sides."""
    peers = ["--peer-client-cert-auth", "--peer-trusted-ca-file", str(tls.ca), "--peer-cert-file", str(tls.certificate),
             "--peer-key-file", str(tls.key)]  # fmt: skip
    return [*tls.options, *peers]


def _leads(status: Mapping[str, Any]) -> bool:
    return "leader" in status and bool(status["leader"] == status["header"]["member_id"])


def bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
