"""One switch is kept right, whatever happens to it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import cast

import pytest

from apps.pipeline import LOCAL, PERMIT
from controller.compile.flow_set import FlowChange
from controller.flow import Flow, field, put
from controller.openflow.session import Session
from controller.reconcile import programmer as module
from controller.reconcile.audits import AuditIntervals
from controller.reconcile.cutting import MOST
from controller.reconcile.programmer import Programmer
from controller.reconcile.target import Target
from controller.runtime import hub
from controller.runtime.errors import Unreachable
from tests.reconcile.memory import Entry, MemorySession, key, until


def flow(key: int, does: int = 1) -> Flow:
    return Flow(LOCAL, 100, (field("eth_dst", key),), (put("reg7", does),), goto=PERMIT)


USUAL = AuditIntervals()


class Plan:
    """What is wanted, as a set; remembers what it was told."""

    def __init__(self, *wanted: Flow) -> None:
        self.wanted = set(wanted)
        self.revision = 1
        self.told: list[tuple[int, bool]] = []
        self.refusals: list[dict[int, str]] = []

    def comparing(self, switch_id: str) -> AbstractContextManager[None]:
        return nullcontext()

    def compare(self, switch_id: str, target: Target, right: set[int], wrong: set[int]) -> int:
        return target.compare(right, wrong, self.wanted)

    def confirmed(self, switch_id: str, revision: int, current: bool) -> None:
        self.told.append((revision, current))

    def refused(self, switch_id: str, refusals: dict[int, str]) -> None:
        self.refusals.append(dict(refusals))


class Bench:
    def __init__(self, *wanted: Flow, audits: AuditIntervals = USUAL) -> None:
        self.session = MemorySession()
        self.plan = Plan(*wanted)
        self.programmer = Programmer("h1", cast(Session, self.session), self.plan, audits)
        self._thread: hub.GreenThread = None

    def run(self) -> Bench:
        self._thread = hub.spawn(self.programmer.run)
        until(lambda: self.programmer.synchronised)
        return self

    def change(self, old: Flow | None, new: Flow | None) -> None:
        self.plan.wanted.discard(cast(Flow, old))
        self.plan.wanted |= {new} if new is not None else set()
        self.plan.revision += 1
        self.programmer.target.take_in([FlowChange(old, new)])
        self.programmer.wake()

    def right(self) -> bool:
        return self.session.cookies == {one.cookie for one in self.plan.wanted}

    def end(self) -> None:
        self.programmer.end()
        if self._thread is not None:
            self._thread.wait()


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench(flow(1), flow(2))
    yield bench
    bench.session.closed = False
    bench.end()


def quick(*wanted: Flow) -> Bench:
    return Bench(*wanted, audits=AuditIntervals(0.01, 0.01))


def test_a_switch_gets_what_it_lacks_and_loses_what_is_not_wanted(bench: Bench) -> None:
    bench.session.table = {
        key(flow(1).wire): Entry(flow(1).cookie, True),
        b"theirs": Entry(77, False),
        b"old": Entry(5, True),
    }
    bench.run()
    assert bench.right() and bench.session.table.keys() == {key(flow(1).wire), key(flow(2).wire)}
    assert bench.session.flow_messages_sent == 3
    assert set(bench.plan.told) == {(1, True)}
    assert bench.programmer.repaired == 0


def test_a_switch_that_is_right_is_sent_nothing(bench: Bench) -> None:
    bench.session.table = {key(one.wire): Entry(one.cookie, True) for one in bench.plan.wanted}
    bench.run()
    assert bench.session.flow_messages_sent == 0 and bench.programmer.last_applied == 0.0
    assert set(bench.plan.told) == {(1, True)}


def test_changes_are_sent_and_confirmed(bench: Bench) -> None:
    bench.run()
    bench.change(flow(1), flow(1, 2))
    bench.change(None, flow(3))
    until(lambda: bench.plan.told[-1] == (3, True))
    assert bench.right() and bench.programmer.last_applied > 0


def test_a_change_on_the_way_makes_the_confirmation_of_the_one_before_partial(bench: Bench) -> None:
    bench.run()
    bench.session.on_apply = lambda: bench.change(None, flow(4)) if bench.plan.revision == 2 else None
    bench.change(None, flow(3))
    until(lambda: bench.plan.told[-1] == (3, True))
    assert (2, False) in bench.plan.told and bench.right()


@pytest.mark.parametrize("takes_rest", [False, True])
def test_a_refused_flow_is_set_aside_and_the_others_go_on(bench: Bench, takes_rest: bool) -> None:
    bench.session.refuse, bench.session.takes_rest = {flow(2).cookie}, takes_rest
    bench.run()
    assert bench.session.cookies == {flow(1).cookie}
    assert bench.plan.refusals == [{flow(2).cookie: "no"}]
    assert set(bench.plan.told) == {(1, True)}
    assert bench.session.flow_messages_sent == 1 and bench.programmer.target.installed == {flow(1).cookie}
    bench.change(flow(2), None)
    until(lambda: bench.plan.refusals[-1] == {})


@pytest.mark.parametrize("takes_rest", [False, True])
def test_a_refused_flow_that_is_not_wanted_any_more_is_no_fault(bench: Bench, takes_rest: bool) -> None:
    bench.run()
    bench.session.refuse, bench.session.takes_rest = {flow(3).cookie}, takes_rest
    bench.session.on_apply = lambda: bench.change(flow(3), None) if flow(3) in bench.plan.wanted else None
    bench.change(None, flow(3))
    until(lambda: bench.plan.told[-1] == (3, True))
    assert bench.right() and bench.plan.refusals == [{}]


def test_a_full_table_takes_what_it_has_room_for(bench: Bench) -> None:
    """Open vSwitch names one flow a bundle that found no room; who left them out one by one would never be done."""
    bench.session.room = 40
    bench.run()
    for number in range(100, 600):
        bench.change(None, flow(number))
    until(lambda: bench.plan.told[-1] == (501, True) and len(bench.session.table) == 40)
    assert len(bench.plan.refusals[-1]) == 502 - 40 and set(bench.plan.refusals[-1].values()) == {
        "OFPFMFC_TABLE_FULL (type 5, code 1)"
    }
    assert bench.session.applied < 10


def test_a_new_connection_tells_that_nothing_is_refused_any_more(bench: Bench) -> None:
    bench.run()
    assert bench.plan.refusals == [{}]


def test_a_bundle_refused_as_a_whole_is_tried_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY", 0.01)
    bench.session.refuse_all = "bundle refused"
    hub.spawn_after(0.05, setattr, bench.session, "refuse_all", "")
    bench.run()
    assert bench.right() and set(bench.plan.told) == {(1, True)}


def test_it_ends_with_its_connection(bench: Bench) -> None:
    bench.session.closed = True
    with pytest.raises(Unreachable):
        bench.programmer.run()


def test_an_audit_repairs_and_counts(caplog: pytest.LogCaptureFixture) -> None:
    bench = quick(flow(1), flow(2), flow(3)).run()
    with caplog.at_level(logging.WARNING, "tenet.switch"):
        table = bench.session.table
        del table[key(flow(1).wire)]
        table[key(flow(2).wire)] = Entry(flow(2).cookie, False)
        table[b"theirs"] = Entry(0, False)
        until(lambda: bench.programmer.repaired)
        until(bench.right)
    bench.end()
    assert bench.session.table.keys() == {key(flow(1).wire), key(flow(2).wire), key(flow(3).wire)}
    assert bench.programmer.repaired == 3
    assert [record.getMessage() for record in caplog.records] == [
        "switch h1: audit found 3 flows missing, foreign or changed"
    ]


def test_an_audit_of_a_right_switch_sends_nothing_and_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    bench = quick(flow(1)).run()
    sent = bench.session.flow_messages_sent
    with caplog.at_level(logging.WARNING, "tenet.switch"):
        until(lambda: bench.session.dumps > 5)
    bench.end()
    assert bench.session.flow_messages_sent == sent
    assert bench.programmer.repaired == 0 and caplog.records == []


def counting(*wanted: Flow) -> Bench:
    """Its flows are counted again and again, and compared never again."""
    return Bench(*wanted, audits=AuditIntervals(0.01, 3600.0))


def test_a_right_number_of_flows_is_not_dumped() -> None:
    bench = counting(flow(1), flow(2)).run()
    bench.change(None, flow(3))
    bench.change(flow(1), None)
    until(lambda: bench.session.counts > 5 and bench.right())
    bench.end()
    assert bench.session.dumps == 1 and bench.programmer.repaired == 0


@pytest.mark.parametrize("how", ["deleted", "added"])
def test_a_wrong_number_of_flows_is_repaired_at_once(how: str) -> None:
    bench = counting(flow(1), flow(2)).run()
    if how == "deleted":
        del bench.session.table[key(flow(1).wire)]
    else:
        bench.session.table[b"theirs"] = Entry(0, False)
    until(lambda: bench.programmer.repaired == 1)
    until(bench.right)
    counted = bench.session.counts
    until(lambda: bench.session.counts > counted + 2)
    bench.end()
    assert bench.session.dumps == 2 and len(bench.session.table) == 2


def test_a_switch_that_does_not_count_is_compared() -> None:
    bench = counting(flow(1))
    bench.session.counts_flows = False
    bench.run()
    until(lambda: bench.session.dumps > 3)
    bench.end()
    assert bench.programmer.repaired == 0


def test_what_was_refused_is_tried_again_when_flows_are_counted() -> None:
    bench = counting(flow(1), flow(2))
    bench.session.refuse = {flow(2).cookie}
    bench.run()
    bench.session.refuse = set()
    until(bench.right)
    bench.end()


def test_a_change_during_an_audit_is_no_repair() -> None:
    bench = quick(flow(1)).run()
    bench.session.on_dump = lambda: bench.change(None, flow(100 + bench.session.dumps))
    until(lambda: bench.session.dumps > 5)
    bench.session.on_dump = lambda: None
    until(bench.right)
    bench.end()
    assert bench.programmer.repaired == 0


def test_an_audit_tries_again_what_was_refused_and_counts_it_as_no_repair() -> None:
    bench = quick(flow(1), flow(2))
    bench.session.refuse = {flow(2).cookie}
    bench.run()
    until(lambda: bench.session.dumps > 3)
    assert bench.session.cookies == {flow(1).cookie}
    bench.session.refuse = set()
    until(bench.right)
    until(lambda: bench.plan.refusals[-1] == {})
    bench.end()
    assert bench.programmer.repaired == 0


def never(*wanted: Flow) -> Bench:
    """Neither counted nor compared while a test runs."""
    return Bench(*wanted, audits=AuditIntervals(3600.0, 3600.0))


def test_a_change_by_others_that_the_switch_tells_of_is_repaired_without_an_audit(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = never(flow(1), flow(2)).run()
    with caplog.at_level(logging.INFO, "tenet.switch"):
        bench.session.table[key(flow(2).wire)] = Entry(flow(2).cookie, False)
        bench.session.table[b"theirs"] = Entry(0, False)
        for count in (1, 1, 1):
            bench.session.flow_monitor.tell(count)
        until(bench.right)
        until(lambda: len(bench.session.table) == 2)
    bench.end()
    assert bench.session.dumps == 2 and bench.session.counts == 0 and bench.programmer.repaired == 2
    assert bench.programmer.foreign.count == 3
    assert [record.getMessage() for record in caplog.records] == [
        "switch h1: 3 changes of flows by others; 2 flows missing, foreign or changed are put right"
    ]


def test_a_change_by_others_during_the_first_dump_brings_a_second() -> None:
    bench = never(flow(1))
    before = bench.session.on_dump

    def change() -> None:
        bench.session.on_dump = before
        hub.spawn(tamper)  # what the dump shows is what was held before

    def tamper() -> None:
        bench.session.table[b"theirs"] = Entry(0, False)
        bench.session.flow_monitor.tell(1)

    bench.session.on_dump = change
    bench.run()
    until(lambda: bench.session.dumps == 2 and len(bench.session.table) == 1)
    bench.end()


def test_the_monitor_ends_with_its_programmer(bench: Bench) -> None:
    bench.run()
    bench.end()
    assert bench.session.flow_monitor.changed is None


MANY = 2 * MOST + 100  # flows: three parts


def many(bench: Bench, old: int | None, new: int | None) -> list[FlowChange]:
    """A round in which MANY flows change."""
    changes = [
        FlowChange(None if old is None else flow(number, old), None if new is None else flow(number, new))
        for number in range(1000, 1000 + MANY)
    ]
    bench.plan.wanted -= {change.old for change in changes if change.old is not None}
    bench.plan.wanted |= {change.new for change in changes if change.new is not None}
    bench.plan.revision += 1
    bench.programmer.target.take_in(changes)
    bench.programmer.wake()
    return changes


@pytest.mark.parametrize("old, new", [(None, 1), (1, None), (1, 2)], ids=["added", "removed", "replaced"])
def test_a_large_change_is_cut_and_confirmed_at_its_end(bench: Bench, old: int | None, new: int | None) -> None:
    bench.run()
    if old is not None:
        many(bench, None, old)
        until(lambda: bench.plan.told[-1] == (2, True))
    before, told = bench.session.applied, len(bench.plan.told)
    many(bench, old, new)
    revision = bench.plan.revision
    until(lambda: bench.plan.told[-1] == (revision, True))
    assert bench.session.applied - before == 3 and len(bench.plan.told) == told + 1
    assert bench.right() and bench.programmer.target.installed == {one.cookie for one in bench.plan.wanted}
    assert not bench.programmer.target.leaving


def test_a_switch_that_holds_nothing_gets_one_bundle() -> None:
    bench = Bench(*(flow(number) for number in range(MANY))).run()
    assert bench.session.applied == 1 and bench.right()
    bench.end()


def test_what_a_part_is_refused_for_does_not_hold_up_the_rest(bench: Bench) -> None:
    bench.run()
    bad = flow(1000 + MOST)
    bench.session.refuse = {bad.cookie}
    many(bench, None, 1)
    until(lambda: bench.plan.told[-1] == (2, True))
    assert bench.session.cookies == {one.cookie for one in bench.plan.wanted} - {bad.cookie}
    assert bench.plan.refusals[-1] == {bad.cookie: "no"}


@pytest.mark.parametrize("refused", [False, True])
def test_a_change_back_between_two_parts_is_what_is_there_at_the_end(bench: Bench, refused: bool) -> None:
    """Flows that the first part has overwritten are wanted again, whether or not the switch takes the second."""
    bench.run()
    many(bench, None, 1)
    until(lambda: bench.plan.told[-1] == (2, True))
    before = bench.session.applied

    def back() -> None:
        if bench.session.applied == before + 2:
            bench.session.refuse = {flow(1000 + number, 2).cookie for number in range(MANY)} if refused else set()
            many(bench, 2, 1)

    bench.session.on_apply = back
    many(bench, 1, 2)
    until(lambda: bench.plan.told[-1] == (4, True))
    assert bench.right() and bench.programmer.target.installed == {one.cookie for one in bench.plan.wanted}
