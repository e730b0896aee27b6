"""Three members, and two VMs of one network on two hypervisors, one of which pings the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from tests.cluster.site import Site, site
from tests.lab import Vm, leftovers


class Pinging(NamedTuple):
    """`one` pings the address of the other VM."""

    site: Site
    network: dict[str, Any]
    one: Vm
    address: str


@contextmanager
def pinging(etcd: Sequence[str] = (), engines: int = 1) -> Iterator[Pinging]:
    """`etcd`, `engines`: as of `site`.  In the end all is as a compile from nothing, and nothing is left behind."""
    with site(2, 3, {"openflow": {"echo_interval": 1.0}}, etcd=etcd, engines=engines) as made:
        project = made.cloud.v2("acme")
        network = project.network()
        project.subnet(network, "10.0.0.0/24")
        one, _ = (made.cloud.start(made.lab[n], project.port(network, f"10.0.0.{n + 1}")) for n in range(2))
        assert one.reaches("10.0.0.2")
        yield Pinging(made, network, one, "10.0.0.2")
        made.right_from_nothing()
    assert leftovers() == []
