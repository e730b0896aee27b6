"""Conntrack zones: whoever gets one finds no connection of another, and whose it stays keeps its connections."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from controller.flow import Flow, Table, field, in_order, note
from controller.reconcile.audits import AuditIntervals
from tests.reconcile.memory import Entry, key, until
from tests.reconcile.test_programmer import Bench, flow

ZONES = Table(251, "zones", frozenset({"ct_zone"}), owns_zones=True)


def owner(zone: int, name: bytes) -> Flow:
    return Flow(ZONES, 100, (field("ct_zone", zone),), (note(name),))


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench(flow(1), owner(7, b"alice"))
    yield bench
    bench.session.closed = False
    bench.end()


def hold(bench: Bench, *flows: Flow) -> None:
    bench.session.table.update({key(one.wire): Entry(one.cookie, True) for one in flows})


def test_a_zone_is_emptied_before_its_owner_comes(bench: Bench) -> None:
    bench.run()
    assert bench.session.zones == [(7, 0)]
    bench.change(None, owner(8, b"bob"))
    until(lambda: bench.plan.told[-1] == (2, True))
    assert bench.session.zones == [(7, 0), (8, 2)]  # before the flow


def test_a_zone_is_emptied_when_its_owner_is_gone(bench: Bench) -> None:
    bench.run()
    bench.change(owner(7, b"alice"), None)
    until(lambda: bench.plan.told[-1] == (2, True))
    assert bench.session.zones[1:] == [(7, 1)]  # after the flow


def of_address(zone: int, address: int, name: bytes) -> Flow:
    table = Table(251, "zones", frozenset({"ct_zone", "reg4"}), owns_zones=True)
    return Flow(table, 100, in_order(field("ct_zone", zone), field("reg4", address)), (note(name),))


def test_connections_of_an_address_end_with_its_owner_and_after_the_flows(bench: Bench) -> None:
    """Before, packets would make them again by the flows that go; the zone's others stay."""
    bench.plan.wanted |= {of_address(7, 99, b"alice")}
    bench.run()
    assert bench.session.zones == [(7, 0)] and bench.session.addresses == [(7, 99, 3)]
    bench.change(of_address(7, 99, b"alice"), of_address(7, 99, b"bob"))
    until(lambda: bench.plan.told[-1] == (2, True))
    bench.change(of_address(7, 99, b"bob"), None)
    until(lambda: bench.plan.told[-1] == (3, True))
    assert bench.session.zones == [(7, 0)] and bench.session.addresses[1:] == [(7, 99, 3), (7, 99, 2)]


def test_another_owner_finds_it_empty_once(bench: Bench) -> None:
    bench.run()
    bench.change(owner(7, b"alice"), owner(7, b"bob"))
    until(lambda: bench.plan.told[-1] == (2, True))
    assert bench.session.zones[1:] == [(7, 2)]


def test_a_controller_that_comes_back_empties_the_zones_of_new_owners_only(bench: Bench) -> None:
    hold(bench, flow(1), owner(7, b"alice"), owner(8, b"carol"))
    bench.plan.wanted |= {owner(8, b"bob"), owner(9, b"dave")}
    bench.run()
    assert sorted(zone for zone, _ in bench.session.zones) == [8, 9]


def test_an_audit_that_restores_a_flow_cuts_nobody() -> None:
    bench = Bench(owner(7, b"alice"), audits=AuditIntervals(0.01, 0.01)).run()
    bench.session.table.clear()
    until(bench.right)
    assert bench.session.zones == [(7, 0)]
    bench.end()


@pytest.mark.parametrize("takes_rest", [False, True])
def test_a_zone_of_a_refused_flow_stays_empty(bench: Bench, takes_rest: bool) -> None:
    """Its flow is tried again at the next audit, and whoever comes then finds the zone empty, too."""
    bench.session.refuse, bench.session.takes_rest = {owner(7, b"alice").cookie}, takes_rest
    bench.run()
    assert bench.session.zones == [(7, 0)]
    bench.session.refuse = set()
    bench.programmer.target.compare({flow(1).cookie}, set(), bench.plan.wanted)
    bench.programmer.wake()
    until(bench.right)
    assert [zone for zone, _ in bench.session.zones] == [7, 7]
