"""A hypervisor for tests: an ovsdb-server and an ovs-vswitchd of its own, in a temporary directory.

The database server runs in this network namespace, so that it reaches the controller under test on loopback; the switch
runs in a new, nameless one, where the tap devices of its userspace datapath meet nobody else's and which ends with it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


def until(true: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """Wait, in green time where the process is patched, until `true()` is; its value."""
    end = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)
    return value


class PrivateHypervisor:
    """Use as a context manager; `directory` must be new."""

    def __init__(self, directory: Path, system_id: str | None = "hv1", switch: bool = True, asked: bool = True) -> None:
        """`asked`: its operator wants a hypervisor of Tenet's."""
        self.directory = directory
        self._system_id = system_id
        self._with_switch = switch
        self._asked = asked
        self._database: subprocess.Popen[bytes] | None = None
        self._switch: subprocess.Popen[bytes] | None = None
        self._environment = dict(os.environ, OVS_RUNDIR=str(directory), OVS_LOGDIR=str(directory))

    def __enter__(self) -> PrivateHypervisor:
        self.directory.mkdir(parents=True)
        subprocess.run(["ovsdb-tool", "create", self._path("conf.db"), SCHEMA], check=True)
        try:
            self.start_database()
            self.vsctl("init")
            if self._system_id:
                self.set_ids(**{"system-id": self._system_id, "hostname": f"{self._system_id}.example"})
            if self._asked:
                self.set_ids(**{"tenet-datapath-type": "netdev"})
            if self._with_switch:
                self.start_switch()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in (self._switch, self._database):
            if process and process.poll() is None:
                process.terminate()
                process.wait(60)

    def start_database(self) -> None:
        remotes = [f"--remote=punix:{self._path('db.sock')}", "--remote=db:Open_vSwitch,Open_vSwitch,manager_options"]
        tls = [f"--{n.replace('_', '-')}=db:Open_vSwitch,SSL,{n}" for n in ("private_key", "certificate", "ca_cert")]
        arguments = ["ovsdb-server", self._path("conf.db"), *remotes, *tls, f"--unixctl={self._path('database.ctl')}"]
        self._database = self._spawn([*arguments, f"--log-file={self._path('database.log')}"])
        until(self._listens, "ovsdb-server listens")

    def start_switch(self) -> None:
        arguments = ["ovs-vswitchd", f"unix:{self._path('db.sock')}", f"--unixctl={self._path('switch.ctl')}"]
        self._switch = self._spawn(["unshare", "-n", *arguments, f"--log-file={self._path('switch.log')}"])

    def stop_database(self) -> None:
        assert self._database
        self._database.terminate()
        self._database.wait(60)

    def vsctl(self, *arguments: str) -> str:
        """ovs-vsctl, which waits for the switch only where there is one."""
        wait = [] if self._switch else ["--no-wait"]
        command = ["ovs-vsctl", f"--db=unix:{self._path('db.sock')}", "--timeout=60", *wait, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert not done.returncode, f"{' '.join(command)}: {done.stderr}"
        return done.stdout.strip()

    def set_ids(self, **ids: str) -> None:
        self.vsctl("set", "Open_vSwitch", ".", *(f'external_ids:{key}="{value}"' for key, value in ids.items()))

    def encap(self, address: str, types: str) -> None:
        self.set_ids(**{"tenet-encap-ip": address, "tenet-encap-type": types, "tenet-datapath-type": "netdev"})

    def get(self, table: str, row: str, column: str) -> str:
        """A column's value as ovs-vsctl prints it; "" when the row is not there."""
        found = self.vsctl("--if-exists", "get", table, row, column)
        return found.strip('"')

    def ofport(self, interface: str) -> int:
        found = self.get("Interface", interface, "ofport")
        return int(found) if found.isdigit() else 0

    def plug(self, name: str, ids: Sequence[str] = ()) -> None:
        """A tap device of the switch's own as a VIF on br-int."""
        extra = [f"external_ids:{pair}" for pair in ids]
        self.vsctl("add-port", "br-int", name, "--", "set", "Interface", name, "type=internal", *extra)

    def _listens(self) -> bool:
        """The socket is there before it is listened on."""
        with socket.socket(socket.AF_UNIX) as trial, contextlib.suppress(OSError):
            trial.connect(self._path("db.sock"))
            return True
        return False

    def _path(self, name: str) -> str:
        return str(self.directory / name)

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        return subprocess.Popen(command, env=self._environment, stdin=quiet, stdout=quiet, stderr=quiet)
