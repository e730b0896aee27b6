"""A whole cluster over TLS and IPv6: etcd and its clients, switches, databases, REST, tunnels."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.engine import FIRST
from tests.cluster.site import LEASE, Member, Site, messages, site
from tests.cluster.test_failures import rename
from tests.lab import Vm, leftovers
from tests.lab.capture import Capture
from tests.lab.cloud import until

CERTIFICATES = Path(__file__).parents[2] / "tools" / "certificates.sh"
ADDRESSES = [f"2001:db8::{number}" for number in (201, 202, 203, *range(FIRST + 1, FIRST + 4))]
OPTIONS: dict[str, dict[str, object]] = {"openflow": {"echo_interval": 1.0}, "network": {"underlay_ip_version": 6}}


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    files = tmp_path_factory.mktemp("certificates")
    for argv in (["ca"], ["controller", *ADDRESSES], ["hypervisor", "hv1"], ["hypervisor", "hv2"]):
        subprocess.run([CERTIFICATES, argv[0], files, *argv[1:]], check=True, stdin=subprocess.DEVNULL)
    with site(2, 3, OPTIONS, engines=3, files=files) as made:
        yield made
    assert leftovers() == []


def test_a_switch_is_programmed_and_taken_over(secure: Site) -> None:
    project = secure.cloud.v2("acme")
    network = project.network("secret-name")
    project.subnet(network, "10.0.0.0/24")
    project.subnet(network, "fd00::/64")
    with Capture(secure.lab.namespace, "underlay", outgoing=True) as wire:
        ports = [project.port(network) for _ in range(2)]
        one, two = (secure.cloud.start(secure.lab[n], ports[n]) for n in range(2))
        assert reaches(one, ports[1]) and reaches(two, ports[0])
        seen = wire.frames(during=0.5)
    assert seen and not [frame for frame in seen if b"br-int" in frame or b"secret-name" in frame]

    # every hypervisor knows all members, by their IPv6 addresses
    for hypervisor in secure.lab:
        assert until(lambda at=hypervisor: targets(at.vsctl("get-controller", "br-int")) == expected(secure, 6653))
        assert targets(hypervisor.vsctl("get-manager")) == expected(secure, 6640)

    spare = project.port(network)
    secure.cloud.start(secure.lab[0], spare)
    secure.settled()
    master = secure.master("hv1")
    others = [member for member in secure.members if member is not master]
    traffic, sent = one.pinging(str(ports[1]["fixed_ips"][0]["ip_address"])), messages(others)
    master.kill()
    assert rename(others[0], spare, False) < LEASE + 1
    secure.master("hv1", others)
    assert until(lambda: messages(others) > sent)
    assert messages(others) - sent < 40  # those of a port with two addresses
    assert rename(others[1], spare, True) < 1.5

    # and the leader of etcd with it
    leader = secure.etcd.leader()
    leader.kill()
    assert rename(others[0], spare, False) < 10
    master.start()
    secure.settled(40.0)
    assert traffic.stop() == []
    secure.right()


def reaches(vm: Vm, port: dict[str, object]) -> bool:
    return all(vm.reaches(str(fixed["ip_address"])) for fixed in port["fixed_ips"])  # type: ignore[attr-defined]


def targets(text: str) -> set[str]:
    return set(text.split())


def expected(secure: Site, port: int) -> set[str]:
    members: list[Member] = secure.members
    return {f"ssl:[{member.machine.address6}]:{port}" for member in members}
