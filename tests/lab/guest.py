"""A VM's own operating system, as far as its DHCP client needs one: /etc, /run and /var/lib of its own.

The clients are Debian's, with their own scripts; what they make of a lease, the kernel and /etc/resolv.conf tell.
"""

from __future__ import annotations

import json
import shlex
import shutil
import time
from collections.abc import Callable
from typing import Any

from tests.lab.netns import inside, run
from tests.lab.processes import Process
from tests.lab.vm import Vm

OWN = {"etc": "/etc", "run": "/run", "lib": "/var/lib"}
LEFT_OUT = ("ssl", "alternatives", "apt", "ca-certificates", "systemd/system", "init.d", "rc*.d")


class Guest:
    """`vm` with files of its own."""

    def __init__(self, vm: Vm) -> None:
        self.vm = vm
        self.directory = vm._directory / f"guest-{vm.name}"
        self._client: Process | None = None
        self._boots = 0
        shutil.copytree("/etc", self.directory / "etc", symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT),
                        ignore_dangling_symlinks=True)  # fmt: skip
        (self.directory / "etc" / "resolv.conf").unlink(missing_ok=True)
        self.write("etc/resolv.conf", "")
        for folder in ("run", "lib/dhcp", "lib/dhcpcd"):
            (self.directory / folder).mkdir(parents=True)

    def write(self, path: str, text: str) -> None:
        """A file, as `etc/NAME`."""
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def read(self, path: str) -> str:
        file = self.directory / path
        return file.read_text() if file.exists() else ""

    def exec(self, *argv: str, timeout: float = 30.0) -> str:
        """Run a command to its end; raises `CommandFailed`."""
        return run(self._command(argv), timeout=timeout)

    def boot(self, *client: str) -> None:
        """Start its DHCP client, which goes on until `shut_down`."""
        self._boots += 1
        log = self.directory / f"client-{self._boots}.log"
        self._client = Process(self._command(client), log)

    def shut_down(self) -> None:
        if self._client is not None:
            self._client.kill()
            self._client = None

    def said(self) -> str:
        """What the client has written."""
        return self._client.text() if self._client is not None else ""

    def told_to(self, number: int, wanted: str, within: float) -> bool:
        """Signal the client; whether it writes what is wanted from then on."""
        assert self._client is not None
        before = len(self.said())
        self._client.signal(number)
        deadline = time.monotonic() + within
        while wanted not in self.said()[before:]:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    # --- what has become of eth0 ---

    def addresses(self, version: int = 4) -> list[str]:
        """With their prefixes; without link-local ones."""
        (shown,) = json.loads(run(["ip", "-j", "-n", self.vm.namespace, f"-{version}", "addr", "show", "eth0"])) or [{}]
        return [
            f"{each['local']}/{each['prefixlen']}" for each in shown.get("addr_info", []) if each["scope"] != "link"
        ]

    def lifetime(self) -> int:
        """Seconds that its IPv4 address is valid for; 2^32 - 1 where the client does not tell the kernel."""
        (shown,) = json.loads(run(["ip", "-j", "-n", self.vm.namespace, "-4", "addr", "show", "eth0"]))
        return int(shown["addr_info"][0]["valid_life_time"])

    def routes(self) -> dict[str, str]:
        """Destination to next hop, "" where it is on the link; without those of its own addresses' prefixes."""
        shown = json.loads(run(["ip", "-j", "-n", self.vm.namespace, "-4", "route", "show", "dev", "eth0"]))
        return {each["dst"]: each.get("gateway", "") for each in shown if each.get("protocol") != "kernel"}

    def resolvers(self) -> list[str]:
        """Servers of /etc/resolv.conf, and those that networkd has for systemd-resolved."""
        said = self.read("etc/resolv.conf").splitlines()
        for link in (self.directory / "run/systemd/netif/links").glob("*"):
            said += [f"nameserver {each}" for line in link.read_text().splitlines() if line.startswith("DNS=")
                     for each in line[4:].split()]  # fmt: skip
        return [line.split()[1] for line in said if line.startswith("nameserver ")]

    def mtu(self) -> int:
        """Of the default route, where dhcpcd puts it, else of the interface."""
        (route,) = json.loads(run(["ip", "-j", "-n", self.vm.namespace, "route", "show", "default"])) or [{}]
        for metrics in route.get("metrics", []):
            if "mtu" in metrics:
                return int(metrics["mtu"])
        (shown,) = json.loads(run(["ip", "-j", "-n", self.vm.namespace, "link", "show", "eth0"]))
        return int(shown["mtu"])

    def _command(self, argv: tuple[str, ...]) -> list[str]:
        binds = [f"mount --bind {self.directory / name} {path}" for name, path in OWN.items()]
        script = " && ".join([*binds, "mount -o remount,bind,ro /sys", f"exec {shlex.join(argv)}"])
        return inside(self.vm.namespace, ["unshare", "--mount", "--uts", "sh", "-c", script])


# --- Debian's clients ---


def dhclient(guest: Guest) -> None:
    guest.boot("dhclient", "-4", "-d", "eth0")


def udhcpc(guest: Guest) -> None:
    guest.boot("udhcpc", "-f", "-i", "eth0", "-s", "/etc/udhcpc/default.script", "-O", "mtu")


def dhcpcd(guest: Guest) -> None:
    guest.boot("dhcpcd", "-4", "--nobackground", "--noipv4ll", "eth0")


NETWORKD = """[Match]
Name=eth0
[Network]
DHCP=ipv4
LinkLocalAddressing=no
IPv6AcceptRA=no
[DHCPv4]
UseMTU=true
"""


def networkd(guest: Guest) -> None:
    guest.write("etc/systemd/network/eth0.network", NETWORKD)
    for folder in ("links", "leases", "lldp"):
        (guest.directory / "run/systemd/netif" / folder).mkdir(parents=True)
    run(["chown", "-R", "systemd-network:", str(guest.directory / "run/systemd/netif")])
    guest.boot("/lib/systemd/systemd-networkd")


CLIENTS: dict[str, Callable[[Guest], None]] = {
    each.__name__: each for each in (dhclient, udhcpc, dhcpcd, networkd)
}  # fmt: skip


def options_of(guest: Guest, *names: str) -> dict[str, Any]:
    """The options of a lease as udhcpc tells its script; `names`: which ones it asks for beside its own."""
    guest.write("etc/told", "#!/bin/sh\n[ $1 = bound ] && env\n:\n")
    (guest.directory / "etc/told").chmod(0o755)
    asked = [part for name in names for part in ("-O", name)]
    lines = guest.exec("udhcpc", "-f", "-q", "-n", "-i", "eth0", "-s", "/etc/told", *asked).splitlines()
    return dict(line.partition("=")[::2] for line in lines)
