"""Hypervisors, VMs and a controller on one machine, all in network namespaces of their own names.

    with Lab(3) as lab:
        lab.configure(encap=("vxlan",), manager=f"tcp:{lab.controller_address}:6640")
        one = lab.vm(lab[0], "one", "10.0.0.1/24", iface_id="...")

Nothing that exists is touched: every name begins with a prefix of this process, and what is made is remembered and
removed at the end, also after an exception, Ctrl-C or SIGTERM.  Needs root, Open vSwitch, iproute2, ethtool and ping.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType, TracebackType

from tests.lab.hypervisor import SCHEMA, Hypervisor
from tests.lab.netns import CommandFailed, inside, ip, run
from tests.lab.vm import Vm

PREFIX = f"t{os.getpid()}"
_labs = itertools.count()


def leftovers() -> list[str]:
    """Namespaces and directories that labs of this process have left behind; [] is as it must be."""
    namespaces = [path.name for path in Path("/run/netns").glob(f"{PREFIX}-*")] if Path("/run/netns").exists() else []
    return namespaces + [str(path) for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}-*")]


class Lab:
    """`hypervisors` of them on one underlay, 192.0.2.0/24 (TEST-NET-1), where a controller can have .254."""

    controller_address = "192.0.2.254"

    def __init__(self, hypervisors: int, *, mtu: int = 1500) -> None:
        self.prefix = f"{PREFIX}-{next(_labs)}"
        self.mtu = mtu
        self.namespace = f"{self.prefix}-net"
        self.vms: list[Vm] = []
        self._count = hypervisors
        self._namespaces: list[str] = []
        self._closers: list[Callable[[], None]] = []
        self._handlers: dict[int, object] = {}
        self._macs = itertools.count(1)

    def __enter__(self) -> Lab:
        self._catch_signals()
        self.directory = Path(tempfile.mkdtemp(prefix=f"{self.prefix}-"))
        self.hypervisors = [
            Hypervisor(f"{self.prefix}-hv{n}", f"hv{n}", f"192.0.2.{n}", self.directory / f"hv{n}", self.mtu)
            for n in range(1, self._count + 1)
        ]
        try:
            self._make_underlay()
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getitem__(self, number: int) -> Hypervisor:
        return self.hypervisors[number]

    def __iter__(self) -> Iterator[Hypervisor]:
        return iter(self.hypervisors)

    def vm(
        self, at: Hypervisor, name: str, *addresses: str, mac: str = "", iface_id: str = "", mtu: int = 1400
    ) -> Vm:  # fmt: skip
        """A VM on a hypervisor with addresses (`10.0.0.1/24`), plugged into br-int.  `name`: at most 15 characters."""
        number = next(self._macs)
        mac = mac or f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"
        vm = Vm(f"{self.prefix}-vm-{name}", name, at, mac, iface_id, self.directory)
        self._namespaces.append(vm.namespace)
        self.vms.append(vm)
        at.await_bridge()
        vm.create(addresses, mtu)
        return vm

    def remove(self, *vms: Vm) -> None:
        """End VMs for good."""
        for vm in vms:
            vm.stop()
            vm.unplug()
            self.vms.remove(vm)
            self._delete_namespaces([vm.namespace])

    def configure(self, encap: Sequence[str] = ("vxlan",), manager: str = "") -> None:
        """The operator's two commands, on every hypervisor."""
        self._together(lambda hypervisor: hypervisor.configure(encap, manager=manager))

    def at_end(self, close: Callable[[], None]) -> None:
        """Call `close` before the lab goes."""
        self._closers.append(close)

    def close(self) -> None:
        """End and remove all that this lab made; once more does nothing."""
        held = [(number, signal.signal(number, signal.SIG_IGN)) for number in self._handlers]
        try:
            for close in reversed(self._closers):
                close()
            for vm in self.vms:
                vm.stop()
            for hypervisor in self.hypervisors:
                hypervisor.stop()
            self._delete_namespaces(list(self._namespaces))
            shutil.rmtree(self.directory, ignore_errors=True)
            self._closers.clear()
            self.vms.clear()
        finally:
            for number, handler in held:
                signal.signal(number, handler)
            self._release_signals()

    def _make_underlay(self) -> None:
        namespaces = [self.namespace, *(hypervisor.namespace for hypervisor in self)]
        self._namespaces += namespaces
        ip([f"netns add {name}" for name in namespaces])
        ip(
            ["link set lo up", f"link add underlay mtu {self.mtu} type bridge",
             f"addr add {self.controller_address}/24 dev underlay", "link set underlay up"],
            self.namespace,
        )  # fmt: skip
        # Open vSwitch's userspace datapath does not fill in checksums that are left to the hardware
        run(inside(self.namespace, ["ethtool", "-K", "underlay", "tx", "off"]))
        ip([
            f"link add name u{n} netns {self.namespace} mtu {self.mtu} type veth"
            f" peer name eth0 netns {hypervisor.namespace} mtu {self.mtu}"
            for n, hypervisor in enumerate(self)
        ])  # fmt: skip
        ip([f"link set u{n} master underlay up" for n in range(self._count)], self.namespace)

    def _start(self) -> None:
        template = self.directory / "empty.db"
        run(["ovsdb-tool", "create", str(template), SCHEMA])
        for hypervisor in self:  # from this thread: a process ends with the thread that started it
            ip(["link set lo up", "link set eth0 up"], hypervisor.namespace)
            hypervisor.start_database(template)
        self._together(Hypervisor.initialise)
        for hypervisor in self:
            hypervisor.start_switch()
        self._together(Hypervisor.make_underlay)

    def _together(self, act: Callable[[Hypervisor], None]) -> None:
        with ThreadPoolExecutor(max(1, self._count)) as pool:
            for _ in pool.map(act, self.hypervisors):
                pass

    def _delete_namespaces(self, names: Sequence[str]) -> None:
        for name in names:
            with contextlib.suppress(CommandFailed):
                ip([f"netns del {name}"])
            self._namespaces.remove(name)

    def _catch_signals(self) -> None:
        """Let SIGTERM and SIGHUP end the `with` as Ctrl-C does."""
        if threading.current_thread() is not threading.main_thread():
            return

        def interrupt(number: int, _: FrameType | None) -> None:
            raise KeyboardInterrupt(f"signal {number}")

        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            self._handlers[number] = signal.signal(number, interrupt)

    def _release_signals(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._handlers.clear()
