"""From the change feed to switches in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import msgspec
import pytest

from controller.compile.catalogue import apps
from controller.compile.compiler import Apps, Compiler
from controller.flow import Flow, Rates
from controller.model.reader import Reader
from controller.model.rows import Port, Switch
from controller.openflow.session import Session
from controller.reconcile import reconciler
from controller.reconcile.audits import AuditIntervals
from controller.reconcile.progress import Progress
from controller.reconcile.reconciler import Reconciler
from controller.reconcile.statuses import Statuses
from controller.runtime import hub
from tests.apps.clouds import network, plugged, port, switch
from tests.reconcile.memory import Feed, MemorySession, until


class Bench:
    """Two switches in memory, one network, a port on each."""

    def __init__(self, chosen: Apps) -> None:
        self.feed = Feed()
        self.model = self.feed.replica.model
        self.progress = Progress(lambda: 0.0)
        self.reconciler = Reconciler(self.feed.replica, Compiler(self.model, chosen), self.progress, AuditIntervals())
        self.statuses = Statuses(self.model, self.progress)
        self.threads: list[hub.GreenThread] = []
        self.feed.put(switch(1), switch(2), network("red"), port("a", "red", 1), port("b", "red", 2))
        self.feed.put(plugged("a", 1, 1), plugged("b", 2, 1))

    def start(self) -> None:
        before = hub.spawn
        try:
            hub.spawn = lambda *call: self.threads.append(before(*call))
            self.reconciler.start()
        finally:
            hub.spawn = before

    def connect(self, number: int, session: MemorySession | None = None) -> MemorySession:
        session = session or MemorySession(number)
        self.threads.append(hub.spawn(self.reconciler.attend, f"h{number}", cast(Session, session)))
        hub.sleep(0)
        return session

    def hang_up(self, session: MemorySession) -> None:
        session.closed = True
        self.reconciler.lost(cast(Session, session))

    def right(self, number: int, session: MemorySession) -> bool:
        compiler = self.reconciler.compiler
        return session.cookies == {flow.cookie for flow in compiler.wanted(f"h{number}")} != set()

    def status(self, port_id: str) -> str:
        return self.statuses.port(self.model.rows(Port)[port_id])[0]


def with_a_fault(role: str) -> Apps:
    """All apps, and one that raises for ports that are called so."""

    def port(port: Port, _: Reader) -> Iterator[Flow]:
        if port.name == "unlucky":
            raise ZeroDivisionError("as a fault of ours would")
        return iter(())

    chosen = {of: {kind: list(some) for kind, some in by_kind.items()} for of, by_kind in apps(Rates()).items()}
    chosen[role]["port"].append(port)
    return chosen


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    bench = Bench(getattr(request, "param", apps(Rates())))
    bench.start()
    yield bench
    for thread in bench.threads:
        hub.kill(thread)


def test_switches_get_what_the_model_says_and_follow_it(bench: Bench) -> None:
    one, two = bench.connect(1), bench.connect(2)
    until(lambda: bench.status("a") == bench.status("b") == "ACTIVE")
    assert bench.right(1, one) and bench.right(2, two)
    bench.feed.put(port("c", "red", 3), plugged("c", 2, 3))
    assert bench.status("c") == "BUILD"
    until(lambda: bench.status("c") == "ACTIVE")
    assert bench.right(1, one) and bench.right(2, two)
    bench.feed.put("port/a", "port/b", "port/c")
    bench.feed.put(switch(3))
    empty = bench.connect(3)
    until(lambda: bench.right(3, empty))
    until(lambda: len(one.table) == len(two.table) == len(empty.table))  # as one that never had a port


def test_a_change_sends_its_own_flows_only(bench: Bench) -> None:
    one = bench.connect(1)
    until(lambda: bench.progress.at("h1") == 2)
    held, sent = one.cookies, one.flow_messages_sent
    bench.feed.put(port("c", "red", 3), plugged("c", 1, 3))
    until(lambda: bench.progress.at("h1") == 3)
    assert one.flow_messages_sent - sent <= len(one.cookies ^ held)


def test_a_switch_that_comes_back_gets_what_it_missed_and_only_that(bench: Bench) -> None:
    one = bench.connect(1)
    until(lambda: bench.progress.at("h1") == 2)
    bench.hang_up(one)
    until(lambda: not bench.reconciler.programmers)
    held = one.cookies
    bench.feed.put(port("c", "red", 3), plugged("c", 1, 3))
    until(lambda: bench.progress.compiled == 3)
    assert bench.status("c") == "BUILD"
    again = MemorySession(1)
    again.table = dict(one.table)
    bench.connect(1, again)
    until(lambda: bench.progress.at("h1") == 3)
    assert bench.right(1, again)
    assert again.flow_messages_sent <= len(again.cookies ^ held)


def test_a_second_connection_takes_the_place_of_the_first(bench: Bench) -> None:
    bench.connect(1)
    until(lambda: bench.progress.at("h1") == 2)
    two = bench.connect(1)
    until(lambda: bench.right(1, two))
    assert cast(object, bench.reconciler.programmers["h1"].session) is two


def test_a_refused_flow_is_told_at_its_port(bench: Bench) -> None:
    one = MemorySession(1)
    bench.connect(2)
    until(lambda: bench.progress.at("h2") == 2)
    compiler = bench.reconciler.compiler
    everywhere = {flow.cookie for flow in compiler.wanted("h2") if flow.table.flow_set == "network"}
    origins = compiler.origins("h2", everywhere)
    one.refuse = {cookie for cookie, objects in origins.items() if objects == ["port/b"]}
    assert one.refuse
    bench.connect(1, one)
    until(lambda: bench.status("b") == "ERROR")
    assert bench.statuses.port(bench.model.rows(Port)["b"])[1] == "switch h1 refused a flow: no"
    until(lambda: bench.status("a") == "ACTIVE")
    bench.hang_up(one)
    one = bench.connect(1)
    until(lambda: bench.status("b") == "ACTIVE")


@pytest.mark.parametrize("bench", [with_a_fault("switch"), with_a_fault("network")], ids=["switch", "network"],
                         indirect=True)  # fmt: skip
def test_a_port_whose_flows_cannot_be_computed_says_so_and_holds_up_nobody(bench: Bench) -> None:
    one = bench.connect(1)
    bench.connect(2)
    until(lambda: bench.status("a") == bench.status("b") == "ACTIVE")
    unlucky = port("c", "red", 3)
    bench.feed.put(msgspec.structs.replace(unlucky, name="unlucky"), plugged("c", 1, 3))
    until(lambda: bench.status("c") == "ERROR")
    why = "its flows cannot be computed (ZeroDivisionError; see the controller's log)"
    assert bench.statuses.port(bench.model.rows(Port)["c"])[1] == why
    assert len(bench.reconciler.compiler.failed) == 1
    until(lambda: bench.status("a") == bench.status("b") == "ACTIVE")
    bench.feed.put(unlucky)
    until(lambda: bench.status("c") == "ACTIVE")
    assert bench.right(1, one) and not bench.reconciler.compiler.failed
    bench.feed.put(msgspec.structs.replace(unlucky, name="unlucky"))
    until(lambda: bench.status("c") == "ERROR")
    bench.feed.put("port/c")
    until(lambda: not bench.progress.refuses)


def test_whoever_waits_for_a_round_waits_without_work(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A round that fails is tried again, and others get their turn meanwhile."""
    settle = bench.reconciler.compiler.settle
    failures: list[int] = []

    def fails_once() -> object:
        if not failures:
            failures.append(1)
            raise ValueError("as a fault of ours would")
        return settle()

    monkeypatch.setattr(bench.reconciler.compiler, "settle", fails_once)
    turns: list[int] = []

    def another() -> None:
        while True:
            turns.append(1)
            hub.sleep(0.01)

    bench.threads.append(hub.spawn(another))
    one = bench.connect(1)
    until(lambda: failures)
    until(lambda: bench.progress.at("h1") == 2)
    assert len(turns) > 10 and bench.right(1, one)


def test_a_switch_that_was_removed_is_forgotten(bench: Bench) -> None:
    one = bench.connect(1)
    until(lambda: bench.progress.at("h1") == 2)
    bench.feed.put("switch/h1")
    bench.reconciler.programmers["h1"].end()
    bench.reconciler.forget("h1")
    until(lambda: not bench.reconciler.programmers)
    assert bench.progress.at("h1") == 0 and not bench.reconciler.compiler.includes("h1")
    assert one.closed is False


def test_a_switch_that_is_removed_while_it_is_read_ends_its_programmer(bench: Bench) -> None:
    one = MemorySession(1)
    one.on_dump = lambda: bench.reconciler.forget("h1")
    bench.connect(1, one)
    until(lambda: one.dumps and not bench.reconciler.programmers)
    assert one.table == {}


def test_a_switch_whose_address_changes_is_followed_by_the_others(bench: Bench) -> None:
    one, two = bench.connect(1), bench.connect(2)
    until(lambda: bench.progress.at("h1") == bench.progress.at("h2") == 2)
    known = bench.model.get(Switch, "h2")
    assert known is not None
    bench.feed.put(msgspec.structs.replace(known, encap_ip="192.0.2.77"))
    until(lambda: bench.progress.at("h1") == 3 and bench.right(1, one) and bench.right(2, two))
    assert any("192.0.2.77" in str(flow) for flow in bench.reconciler.compiler.wanted("h1"))


def test_each_refusal_is_logged_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.connect(1)
    until(lambda: bench.progress.at("h1") == 2)
    first, second, *_ = sorted(flow.cookie for flow in bench.reconciler.compiler.wanted("h1"))
    bench.reconciler.refused("h1", {first: "no"})
    bench.reconciler.refused("h1", {first: "no", second: "never"})
    said = [f"{record.args[1]:#x} {record.args[3]}" for record in caplog.records if "refused flow" in record.msg]  # type: ignore[index]
    assert said == [f"{first:#x} no", f"{second:#x} never"]


@pytest.mark.parametrize("slow", [False, True])
def test_few_switches_are_dumped_at_a_time_and_slow_ones_hold_up_nobody(
    slow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "TOGETHER", 2)
    monkeypatch.setattr(reconciler, "PATIENCE", 0.02 if slow else 60.0)
    bench = Bench(apps(Rates()))
    bench.feed.put(*(switch(number) for number in range(3, 10)))
    bench.start()
    dumped: list[int] = []
    now = [0]

    def dump() -> None:
        now[0] += 1
        dumped.append(now[0])
        hub.sleep(60.0 if slow and len(dumped) <= 2 else 0.01)
        now[0] -= 1

    sessions = [MemorySession(number) for number in range(1, 10)]
    for number, session in enumerate(sessions, 1):
        session.on_dump = dump
        bench.connect(number, session)
    until(lambda: sum(bench.progress.at(f"h{number}") > 0 for number in range(1, 10)) == (7 if slow else 9), 20.0)
    assert slow or max(dumped) == 2
    for thread in bench.threads:
        hub.kill(thread)


def test_few_switches_are_sent_their_first_flows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler, "TOGETHER", 2)
    bench = Bench(apps(Rates()))
    bench.feed.put(*(switch(number) for number in range(3, 10)))
    bench.start()
    now, most = [0], [0]

    def begin() -> None:
        now[0] += 1
        most[0] = max(most[0], now[0])

    def end() -> None:
        hub.sleep(0.005)
        now[0] -= 1

    for number in range(1, 10):
        session = MemorySession(number)
        session.on_dump, session.on_apply = begin, end
        bench.connect(number, session)
    until(lambda: all(bench.progress.at(f"h{number}") > 0 for number in range(1, 10)), 20.0)
    assert most == [2] and now == [0]
    for thread in bench.threads:
        hub.kill(thread)


def test_a_change_during_the_first_dump_is_not_gathered_and_not_lost(bench: Bench) -> None:
    one, gate = MemorySession(1), hub.Signal()
    one.on_dump = gate.wait
    bench.connect(1, one)
    until(lambda: one.dumps)
    bench.feed.put(port("c", "red", 3), plugged("c", 1, 3))
    until(lambda: bench.progress.compiled == 3)
    assert bench.reconciler.programmers["h1"].target.right  # millions of flows, where many switches connect together
    gate.set()
    until(lambda: bench.progress.at("h1") == 3)
    assert bench.right(1, one)
