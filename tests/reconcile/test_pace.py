"""How often a switch is bothered: changes gather, audits of many switches do not come together."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from typing import cast

import pytest

from apps.pipeline import LOCAL, PERMIT
from controller.compile.flow_set import FlowChange
from controller.flow import Flow, field, put
from controller.openflow.session import Session
from controller.reconcile import programmer as module
from controller.reconcile.audits import AuditIntervals
from controller.reconcile.programmer import Programmer
from controller.reconcile.target import Target
from controller.runtime import hub
from tests.reconcile.memory import MemorySession, until

USUAL = AuditIntervals()


def flow(number: int) -> Flow:
    return Flow(LOCAL, 100, (field("eth_dst", number),), (put("reg7", 1),), goto=PERMIT)


class Nothing:
    """Wants no flow, and does not care."""

    revision = 1

    def comparing(self, switch_id: str) -> AbstractContextManager[None]:
        return nullcontext()

    def compare(self, switch_id: str, target: Target, right: set[int], wrong: set[int]) -> int:
        return target.compare(right, wrong, ())

    def confirmed(self, switch_id: str, revision: int, current: bool) -> None: ...

    def refused(self, switch_id: str, refusals: dict[int, str]) -> None: ...


def programmer(session: MemorySession, audits: AuditIntervals = USUAL) -> Programmer:
    return Programmer("h1", cast(Session, session), Nothing(), audits)


def test_changes_that_come_fast_share_a_bundle() -> None:
    session = MemorySession()
    bundles: list[float] = []
    session.on_apply = lambda: bundles.append(time.monotonic())
    made = programmer(session)
    thread = hub.spawn(made.run)
    until(lambda: made.synchronised)
    for number in range(1, 31):
        made.target.take_in([FlowChange(None, flow(number))])
        made.wake()
        hub.sleep(0.001)
    until(lambda: len(session.cookies) == 30)
    made.end()
    thread.wait()
    apart = [later - earlier for earlier, later in pairwise(bundles)]
    assert apart and min(apart) >= module.GATHER * 0.9


def test_a_switch_that_takes_long_is_sent_bundles_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GATHER", 0.001)
    session = MemorySession()
    spans: list[tuple[float, float]] = []

    def slow() -> None:
        began = time.monotonic()
        hub.sleep(0.02)
        spans.append((began, time.monotonic()))

    session.on_apply = slow
    made = programmer(session)
    thread = hub.spawn(made.run)
    until(lambda: made.synchronised)
    for number in range(1, 31):
        made.target.take_in([FlowChange(None, flow(number))])
        made.wake()
        hub.sleep(0.01)
    until(lambda: len(session.cookies) == 30)
    made.end()
    thread.wait()
    rests = [later[0] - earlier[1] for earlier, later in pairwise(spans)]
    assert rests and min(rests) >= 0.05


def test_no_bundle_is_so_long_that_the_next_waits_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 0.0)
    session = MemorySession()
    session.on_apply = lambda: hub.sleep(0.05)
    made = programmer(session)
    thread = hub.spawn(made.run)
    until(lambda: made.synchronised)
    made.target.take_in([FlowChange(None, flow(1))])
    made.wake()
    until(lambda: len(session.cookies) == 1)
    assert made._again_from - time.monotonic() <= module.GATHER
    made.end()
    thread.wait()


def test_a_change_after_a_while_goes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GATHER", 0.5)
    session = MemorySession()
    waits: list[float] = []
    made = programmer(session)
    thread = hub.spawn(made.run)
    until(lambda: made.synchronised)
    for number in (1, 2):
        began = time.monotonic()
        session.on_apply = lambda began=began: waits.append(time.monotonic() - began)  # type: ignore[misc]
        made.target.take_in([FlowChange(None, flow(number))])
        made.wake()
        until(lambda number=number: len(waits) == len(session.cookies) == number)  # type: ignore[misc]
        hub.sleep(module.GATHER * 1.1)
    made.end()
    thread.wait()
    assert len(waits) == 2 and max(waits) < module.GATHER


def test_switches_that_connect_together_are_audited_apart() -> None:
    sessions = [MemorySession() for _ in range(20)]
    when: list[float] = []

    def dumped(session: MemorySession) -> None:
        if session.dumps == 2:  # the first is that of the connection
            when.append(time.monotonic())

    made = []
    for session in sessions:
        session.on_dump = lambda session=session: dumped(session)  # type: ignore[misc]
        made.append(programmer(session, audits=AuditIntervals(0.4, 0.4)))
    threads = [hub.spawn(one.run) for one in made]
    until(lambda: len(when) == 20)
    for one, thread in zip(made, threads, strict=True):
        one.end()
        thread.wait()
    assert max(when) - min(when) > 0.05
