"""A virtual machine: a namespace with `eth0`, whose other end is a port of a hypervisor's br-int."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.lab.capture import Capture, send
from tests.lab.hypervisor import Hypervisor
from tests.lab.netns import inside, ip, run
from tests.lab.processes import Process

SUMMARY = re.compile(r"(\d+) packets transmitted, (\d+) received")
SEQUENCE = re.compile(r"bytes from .* icmp_seq=(\d+)")


class Pinged(NamedTuple):
    sent: int
    received: int

    @property
    def lost(self) -> int:
        return self.sent - self.received


class Pinging:
    """A ping that runs until `stop`."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def answered(self) -> list[int]:
        """The sequence numbers that were answered so far."""
        return [int(number) for number in SEQUENCE.findall(self._process.text())]

    def stop(self) -> list[int]:
        """End it and return the sequence numbers, from 1 to the last one answered, that got no answer."""
        time.sleep(0.2)
        self._process.signal(signal.SIGINT)
        self._process.wait()
        answered = set(self.answered())
        return sorted(set(range(1, max(answered, default=0) + 1)) - answered)


class Vm:
    """`name` is also the OVS interface's name, `mac` its address, `iface_id` its VIF ("" when it has none)."""

    def __init__(self, namespace: str, name: str, at: Hypervisor, mac: str, iface_id: str, directory: Path) -> None:
        self.namespace = namespace
        self.name = name
        self.at = at
        self.mac = mac
        self.iface_id = iface_id
        self._directory = directory
        self._pings: list[Process] = []

    def create(self, addresses: Sequence[str], mtu: int) -> None:
        """Make the namespace and the wire, and plug it in."""
        ip([f"netns add {self.namespace}"])
        ip(["link set lo up"], self.namespace)
        self._wire(addresses, mtu)

    def _wire(self, addresses: Sequence[str], mtu: int) -> None:
        ip([
            f"link add name {self.name} netns {self.at.namespace} mtu {mtu} type veth"
            f" peer name eth0 netns {self.namespace} address {self.mac} mtu {mtu}",
        ])  # fmt: skip
        ip([f"link set dev {self.name} up"], self.at.namespace)
        ip(["link set eth0 up", *(_address(each) for each in addresses)], self.namespace)
        # the userspace datapath does not fill in checksums that a veth leaves to the hardware
        run(inside(self.namespace, ["ethtool", "-K", "eth0", "tx", "off", "txvlan", "off", "rxvlan", "off"]))
        self.plug()

    def plug(self) -> None:
        """Add the port to br-int (that of another hypervisor's VM stays where it is)."""
        vif = ["--", "set", "interface", self.name, f"external_ids:iface-id={self.iface_id}"] if self.iface_id else []
        self.at.vsctl("--may-exist", "add-port", "br-int", self.name, *vif)

    def move(self, to: Hypervisor, *addresses: str, mtu: int = 1400) -> None:
        """Be plugged in at another hypervisor, with all that runs in the VM; its interface is a new one."""
        self.unplug()
        ip(["link del eth0"], self.namespace)
        self.at = to
        self._wire(addresses, mtu)

    def unplug(self) -> None:
        self.at.vsctl("--if-exists", "del-port", "br-int", self.name)

    def exec(self, *argv: str, timeout: float = 30.0) -> str:
        """Run a command in the VM; raises `CommandFailed`."""
        return run(inside(self.namespace, argv), timeout=timeout)

    def ping(
        self,
        to: str,
        count: int = 3,
        *,
        interval: float = 0.1,
        wait: float = 1.0,
        size: int = 56,
        fragment: bool = True,
    ) -> Pinged:
        """Ping; `size` is the ICMP payload in bytes, `fragment=False` sets DF and lets the VM not fragment either."""
        options = [] if fragment else ["-M", "do"]
        argv = [
            "ping",
            "-n",
            "-q",
            "-c",
            f"{count}",
            "-i",
            f"{interval}",
            "-W",
            f"{wait}",
            "-s",
            f"{size}",
            *options,
            to,
        ]
        ended = subprocess.run(
            inside(self.namespace, argv), capture_output=True, text=True, timeout=count * (interval + wait) + 10
        )
        found = SUMMARY.search(ended.stdout)
        if found is None:
            return Pinged(count, 0)
        return Pinged(int(found[1]), int(found[2]))

    def reaches(self, to: str, within: float = 30.0) -> bool:
        """Ping until the first answer (the first packet of a new tunnel waits for the underlay's ARP)."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if self.ping(to, 1, wait=0.5).received:
                return True
        return False

    def pinging(self, to: str, interval: float = 0.01) -> Pinging:
        """Start a ping that goes on until it is stopped."""
        output = self._directory / f"ping-{self.name}-{len(self._pings)}.txt"
        process = Process(inside(self.namespace, ["ping", "-n", "-i", f"{interval}", to]), output)
        self._pings.append(process)
        return Pinging(process)

    def send(self, *frames: bytes, pause: float = 0.0) -> None:
        """Put frames on eth0 as they are."""
        send(self.namespace, list(frames), pause=pause)

    def capture(self) -> Capture:
        """What arrives at eth0 from now on."""
        return Capture(self.namespace)

    def forget(self) -> None:
        """Empty the VM's ARP and ND tables."""
        ip(["neigh flush dev eth0"], self.namespace)

    def knows(self, address: str) -> str:
        """The MAC that the VM's neighbour table has for an address, or ""."""
        found = re.search(r"lladdr (\S+)", run(["ip", "-n", self.namespace, "neigh", "show", address, "dev", "eth0"]))
        return found[1] if found else ""

    def stop(self) -> None:
        for process in self._pings:
            process.kill()


def _address(text: str) -> str:
    return f"addr add {text} dev eth0{' nodad' if ':' in text else ''}"
