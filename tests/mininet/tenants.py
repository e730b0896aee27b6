"""Mininet's hosts as tenants with the same addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.lab.census import Census, Host, Tenants, address, all_arrives, mac
from tests.mininet.bed import Bed
from topology.mininet import attach


def share(net: Any, tenants: Sequence[str] = ("red", "blue", "green")) -> dict[str, list[Host]]:
    """The hosts in turn to tenants, all with the same addresses."""
    nodes = sorted(net.hosts, key=lambda host: (len(host.name), host.name))
    shared: dict[str, list[Host]] = {name: [] for name in tenants}
    for number, node in enumerate(nodes):
        mine = shared[tenants[number % len(tenants)]]
        namespace = f"/proc/{node.pid}/ns/net"
        host = Host(tenants[number % len(tenants)], len(mine) + 1, node.name, namespace, node.defaultIntf().name)
        node.setMAC(mac(host.nth))
        node.setIP(address(host.nth), 24)
        node.params["ip6"] = f"{address(host.nth, six=True)}/64"
        mine.append(host)
    return shared


def joined(bed: Bed, tenants: Tenants) -> None:
    assert bed.net is not None
    attach(bed.net, {tenant: [host.name for host in hosts] for tenant, hosts in tenants.items()})


def all_is_well(bed: Bed, census: Census, tenants: Tenants) -> None:
    all_arrives(census, tenants, bed.topology()["networks"][0]["mtu"])
