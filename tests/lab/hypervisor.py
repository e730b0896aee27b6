"""One hypervisor: its own ovsdb-server and ovs-vswitchd (userspace datapath) in a network namespace."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.lab.netns import inside, ip, run
from tests.lab.processes import Process

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
START = 60.0  # seconds that a daemon has to be there


class Hypervisor:
    """`name` is its namespace, `system_id` what Open vSwitch and Tenet call it, `address` its own on the underlay."""

    def __init__(self, namespace: str, system_id: str, address: str, directory: Path, mtu: int) -> None:
        self.namespace = namespace
        self.system_id = system_id
        self.address = address
        self.directory = directory
        self.mtu = mtu
        self.database: Process | None = None
        self.switch: Process | None = None
        self._socket = f"unix:{directory}/db.sock"
        self._environment = {**os.environ, "OVS_RUNDIR": str(directory), "OVS_LOGDIR": str(directory)}

    def start_database(self, template: Path) -> None:
        """Start ovsdb-server on a copy of an empty database; does not wait for it."""
        self.directory.mkdir()
        shutil.copy(template, self.directory / "conf.db")
        self._run_database()

    def restart_database(self) -> None:
        """Kill -9 ovsdb-server and start it on the same file; does not wait for it."""
        assert self.database is not None
        self.database.kill()
        self._run_database()

    def _run_database(self) -> None:
        argv = [
            "ovsdb-server", f"{self.directory}/conf.db", f"--remote=punix:{self.directory}/db.sock",
            "--remote=db:Open_vSwitch,Open_vSwitch,manager_options",
            f"--unixctl={self.directory}/ovsdb-server.ctl", f"--pidfile={self.directory}/ovsdb-server.pid",
            "--private-key=db:Open_vSwitch,SSL,private_key", "--certificate=db:Open_vSwitch,SSL,certificate",
            "--ca-cert=db:Open_vSwitch,SSL,ca_cert",
        ]  # fmt: skip
        self.database = Process(inside(self.namespace, argv), self.directory / "ovsdb-server.log", self._environment)

    def start_switch(self) -> None:
        """Start ovs-vswitchd; does not wait for it."""
        argv = ["ovs-vswitchd", self._socket, f"--pidfile={self.directory}/ovs-vswitchd.pid"]
        self.switch = Process(inside(self.namespace, argv), self.directory / "ovs-vswitchd.log", self._environment)

    def initialise(self) -> None:
        """Write the identity into the fresh database (no ovs-vswitchd is needed)."""
        self._await_file("db.sock")
        identity = [f"external_ids:system-id={self.system_id}", f"external_ids:hostname={self.system_id}"]
        threads = ["other_config:n-handler-threads=1", "other_config:n-revalidator-threads=1"]
        run(
            ["ovs-vsctl", f"--db={self._socket}", "--no-wait", "--retry", "--timeout=60",
             "init", "--", "set", "Open_vSwitch", ".", *identity, *threads]
        )  # fmt: skip

    def make_underlay(self) -> None:
        """`br-phy` with the machine's network card in it, and the hypervisor's address on it."""
        self.vsctl(
            "add-br", "br-phy", "--", "set", "bridge", "br-phy", "datapath_type=netdev",
            "--", "set", "interface", "br-phy", f"mtu_request={self.mtu}", "--", "add-port", "br-phy", "eth0",
        )  # fmt: skip
        self.address_underlay()

    def address_underlay(self) -> None:
        """Put the address on br-phy, which a new ovs-vswitchd makes without one."""
        ip([
            f"addr replace {self.address}/24 dev br-phy",
            f"addr replace {self.address6}/64 dev br-phy nodad",
            "link set br-phy up",
        ], self.namespace)  # fmt: skip

    @property
    def address6(self) -> str:
        """Its address on the underlay in IPv6."""
        return f"2001:db8::{self.address.rpartition('.')[2]}"

    def configure(
        self,
        encap: Sequence[str] = ("vxlan",),
        encap_ip: str | None = None,
        manager: str = "",
        more: Mapping[str, str] | None = None,
    ) -> None:
        """What the operator does on a hypervisor: say how to encapsulate, then name the manager (`tcp:A:P`)."""
        settings = {
            "tenet-encap-ip": self.address if encap_ip is None else encap_ip,
            "tenet-encap-type": f'"{",".join(encap)}"',
            "tenet-datapath-type": "netdev",
            **(more or {}),
        }
        self.vsctl("set", "Open_vSwitch", ".", *(f"external_ids:{key}={value}" for key, value in settings.items()))
        if manager:
            self.vsctl("set-manager", manager)

    def vsctl(self, *arguments: str, timeout: float = 30.0) -> str:
        """Run ovs-vsctl, which waits until ovs-vswitchd has done it; raises `CommandFailed`."""
        return run(
            ["ovs-vsctl", f"--db={self._socket}", f"--timeout={int(timeout)}", *arguments], timeout=timeout + 5
        ).strip()

    def ofctl(self, command: str, *arguments: str, bridge: str = "br-int") -> str:
        """Run `ovs-ofctl COMMAND bridge ARGUMENTS` in OpenFlow 1.3; raises `CommandFailed`."""
        return run(["ovs-ofctl", "-O", "OpenFlow13", command, f"unix:{self.directory}/{bridge}.mgmt", *arguments])

    def appctl(self, *arguments: str) -> str:
        """Run ovs-appctl on ovs-vswitchd; raises `CommandFailed`."""
        pid = (self.directory / "ovs-vswitchd.pid").read_text().strip()
        return run(["ovs-appctl", "-t", f"{self.directory}/ovs-vswitchd.{pid}.ctl", *arguments])

    def flows(self, bridge: str = "br-int") -> list[str]:
        """The flows that are to stay, as text, one each, without counters."""
        lines = self.ofctl("dump-flows", "--no-stats", bridge=bridge).splitlines()
        return sorted(line.strip() for line in lines if "actions=" in line and "hard_timeout=" not in line)

    def interfaces(self, vifs: Mapping[str, str]) -> None:
        """Plug many internal interfaces into br-int in one transaction: OVS name to iface-id.

        500 take 0.4 s; to remove them takes 8 s in the kernel, and veth pairs would take thrice that.
        """
        arguments: list[str] = []
        for name, vif in vifs.items():
            arguments += ["--", "add-port", "br-int", name]
            arguments += ["--", "set", "interface", name, "type=internal", f"external_ids:iface-id={vif}"]
        self.vsctl(*arguments[1:], timeout=120)

    def remove(self, names: Iterable[str], wait: bool = True) -> None:
        """Take ports out of br-int at once; ports that are not there are passed over."""
        arguments: list[str] = [] if wait else ["--no-wait"]
        for name in names:
            arguments += ["--", "--if-exists", "del-port", "br-int", name]
        self.vsctl(*arguments, timeout=120)

    def await_bridge(self, name: str = "br-int", timeout: float = START) -> None:
        """Wait until the bridge is there and takes OpenFlow; raises TimeoutError."""
        self._await_file(f"{name}.mgmt", timeout)

    def kill_switch(self) -> None:
        """Kill -9 ovs-vswitchd: the data plane of this hypervisor is gone, its underlay too."""
        assert self.switch is not None
        self.switch.kill()
        for path in [*self.directory.glob("*.mgmt"), *self.directory.glob("*.snoop")]:
            path.unlink()

    def restart_switch(self) -> None:
        """Start ovs-vswitchd again after `kill_switch` and wait until the underlay is back."""
        self.start_switch()
        self.await_bridge("br-phy")
        self.vsctl("get", "interface", "br-phy", "ofport")  # waits until all of the configuration is applied
        self.address_underlay()

    def stop(self) -> None:
        for process in (self.switch, self.database):
            if process is not None:
                process.kill()

    def _await_file(self, name: str, timeout: float = START) -> None:
        deadline = time.monotonic() + timeout
        while not (self.directory / name).exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.system_id}: no {name} after {timeout:g} s")
            time.sleep(0.01)
