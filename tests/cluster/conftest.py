"""One site for all tests of a module: two hypervisors, three members, one etcd, and a network with a VM on each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.cluster.site import Member, Site, site
from tests.lab import Vm, leftovers


class Running(NamedTuple):
    site: Site
    network: dict[str, Any]
    ports: list[dict[str, Any]]
    one: Vm
    two: Vm

    @property
    def members(self) -> list[Member]:
        return self.site.members

    @property
    def address(self) -> str:
        """Of the VM that is pinged."""
        return str(self.ports[1]["fixed_ips"][0]["ip_address"])

    def others(self, member: Member) -> list[Member]:
        return [each for each in self.members if each is not member]


@pytest.fixture(scope="module")
def whole() -> Iterator[Running]:
    with site(2, 3, {"openflow": {"echo_interval": 1.0}}) as made:
        project = made.cloud.v2("acme")
        network = project.network()
        project.subnet(network, "10.0.0.0/24")
        ports = [project.port(network) for _ in range(2)]
        one, two = (made.cloud.start(made.lab[n], ports[n]) for n in range(2))
        running = Running(made, network, ports, one, two)
        assert one.reaches(running.address)
        yield running
        made.right_from_nothing()
    assert leftovers() == []


@pytest.fixture
def running(whole: Running) -> Iterator[Running]:
    """The site as it should be, before the test and after it."""
    whole.site.settled()
    whole.site.use(whole.members[0])
    yield whole
    for member in whole.members:
        member.go_on()
        if not member.running():
            member.start()
    whole.site.settled()
    whole.site.right()
