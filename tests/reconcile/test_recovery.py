"""A switch that began anew has the flows of the recovery for a bounded time, and then no more."""

from __future__ import annotations

from typing import cast

import pytest

from controller.openflow.session import Session
from controller.reconcile import programmer as module
from controller.reconcile.audits import AuditIntervals
from controller.reconcile.programmer import Programmer
from controller.reconcile.recovery import Recovery
from tests.reconcile.memory import Entry, MemorySession, key, until
from tests.reconcile.test_programmer import USUAL, Bench, flow
from tests.reconcile.test_zones import owner

HELP, ZONE = flow(99), owner(7, b"alice")
RECOVERY = Recovery((HELP,), 60)


class Anew(Bench):
    def __init__(self, audits: AuditIntervals = USUAL, recovery: Recovery = RECOVERY) -> None:
        super().__init__(ZONE, audits=audits)
        self.sent: list[bytes] = []
        self.programmer = Programmer(
            "h1", cast(Session, Recording(self.session, self.sent)), self.plan, audits, recovery
        )

    def timeouts(self) -> list[int]:
        return [timeout for wire in self.sent if (timeout := int.from_bytes(wire[52:54], "big"))]


class Recording:
    """A session whose bundles are kept as they were sent."""

    def __init__(self, session: MemorySession, sent: list[bytes]) -> None:
        self._session, self._sent = session, sent

    def __getattr__(self, name: str) -> object:
        return getattr(self._session, name)

    def apply(self, put: list[bytes], *rest: object) -> None:
        self._sent += put
        self._session.apply(put, *rest)  # type: ignore[arg-type]


def test_an_empty_switch_has_them_before_all_others_and_for_their_time() -> None:
    bench = Anew()
    bench.run().end()
    assert [len(wire) for wire in bench.sent] == [len(HELP.wire), len(ZONE.wire)]
    assert bench.sent[0] == HELP.passing(60) and bench.timeouts() == [60]
    assert bench.sent[0] != HELP.wire and bench.sent[0].replace(b"\0\0\0\x3c", bytes(4)) == HELP.wire


@pytest.mark.parametrize(("age", "left"), [(0, [60]), (20, [40]), (57, [3]), (58, []), (60, []), (5000, [])])
def test_one_whose_flows_are_older_has_no_need_of_them(age: int, left: list[int]) -> None:
    """Flows that ovs-ctl has saved and restored begin to count anew; and who takes over goes on with what is left."""
    bench = Anew()
    bench.session.table = {key(ZONE.wire): Entry(ZONE.cookie, True)}
    bench.session.flows_age = age
    bench.run().end()
    assert bench.timeouts() == left


def test_an_audit_neither_repeats_nor_removes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Anew(AuditIntervals(0.01, 1000.0)).run()
    bench.session.table[key(HELP.wire)] = Entry(HELP.cookie, False)  # a dump shows its timeout, so it is not as it says
    counts = bench.session.counts
    until(lambda: bench.session.counts > counts + 2)
    assert bench.session.dumps == 1  # one flow more is nothing to look into
    monkeypatch.setattr(module, "SLACK", -60.0)
    bench.programmer._recovered_at = 0.0
    until(lambda: bench.session.dumps > 2)
    assert bench.timeouts() == [60] and key(HELP.wire) in bench.session.table and bench.programmer.repaired == 0
    bench.end()


def test_one_that_has_them_is_sent_none() -> None:
    bench = Anew()
    bench.session.table = {key(HELP.wire): Entry(HELP.cookie, False)}
    bench.run().end()
    assert bench.timeouts() == []


def test_none_where_no_time_is_given() -> None:
    bench = Anew(recovery=Recovery((HELP,), 0))
    bench.run().end()
    assert bench.timeouts() == []
