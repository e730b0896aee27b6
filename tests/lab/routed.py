"""Routers in a lab's cloud, in few words."""

from __future__ import annotations

import re
import subprocess

from tests.lab.cloud import V2, WAIT, Body, Cloud
from tests.lab.hypervisor import Hypervisor
from tests.lab.netns import inside
from tests.lab.vm import Vm


def router(api: V2, name: str, **more: object) -> Body:
    return api._create("router", {"name": name, **more})


def attach(api: V2, router: Body, **what: str) -> None:
    """Give a router an interface: `subnet_id` or `port_id`."""
    reply = api.controller.api("PUT", f"/v2.0/routers/{router['id']}/add_router_interface", what, WAIT)
    assert reply.status == 200, (reply.status, reply.body[:500])


def start(cloud: Cloud, at: Hypervisor, port: Body, *gateways: str, mtu: int = 1400) -> Vm:
    """The VM of a port, with default routes."""
    vm = cloud.start(at, port, mtu=mtu)
    lead(vm, *gateways)
    return vm


def lead(vm: Vm, *gateways: str) -> None:
    for gateway in gateways:
        vm.exec("ip", "-6" if ":" in gateway else "-4", "route", "add", "default", "via", gateway)


_TOLD = re.compile(r"^From (\S+?):? icmp_seq=\d+ (.*)$", re.MULTILINE)


def told(vm: Vm, to: str, *, ttl: int = 64, size: int = 56, count: int = 1) -> list[tuple[str, str]]:
    """What errors a ping brings: who says it, and what."""
    argv = ["ping", "-n", "-c", str(count), "-i", "0.2", "-W", "1", "-t", str(ttl), "-M", "do", "-s", str(size), to]
    ended = subprocess.run(inside(vm.namespace, argv), capture_output=True, text=True, timeout=30 + 2 * count)
    return _TOLD.findall(ended.stdout)
