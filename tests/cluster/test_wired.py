"""Wired switches in a cluster: their masters change, and no wire goes, no path changes, no frame is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cluster.site import Site, messages, site
from tests.cluster.test_upgrade import renumbered, turn
from tests.lab import Vm, leftovers
from tests.lab.cloud import until
from tests.lab.vm import Pinging

WIRES = [(0, 1), (1, 2), (2, 0)]


class Ring(NamedTuple):
    """Three switches, each wired to both others; a VM on each, at 10.0.0.1, .2 and .3."""

    site: Site
    vms: list[Vm]

    def pinging(self) -> list[Pinging]:
        return [vm.pinging(f"10.0.0.{(number + 1) % 3 + 1}", 0.005) for number, vm in enumerate(self.vms)]

    def links(self) -> int:
        """Ends of wires in use, as any member knows them."""
        return len(self.site.members[0].api("GET", "/tenet/v1/links").json["links"])


@pytest.fixture(scope="module")
def ring() -> Iterator[Ring]:
    with site(3, 3, {"openflow": {"echo_interval": 1.0}}, wires=WIRES) as made:
        project = made.cloud.v2("acme")
        network = project.network()
        project.subnet(network, "10.0.0.0/24")
        vms = [made.cloud.start(made.lab[n], project.port(network, f"10.0.0.{n + 1}")) for n in range(3)]
        found = Ring(made, vms)
        assert all(vm.reaches(f"10.0.0.{(number + 1) % 3 + 1}", 20.0) for number, vm in enumerate(vms))
        made.settled()
        yield found
        made.right_from_nothing()
    assert leftovers() == []


def test_a_master_is_killed_and_comes_back(ring: Ring) -> None:
    made = ring.site
    master = made.master("hv1")
    others = [member for member in made.members if member is not master]
    traffic, sent, links = ring.pinging(), messages(others), ring.links()
    assert links >= 3
    master.kill()
    made.use(others[0])
    assert until(lambda: all(made._holds(others[0], f"hv{n}") or made._holds(others[1], f"hv{n}") for n in (1, 2, 3)))
    master.start()
    made.use(made.members[0])
    made.settled()
    assert messages(others) == sent and master.metric("tenet_flow_messages_total") == 0
    assert ring.links() == links
    assert [each.stop() for each in traffic] == [[]] * 3


def test_an_upgrade_to_other_tables(ring: Ring, tmp_path: Path) -> None:
    """With groups, whose buckets lead on; on some switches the old tables, on others the new."""
    made = ring.site
    version = renumbered(tmp_path)
    groups = [hypervisor.ofctl("dump-groups") for hypervisor in made.lab]
    assert any("bucket" in each for each in groups)
    traffic = ring.pinging()
    for each in (version, None):
        for member in made.members:
            turn(member, each)
            made.settled()
    assert [each.stop() for each in traffic] == [[]] * 3
    made.right()
