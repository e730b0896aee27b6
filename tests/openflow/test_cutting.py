"""A large change to a real switch: several bundles, and the same flows at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from controller.compile.flow_set import FlowChange
from controller.reconcile.cutting import MOST
from tests.openflow.flows import until
from tests.openflow.programmed import Programmed, plain, programmed
from tests.ovs import PrivateOvs

MANY = range(1000, 1000 + 3 * MOST)


@pytest.fixture(scope="module")
def site() -> Iterator[Programmed]:
    with PrivateOvs() as ovs, programmed(ovs) as made:
        yield made


@pytest.mark.parametrize("old, new", [(None, 1), (1, 2), (2, None)], ids=["added", "replaced", "removed"])
def test_a_large_change_is_cut_and_equal_at_the_end(site: Programmed, old: int | None, new: int | None) -> None:
    bundles = site.session.bundles
    changes = [FlowChange(old and plain(number, old), new and plain(number, new)) for number in MANY]
    site.wanted -= {change.old for change in changes if change.old}
    site.wanted |= {change.new for change in changes if change.new}
    site.programmer.target.take_in(changes)
    site.programmer.wake()
    until(site.right)
    until(lambda: site.programmer.target.installed == {flow.cookie for flow in site.wanted})
    assert site.session.bundles - bundles >= 3
    assert site.programmer.foreign.count == 0 and not site.programmer.repaired
