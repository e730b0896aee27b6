"""Private etcd clusters: processes of our own, on ephemeral loopback ports, in a folder of the test."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple

STARTS_WITHIN = 30.0


def free_ports(number: int) -> list[int]:
    """Loopback ports that nobody listens on now."""
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class Tls(NamedTuple):
    """PEM files: a CA, and a certificate of it for 127.0.0.1 that servers and clients show."""

    ca: Path
    certificate: Path
    key: Path

    @property
    def options(self) -> list[str]:
        return ["--client-cert-auth", "--trusted-ca-file", str(self.ca), "--cert-file", str(self.certificate),
                "--key-file", str(self.key)]  # fmt: skip

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca)
        context.load_cert_chain(self.certificate, self.key)
        return context


class Member:
    """One process.  `options` are etcd's own, beyond those that make it private.  Its output is in FOLDER/NAME.log."""

    def __init__(
        self, folder: Path, name: str, client: int, peer: int, cluster: str, options: Sequence[str], tls: Tls | None
    ) -> None:
        self.port = client
        self._base = f"{'https' if tls else 'http'}://127.0.0.1:{client}"
        self._tls = tls.context() if tls else None
        self._log = folder / f"{name}.log"
        here = "http://127.0.0.1"
        self._command = [
            "setpriv", "--pdeathsig", "KILL",  # it ends with the tests, however they end
            "etcd", "--name", name, "--data-dir", str(folder / name), "--logger", "zap", "--log-level", "warn",
            "--listen-client-urls", self._base, "--advertise-client-urls", self._base,
            "--listen-peer-urls", f"{here}:{peer}", "--initial-advertise-peer-urls", f"{here}:{peer}",
            "--initial-cluster", cluster, "--initial-cluster-token", folder.name,
            *options, *(tls.options if tls else []),
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)

    def signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """kill -9, also when it is stopped."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        self.signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.signal(signal.SIGCONT)

    def post(self, path: str, body: dict[str, Any] | None = None, timeout: float = 5.0) -> dict[str, Any]:
        """The gateway's answer; an OSError when there is none."""
        data = json.dumps(body or {}).encode()
        with urllib.request.urlopen(f"{self._base}/v3/{path}", data, timeout, context=self._tls) as answer:
            return dict(json.load(answer))

    def status(self) -> dict[str, Any]:
        return self.post("maintenance/status")


class Cluster:
    def __init__(self, folder: Path, size: int = 1, options: Sequence[str] = (), tls: Tls | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        ports = free_ports(2 * size)
        clients, peers = ports[:size], ports[size:]
        names = [f"m{number}" for number in range(size)]
        cluster = ",".join(f"{name}=http://127.0.0.1:{peer}" for name, peer in zip(names, peers, strict=True))
        self.members = [
            Member(folder, name, client, peer, cluster, options, tls)
            for name, client, peer in zip(names, clients, peers, strict=True)
        ]

    def start(self) -> None:
        for member in self.members:
            member.start()
        self.wait()

    def wait(self) -> None:
        """Until there is a leader that takes writes."""
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            with suppress(OSError, ValueError):
                self.members[0].post("kv/put", {"key": "cHJvYmU=", "value": ""})
                return
            assert time.monotonic() < deadline, "etcd has not started"
            time.sleep(0.1)

    def stop(self) -> None:
        for member in self.members:
            member.kill()

    def url(self, prefix: str) -> str:
        return f"etcd://{','.join(f'127.0.0.1:{member.port}' for member in self.members)}/{prefix}"

    def leader(self) -> Member:
        return next(each for each in self.members if self._leads(each))

    def follower(self) -> Member:
        return next(each for each in self.members if not self._leads(each))

    def _leads(self, member: Member) -> bool:
        status = member.status()
        return bool(status["leader"] == status["header"]["member_id"])
