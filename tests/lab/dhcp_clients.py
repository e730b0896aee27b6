"""DHCP clients of Debian in a VM, with a script of ours instead of theirs: it tells what they were given, and applies
the address and the routes in the VM's own namespace only (theirs would write the host's resolv.conf).
"""

from __future__ import annotations

import signal
from pathlib import Path

from tests.lab.cloud import until
from tests.lab.netns import inside
from tests.lab.processes import Process
from tests.lab.vm import Vm

_UDHCPC = """#!/bin/sh
env > "{file}.$1.new"; mv "{file}.$1.new" "{file}.$1"
case "$1" in bound|renew)
    ip link set eth0 mtu "${{mtu:-1500}}"
    ip addr replace "$ip/$mask" dev eth0
    set -- $staticroutes
    while [ $# -gt 1 ]; do
        if [ "$2" = 0.0.0.0 ]; then ip route replace "$1" dev eth0; else ip route replace "$1" via "$2"; fi
        shift 2
    done
esac
"""
_DHCLIENT = """#!/bin/sh
env > "{file}.$reason.new"; mv "{file}.$reason.new" "{file}.$reason"
case "$reason" in BOUND|RENEW|REBIND|REBOOT)
    ip addr replace "$new_ip_address/24" dev eth0
    ip route replace 169.254.169.254 dev eth0
esac
"""
_ASKED = """option routes code 121 = array of unsigned integer 8;
option tftp-address code 150 = ip-address;
request subnet-mask, broadcast-address, routers, domain-name, domain-name-servers, host-name, interface-mtu, routes,
    domain-search, ntp-servers, tftp-address, bootfile-name, dhcp-renewal-time, dhcp-rebinding-time;
timeout 20;
"""


class DhcpClient:
    """A client that runs in a VM until `stop`."""

    def __init__(self, vm: Vm, argv: list[str], file: Path) -> None:
        self._file = file
        self._process = Process(inside(vm.namespace, argv), file.with_suffix(".log"))

    def told(self, event: str, within: float = 30.0) -> dict[str, str]:
        """What the client's script was told at an event, by its variables; {} where there was none in time."""
        file = Path(f"{self._file}.{event}")
        if not until(file.exists, within):
            return {}
        return dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)

    def forget(self, event: str) -> None:
        Path(f"{self._file}.{event}").unlink(missing_ok=True)

    def signal(self, number: signal.Signals) -> None:
        self._process.signal(number)

    def log(self) -> str:
        return self._process.text()

    def stop(self) -> None:
        self._process.kill()


def udhcpc(vm: Vm, directory: Path, *options: str) -> DhcpClient:
    """BusyBox' client.  Events: deconfig, bound, renew, nak, leasefail; SIGUSR1: renew now, SIGUSR2: release."""
    file = directory / f"udhcpc-{vm.name}"
    script = _script(file, _UDHCPC)
    asked = [each for name in ("mtu", "staticroutes", "search", "hostname") for each in ("-O", name)]
    argv = ["udhcpc", "-f", "-i", "eth0", "-t", "5", "-T", "2", "-s", str(script), *asked, *options]
    return DhcpClient(vm, argv, file)


def dhclient(vm: Vm, directory: Path) -> DhcpClient:
    """ISC's client.  Events: PREINIT, BOUND, RENEW, REBIND, REBOOT, EXPIRE, FAIL."""
    file = directory / f"dhclient-{vm.name}"
    script, conf = _script(file, _DHCLIENT), file.with_suffix(".conf")
    conf.write_text(_ASKED)
    kept = ["-lf", f"{file}.leases", "-pf", f"{file}.pid"]
    return DhcpClient(vm, ["dhclient", "-d", "-1", "-cf", str(conf), *kept, "-sf", str(script), "eth0"], file)


def _script(file: Path, text: str) -> Path:
    script = file.with_suffix(".sh")
    script.write_text(text.format(file=file))
    script.chmod(0o755)
    return script
