"""dnsmasq beside its client: one hypervisor whose bridge switches as any learning switch does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab import Lab, Vm
from tests.lab.dhcp import Client
from tests.lab.netns import inside, run
from tests.lab.processes import Process

ADDRESS, SERVER = "10.0.0.11", "10.0.0.2"


@contextmanager
def dnsmasq() -> Iterator[Vm]:
    """A VM for which dnsmasq, at another port of its switch, has a reserved address, as an OpenStack agent sets it up:
    authoritative, without a look whether the address is in use, without a file of leases.
    """
    with Lab(1) as lab:
        lab[0].vsctl("add-br", "br-int", "--", "set", "bridge", "br-int", "datapath_type=netdev")
        vm = lab.vm(lab[0], "client")
        server = lab.vm(lab[0], "server", f"{SERVER}/24")
        argv = [
            "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--interface=eth0",
            "--bind-interfaces", "--no-ping", "--dhcp-authoritative", "--leasefile-ro", f"--pid-file={lab.directory}/d",
            "--dhcp-range=10.0.0.0,static,255.255.255.0,86400s", f"--dhcp-host={vm.mac},{ADDRESS}",
            "--dhcp-option=option:router,10.0.0.1", "--user=root", "--log-facility=-", "--quiet-dhcp",
        ]  # fmt: skip
        process = Process(inside(server.namespace, argv), lab.directory / "dnsmasq.log")
        lab.at_end(process.kill)
        _await(vm)
        yield vm


def version() -> str:
    return run(["dnsmasq", "--version"]).split()[2]


def _await(vm: Vm) -> None:
    client = Client(vm.namespace, vm.mac)
    deadline = time.monotonic() + 30
    try:
        while client.discover(within=0.5)[0] is None:
            if time.monotonic() > deadline:
                raise TimeoutError("dnsmasq does not answer")
    finally:
        client.close()
