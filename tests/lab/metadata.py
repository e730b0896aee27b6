"""A metadata server in the lab: `tenet metadata serve` on a hypervisor, and what a VM asks of it."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.lab.cloud import Cloud, until
from tests.lab.hypervisor import Hypervisor
from tests.lab.netns import inside, run
from tests.lab.processes import Process
from tests.lab.vm import Vm

_SIOCGSKNS, _PIDFD_GETFD = 0x894C, 438
_libc = ctypes.CDLL(None, use_errno=True)
FOUR, SIX = "http://169.254.169.254", "http://[fe80::a9fe:a9fe%25eth0]"
# The REST API where hypervisors reach it.
OPTIONS = {"northbound": {"listen": "0.0.0.0:9696"}, "auth": {"insecure": "true"}}


class Told(NamedTuple):
    """`status` 0: no answer."""

    status: int
    text: str


class MetadataServer:
    """Runs between `start` and `stop` or `kill`."""

    def __init__(self, cloud: Cloud, at: Hypervisor, options: Mapping[str, object] | None = None) -> None:
        self.at = at
        self.log = at.directory / "metadata.log"
        self.process: Process | None = None
        self._config = at.directory / "metadata.conf"
        said = {"controllers": f"http://{cloud.lab.controller_address}:9696", **(options or {})}
        lines = ["[metadata]", *(f"{name} = {value}" for name, value in said.items())]
        self._config.write_text("\n".join(lines) + "\n")
        cloud.lab.at_end(self.kill)

    def start(self) -> None:
        tenet = Path(sys.executable).with_name("tenet")
        argv = [str(tenet), "metadata", "serve", "--config-file", str(self._config),
                "--db", f"unix:{self.at.directory}/db.sock"]  # fmt: skip
        self.process = Process(inside(self.at.namespace, argv), self.log, {**os.environ})

    def stop(self) -> int:
        assert self.process is not None
        self.process.signal(signal.SIGTERM)
        return self.process.wait()

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.kill()

    @property
    def child(self) -> int:
        """The process that serves, by its id."""
        assert self.process is not None
        return int(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[-1])

    def inside(self, *argv: str) -> str:
        """Output of a command in the server's namespace, which has no name and no process: only sockets are in it."""
        with _listener_of(self.child) as listener:
            handle = fcntl.ioctl(listener, _SIOCGSKNS)
        try:
            return run(["nsenter", f"--net=/proc/{os.getpid()}/fd/{handle}", *argv])
        finally:
            os.close(handle)

    def text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def _listener_of(pid: int) -> socket.socket:
    """A listening socket of another process (pidfd_getfd(2))."""
    process = os.pidfd_open(pid)
    try:
        for number in map(int, os.listdir(f"/proc/{pid}/fd")):
            if os.readlink(f"/proc/{pid}/fd/{number}").startswith("socket:"):
                found = socket.socket(fileno=_libc.syscall(_PIDFD_GETFD, process, number, 0))
                if found.family == socket.AF_INET and found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    return found
                found.close()
    finally:
        os.close(process)
    raise LookupError(f"process {pid} listens nowhere")


def serves(cloud: Cloud, *hosts: Hypervisor, within: float = 60.0) -> bool:
    """Wait until exactly these hosts serve."""
    wanted = {host.system_id for host in hosts}

    def now() -> bool:
        found = cloud.controller.api("GET", "/tenet/v1/metadata-hosts").json["metadata_hosts"]
        return {one["switch"] for one in found if one["serves"]} == wanted

    return until(now, within)


def ask(vm: Vm, path: str, *options: str, at: str = FOUR, patience: float = 5.0) -> Told:
    """What a VM is told at a path."""
    mark = "\n#status:"
    argv = ["curl", "-s", "-g", "-m", f"{patience}", "-w", f"{mark}%{{http_code}}", *options, f"{at}{path}"]
    ended = subprocess.run(inside(vm.namespace, argv), capture_output=True, text=True, timeout=patience + 10)
    text, _, status = ended.stdout.rpartition(mark)
    return Told(int(status or 0), text)
