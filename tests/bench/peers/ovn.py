"""OVN on hypervisors of its own: databases and ovn-northd in the middle, ovn-controller on each hypervisor.

All run in the foreground as children of the benchmark, so that they end with it.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.bench import management
from tests.bench.peers.northbound import Northbound, Operation, wait
from tests.bench.peers.system import ENCAPSULATION, HYPERVISORS, PATIENCE, Guest
from tests.lab import Hypervisor, Lab
from tests.lab.netns import inside, run
from tests.lab.processes import Process

SOUTHBOUND = 6642
PROBE = 180_000  # ms; a loaded machine is not a dead peer
PLUG = 500  # interfaces in one transaction
KEEP = 8_000  # ms


class Ovn:
    """A `tests.bench.peers.system.System`."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._directory = lab.directory / "ovn"
        self._directory.mkdir()
        self._processes: dict[str, Process] = {}
        self._commands: dict[str, tuple[str, list[str], str]] = {}  # namespace, command, run directory
        self._numbers = itertools.count(10)
        self._plugged = 0
        lab.at_end(self._stop)
        for name in ("nb", "sb"):
            self._start_database(name)
        self.northbound = Northbound(self._directory / "nb.sock", self._tend)
        options = ["map", [["northd_probe_interval", str(PROBE)]]]
        self.northbound.transact({"op": "insert", "table": "NB_Global", "row": {"options": options}})
        for hypervisor in lab:
            self._configure(hypervisor)
        self._start_controllers()
        self._await_chassis()

    def plug(self, count: int) -> list[str]:
        each = count // HYPERVISORS
        numbers = range(self._plugged, self._plugged + each)
        for start in range(0, each, PLUG):
            for hypervisor in self.lab:
                hypervisor.interfaces({f"i{n}": _vif(hypervisor, n) for n in numbers[start : start + PLUG]})
        self._plugged += each
        self.northbound.sync()
        return [_vif(hypervisor, number) for number in numbers for hypervisor in self.lab]

    def network(self) -> str:
        made = self.northbound.transact({"op": "insert", "table": "Logical_Switch", "row": {"name": "bench"}})
        self.northbound.sync()
        return str(made[0]["uuid"][1])

    def port(self, network: str, vif: str) -> str:
        made = self.northbound.transact(*created_port(network, vif, *self._addresses()))
        port = str(made[0]["uuid"][1])
        self.northbound.sync(wait("Logical_Switch_Port", _is(port), "up", [True]))
        return port

    def ports(self, network: str, vifs: list[str]) -> list[str]:
        made = self._create(network, vifs)
        down: tuple[object, ...] = (["set", []], False)
        self.northbound.sync(*(wait("Logical_Switch_Port", [["up", "==", value]], "up", []) for value in down))
        return made

    def absent(self, network: str, vifs: list[str]) -> list[str]:
        made = self._create(network, vifs)
        self.northbound.sync()
        return made

    def _create(self, network: str, vifs: list[str]) -> list[str]:
        operations = [created_port(network, vif, *self._addresses()) for vif in vifs]
        made = self.northbound.transact(*itertools.chain.from_iterable(operations))
        return [str(each["uuid"][1]) for each in made if "uuid" in each]

    def remove(self, port: str) -> None:
        """From its switch, which is what holds it."""
        gone = ["ports", "delete", ["uuid", port]]
        self.northbound.transact(
            {"op": "mutate", "table": "Logical_Switch", "where": [["ports", "includes", ["uuid", port]]],
             "mutations": [gone]}
        )  # fmt: skip
        self.northbound.sync()

    def clear(self, network: str) -> None:
        self.northbound.transact({"op": "delete", "table": "Logical_Switch", "where": _is(network)})
        self.northbound.sync()

    def vm(self, network: str, at: int, name: str) -> Guest:
        mac, address = self._addresses()
        made = self.northbound.transact(*created_port(network, name, mac, address))
        vm = self.lab.vm(self.lab[at], name, f"{address}/16", mac=mac, iface_id=name)
        self.northbound.sync(wait("Logical_Switch_Port", [["name", "==", name]], "up", [True]))
        return Guest(vm, address, str(made[0]["uuid"][1]))

    def restart(self, advised: bool) -> None:
        """The databases go on.  Advised is to keep the old flows for a time that new ones can be computed in."""
        for hypervisor in self.lab:
            wait = KEEP if advised else 0
            hypervisor.vsctl("set", "Open_vSwitch", ".", f"external_ids:ovn-ofctrl-wait-before-clear={wait}")
        for name in [each for each in self._processes if not each.startswith("ovsdb-server")]:
            self._processes.pop(name).kill()
        self._start_controllers()
        self.northbound.sync()

    def processes(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._processes.items()}

    def _addresses(self) -> tuple[str, str]:
        number = next(self._numbers)
        return (0x02AA00000000 + number).to_bytes(6, "big").hex(":"), f"10.0.{number >> 8}.{number & 255}"

    def _start_database(self, name: str) -> None:
        folder = self._directory
        run(["ovsdb-tool", "create", f"{folder}/{name}.db", f"/usr/share/ovn/ovn-{name}.ovsschema"])
        argv = ["ovsdb-server", f"{folder}/{name}.db", f"--remote=punix:{folder}/{name}.sock"]
        if name == "sb":
            argv.append(f"--remote=ptcp:{SOUTHBOUND}:{management.CONTROLLER}")
        self._start(f"ovsdb-server {name}", self.lab.namespace, [*argv, f"--unixctl={folder}/{name}.ctl"])
        deadline = time.monotonic() + PATIENCE
        while not (folder / f"{name}.sock").exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {name} database")
            time.sleep(0.02)

    def _configure(self, hypervisor: Hypervisor) -> None:
        settings = {
            "remote": f"tcp:{management.CONTROLLER}:{SOUTHBOUND}", "encap-type": ENCAPSULATION,
            "encap-ip": hypervisor.address, "bridge-datapath-type": "netdev",
            "remote-probe-interval": str(PROBE), "openflow-probe-interval": "60",
        }  # fmt: skip
        hypervisor.vsctl(
            "add-br", "br-int", "--", "set", "bridge", "br-int", "datapath_type=netdev", "fail_mode=secure",
            "--", "set", "Open_vSwitch", ".", *(f"external_ids:ovn-{key}={value}" for key, value in settings.items()),
        )  # fmt: skip

    def _start_controllers(self) -> None:
        folder = self._directory
        databases = [f"--ovnnb-db=unix:{folder}/nb.sock", f"--ovnsb-db=unix:{folder}/sb.sock"]
        self._start("ovn-northd", self.lab.namespace, ["ovn-northd", *databases, f"--unixctl={folder}/northd.ctl"])
        for hypervisor in self.lab:
            argv = ["ovn-controller", f"unix:{hypervisor.directory}/db.sock"]
            self._start(f"ovn-controller {hypervisor.system_id}", hypervisor.namespace, argv, str(hypervisor.directory))

    def _start(self, name: str, namespace: str, argv: list[str], directory: str = "") -> None:
        folders = dict.fromkeys(
            ("OVS_RUNDIR", "OVS_LOGDIR", "OVN_RUNDIR", "OVN_LOGDIR"), directory or str(self._directory)
        )
        log = self._directory / f"{name.replace(' ', '-')}.log"
        self._commands[name] = namespace, argv, directory
        self._processes[name] = Process(inside(namespace, argv), log, {**os.environ, **folders})

    def _tend(self) -> None:
        """Start again what has crashed, as `--monitor` does where Debian starts OVN."""
        for name, process in list(self._processes.items()):
            if not process.running():
                print(f"{name} ended: {process.text()[-500:]}", file=sys.stderr)
                self._start(name, *self._commands[name])

    def _await_chassis(self) -> None:
        """Wait until every hypervisor has registered: before that, none of them would be waited for."""
        deadline = time.monotonic() + PATIENCE
        command = ["ovn-sbctl", f"--db=unix:{self._directory}/sb.sock", "--bare", "--columns=name", "list", "Chassis"]
        while len(run(command).split()) < HYPERVISORS:
            if time.monotonic() > deadline:
                raise TimeoutError("not all hypervisors have registered")
            self._tend()
            time.sleep(0.1)
        self.northbound.sync()

    def _stop(self) -> None:
        self.northbound.close()
        for process in self._processes.values():
            process.kill()


@contextmanager
def ovn() -> Iterator[Ovn]:
    with Lab(HYPERVISORS) as lab:
        management.connect(lab)
        yield Ovn(lab)


def version() -> str:
    return run(["ovn-northd", "--version"]).splitlines()[0].removeprefix("ovn-northd ")


def created_port(network: str, vif: str, mac: str, address: str) -> list[Operation]:
    """A port of a logical switch.  Its addresses are its port security: as with Tenet, it may send from no others."""
    name = f"p{address.replace('.', '_')}"
    row: dict[str, Any] = {"name": vif, "addresses": f"{mac} {address}", "port_security": f"{mac} {address}"}
    return [
        {"op": "insert", "table": "Logical_Switch_Port", "row": row, "uuid-name": name},
        {"op": "mutate", "table": "Logical_Switch", "where": _is(network),
         "mutations": [["ports", "insert", ["named-uuid", name]]]},
    ]  # fmt: skip


def _vif(hypervisor: Hypervisor, number: int) -> str:
    return f"vif-{hypervisor.system_id}-{number}"


def _is(uuid: str) -> list[object]:
    return [["_uuid", "==", ["uuid", uuid]]]
