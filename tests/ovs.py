"""A private Open vSwitch: its own ovsdb-server and ovs-vswitchd in one directory, apart from all others."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

_SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
_TIMEOUT = 60.0  # seconds for any one command


class PrivateOvs:
    """Started by `with`, gone after it.

    Bridges are userspace (`netdev`) or, with `dummy`, without any real device.  After `set-controller` Open vSwitch 3.1
    may itself take half a second to answer the handshake.  Its daemons run in a network namespace where one is named.
    The directory has a short name of its own, because Unix
    socket paths may have at most 107 characters.
    """

    def __init__(self, dummy: bool = True, namespace: str = "") -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="tenet-ovs-"))
        self._dummy = dummy
        self._enter = ["ip", "netns", "exec", namespace] if namespace else []
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> PrivateOvs:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *raised: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    @property
    def socket(self) -> str:
        """The database, as ovs-vsctl's `--db` names it."""
        return f"unix:{self.directory}/db.sock"

    def add_bridge(self, name: str, dpid: int, controller: str = "", protocols: str = "OpenFlow13") -> None:
        """A bridge in fail mode secure, and its controller (as `tcp:127.0.0.1:6653`) where one is given."""
        target = ["--", "set-controller", name, controller] if controller else []
        self.vsctl(
            *("add-br", name, "--", "set", "bridge", name, f"datapath_type={'dummy' if self._dummy else 'netdev'}"),
            *(f"other-config:datapath-id={dpid:016x}", "fail_mode=secure", f"protocols={protocols}", *target),
            *("--", "set", "bridge", name, "other-config:disable-in-band=true"),
        )

    def vsctl(self, *arguments: str) -> str:
        return self._run("ovs-vsctl", f"--db={self.socket}", *arguments)

    def ofctl(self, command: str, bridge: str, *arguments: str, options: tuple[str, ...] = ()) -> str:
        """`ovs-ofctl OPTIONS COMMAND BRIDGE ARGUMENTS`, over the bridge's management socket."""
        target = f"unix:{self.directory}/{bridge}.mgmt"
        return self._run("ovs-ofctl", "-O", "OpenFlow13", *options, command, target, *arguments)

    def dial(self, remote: str) -> None:
        """Have the database connect to a manager (as `tcp:127.0.0.1:6640`)."""
        self._run("ovs-appctl", "-t", str(self.directory / "ovsdb.ctl"), "ovsdb-server/add-remote", remote)

    def appctl(self, *arguments: str) -> str:
        return self._run("ovs-appctl", "-t", str(self.directory / "vswitchd.ctl"), *arguments)

    def cpu(self) -> float:
        """Seconds of processor time of the switch daemon so far."""
        fields = Path(f"/proc/{self._processes[-1].pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def signal(self, number: int) -> None:
        """Send a signal to the switch daemon."""
        self._processes[-1].send_signal(number)

    def close(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
            process.send_signal(signal.SIGCONT)
        for process in reversed(self._processes):
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _start(self) -> None:
        database = self.directory / "conf.db"
        self._run("ovsdb-tool", "create", str(database), str(_SCHEMA))
        remotes = (f"--remote=punix:{self.directory}/db.sock", "--remote=db:Open_vSwitch,Open_vSwitch,manager_options")
        self._spawn("ovsdb-server", str(database), *remotes, "ovsdb.ctl")
        self._wait_for(self.directory / "db.sock", _listens)
        self._run("ovs-vsctl", f"--db={self.socket}", "--no-wait", "init")
        dummy = ["--enable-dummy=override"] if self._dummy else []
        self._spawn("ovs-vswitchd", self.socket, "--disable-system", *dummy, "vswitchd.ctl")
        self._wait_for(self.directory / "vswitchd.ctl")

    def _spawn(self, program: str, *arguments: str) -> None:
        *rest, control = arguments
        own = [f"--unixctl={self.directory / control}", f"--log-file={self.directory / program}.log"]
        command = [*self._enter, program, *rest, *own]
        with (self.directory / f"{program}.out").open("wb") as out:
            process = subprocess.Popen(command, env=self._environment(), stdout=out, stderr=out, cwd=self.directory)
        self._processes.append(process)

    def _wait_for(self, path: Path, there: Callable[[Path], bool] = Path.exists) -> None:
        deadline = time.monotonic() + _TIMEOUT
        while not there(path):
            process = self._processes[-1]
            if process.poll() is not None or time.monotonic() > deadline:
                logs = "".join(each.read_text(errors="replace") for each in self.directory.glob("*.out"))
                raise RuntimeError(f"{path.name} did not appear: {logs}")
            time.sleep(0.01)

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, env=self._environment(), capture_output=True, text=True, timeout=_TIMEOUT)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)[:200]}: {done.stderr.strip()}")
        return done.stdout

    def _environment(self) -> dict[str, str]:
        place = str(self.directory)
        return {**os.environ, "OVS_RUNDIR": place, "OVS_LOGDIR": place, "OVS_DBDIR": place}


def _listens(path: Path) -> bool:
    """Whether somebody accepts connections there: a socket has its name a moment before."""
    with socket.socket(socket.AF_UNIX) as trial:
        try:
            trial.connect(str(path))
        except OSError:
            return False
        return True
