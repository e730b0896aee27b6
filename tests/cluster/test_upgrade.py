"""From one version to the next, whose pipeline has its tables in other places: member by member, under traffic."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from apps import pipeline
from tests.cluster.site import Member, Site, messages, site
from tests.lab import Vm, leftovers
from tests.lab.cloud import until

ROOT = Path(__file__).parents[2]
PRODUCT = ("controller", "apps", "topology", "northbound")
NUMBER = re.compile(r"(\b_?[tT]able\(\s*)(\d+)(, \")")


def renumbered(folder: Path) -> Path:
    """A copy of the product whose tables have moved: each has the number that the one after it had.

    So the old flows and the new ones are in the same tables, and no flow means anything in the other's place.  The
    first stays, and those that the pipeline says last.
    """
    for name in PRODUCT:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    numbers = [table.number for table in pipeline.TABLES]
    assert numbers == sorted(numbers) and numbers[0] == 0
    fixed = {0, *(table.number for table in pipeline.LASTING)}
    free = [number for number in numbers if number not in fixed]
    moved = dict(zip(free, [*free[1:], free[-1] + 1], strict=True)) | {number: number for number in fixed}
    file = folder / "apps" / "pipeline.py"
    text, found = NUMBER.subn(lambda match: f"{match[1]}{moved[int(match[2])]}{match[3]}", file.read_text())
    assert found == len(numbers)
    file.write_text(text)
    return folder


class Loaded(NamedTuple):
    site: Site
    pairs: list[tuple[Vm, str]]  # who pings, and what
    next: Path  # the next version


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """Networks of both APIs over two hypervisors: declared addresses, learned ones, and broadcasts of both."""
    with site(2, 3, {"openflow": {"echo_interval": 1.0, "connection_pickup": 0}}) as made:
        project = made.cloud.v2("acme")
        network = project.network()
        project.subnet(network, "10.0.0.0/24")
        vms = [made.cloud.start(made.lab[n % 2], project.port(network, f"10.0.0.{n + 1}")) for n in range(4)]
        tenant = made.cloud.v1("old")
        learning = tenant.network("learning")
        for number in range(2):
            tenant.port(learning, f"vif{number}")
        old = [made.cloud.bare(made.lab[n], f"10.1.0.{n + 1}/24", iface_id=f"vif{n}") for n in range(2)]
        pairs = [(vms[0], "10.0.0.2"), (vms[1], "10.0.0.1"), (vms[0], "10.0.0.3"), (vms[2], "10.0.0.4"),
                 (old[0], "10.1.0.2")]  # fmt: skip
        assert all(vm.reaches(to) for vm, to in pairs)
        made.settled()
        yield Loaded(made, pairs, renumbered(tmp_path_factory.mktemp("next")))
        made.right_from_nothing()
    assert leftovers() == []


def turn(member: Member, version: Path | None) -> None:
    """Restart a member as the version in that folder, or as this one."""
    assert member.stop() == 0
    member.environment = {"PYTHONPATH": str(version)} if version else {}
    member.start()


def tables(loaded: Loaded) -> set[int]:
    flows = [flow for hypervisor in loaded.site.lab for flow in hypervisor.flows()]
    return {int(re.findall(r"table=(\d+)", flow)[0]) if "table=" in flow else 0 for flow in flows}


@pytest.mark.parametrize("forth", [True, False], ids=["to the next version", "and back"])
def test_no_packet_is_lost_while_all_members_are_replaced(loaded: Loaded, forth: bool) -> None:
    before = tables(loaded)
    traffic = [vm.pinging(to, 0.005) for vm, to in loaded.pairs]
    for member in loaded.site.members:
        turn(member, loaded.next if forth else None)
        loaded.site.settled()
    assert before != tables(loaded)
    for vm in dict.fromkeys(vm for vm, _ in loaded.pairs):  # once: what waits for an answer is forgotten, too
        vm.forget()  # the next packet asks with ARP, through the new tables
    assert until(lambda: all(len(each.answered()) > 500 for each in traffic))
    assert [each.stop() for each in traffic] == [[]] * len(traffic)
    loaded.site.right()
    sent = messages(loaded.site.members)
    turn(loaded.site.members[0], loaded.next if forth else None)
    loaded.site.settled()
    assert messages(loaded.site.members[1:]) <= sent and messages(loaded.site.members[:1]) == 0
