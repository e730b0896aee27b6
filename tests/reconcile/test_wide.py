"""A network on many switches: the work for one port more, counted at n and 4n switches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from apps.pipeline import LIMIT
from controller.compile.catalogue import apps
from controller.compile.compiler import Compiled, Compiler
from controller.compile.flow_set import FlowSet, FlowSetKey
from controller.flow import Flow, Rates, field
from controller.flow.meter import Meter
from controller.model.model import Model
from controller.model.rows import Port, Row
from controller.reconcile import programmer, reach, reconciler
from controller.reconcile.audits import AuditIntervals
from controller.reconcile.progress import GRACE, Progress
from controller.reconcile.reconciler import Reconciler
from controller.reconcile.statuses import Statuses
from controller.reconcile.target import Steps, Target
from controller.runtime import hub
from tests.apps.clouds import network, plugged, port, switch
from tests.reconcile.memory import Feed, until


def spread(switches: int) -> list[Row]:
    """Network `red` with a port on each switch."""
    rows: list[Row] = [network("red")]
    for number in range(1, switches + 1):
        rows += [switch(number, encap=f"192.0.{number >> 8}.{number & 255}"), *one_port(number, number)]
    return rows


def one_port(number: int, at: int) -> list[Row]:
    name = f"p{number}"
    address = (0xFA163E000000 + number).to_bytes(6, "big").hex(":")
    made = msgspec.structs.replace(port(name, "red", 1), mac_address=address, fixed_ips=())
    return [made, plugged(name, at, 1 + number)]


class Counted(Progress):
    """Counts the switches that are looked at."""

    looked = 0

    def at(self, switch_id: str) -> int:
        self.looked += 1
        return super().at(switch_id)

    def is_away(self, switch_id: str) -> bool:
        self.looked += 1
        return super().is_away(switch_id)


class Site:
    def __init__(self, switches: int) -> None:
        self.now = 0.0
        self.feed = Feed()
        self.model: Model = self.feed.replica.model
        self.switches = [f"h{number}" for number in range(1, switches + 1)]
        self.progress = Counted(lambda: self.now)
        self.compiler = Compiler(self.model, apps(Rates()))
        self.reconciler = Reconciler(self.feed.replica, self.compiler, self.progress, AuditIntervals())
        self.statuses = Statuses(self.model, self.progress)
        self.feed.put(*spread(switches))
        self.computed()
        self.confirm(self.switches)
        self.now = 2 * GRACE

    def computed(self) -> None:
        self.progress.round(self.model.revision, self.switches)

    def confirm(self, switches: list[str]) -> None:
        for switch_id in switches:
            self.progress.confirmed(switch_id, self.model.revision, current=True)


def looked_at(switches: int, *, backwards: bool = False) -> int:
    """How many switches are looked at while a client waits for a port that they confirm one by one."""
    site = Site(switches)
    site.feed.put(*one_port(1000, 1))
    site.computed()
    site.progress.looked = 0
    done: list[float] = []
    waiting = hub.spawn(lambda: done.append(site.statuses.wait(site.model.revision, ["p1000"], 60.0) or 1.0))
    try:
        for switch_id in sorted(site.switches, reverse=backwards):
            hub.sleep(0)
            assert not done
            site.confirm([switch_id])
        until(lambda: done)
    finally:
        hub.kill(waiting)
    assert site.statuses.port(site.model.rows(Port)["p1000"])[0] == "ACTIVE"
    return site.progress.looked


@pytest.mark.parametrize("backwards", [False, True])
def test_who_waits_for_a_port_does_not_look_at_all_switches_again_and_again(backwards: bool) -> None:
    few, many = looked_at(25, backwards=backwards), looked_at(100, backwards=backwards)
    assert many <= 4 * few + 50
    assert many < 20 * 100


def test_a_port_waits_for_a_switch_that_was_never_heard_of_until_it_counts_as_away() -> None:
    site = Site(3)
    site.now = GRACE / 2
    site.feed.put(switch(9), *one_port(900, 9), *one_port(901, 1))
    site.computed()
    site.confirm(site.switches)
    last = site.model.rows(Port)["p901"]
    assert site.statuses.port(last) == ("BUILD", "switch h9 has not confirmed its flows")
    site.now = 2 * GRACE
    assert site.statuses.port(last)[0] == "ACTIVE"


@contextmanager
def counted(of: object, name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    calls: list[object] = []
    before = getattr(of, name)
    with monkeypatch.context() as patch:
        patch.setattr(of, name, lambda *given: (calls.append(given), before(*given))[1])
        yield calls


def test_who_is_reached_is_found_once_a_network_and_again_after_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(20)
    everyone = list(site.model.rows(Port).values())

    def look() -> tuple[int, int]:
        """How often a whole network was looked at, and its switches from one of them."""
        with counted(reach, "_is_meshed", monkeypatch) as whole, counted(reach, "unreached", monkeypatch) as each:
            for port in everyone:
                site.statuses.port(port)
        return len(whole), len(each)

    assert {site.statuses.port(each)[0] for each in everyone} == {"ACTIVE"}
    assert look() == (0, 0)
    site.feed.put(switch(99))
    site.computed()
    site.confirm(site.switches)
    assert look() == (1, 0) and look() == (0, 0)
    site.feed.put(msgspec.structs.replace(switch(2), encap_ip=""))
    site.computed()
    site.confirm(site.switches)
    assert look() == (1, len(site.switches)) and look() == (0, 0)
    found = {each.id: site.statuses.port(each) for each in everyone}
    assert found["p1"] == ("ACTIVE", "no tunnel and no links lead to its network's ports on switch h2")
    site.feed.put("interface/h2/tap-p2")
    site.computed()
    site.confirm(site.switches)
    assert site.statuses.port(everyone[0]) == ("ACTIVE", "")


class Compared:
    """What the reconciler needs of a programmer."""

    compared = True

    def __init__(self) -> None:
        self.target = Target()
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1


class Rounds(Site):
    def __init__(self, switches: int, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(switches)
        for switch_id in self.switches:
            self.compiler.include(switch_id)
        self.compiler.run()
        self.programmers = {switch_id: Compared() for switch_id in self.switches}
        monkeypatch.setattr(self.reconciler, "programmers", self.programmers)


@pytest.mark.parametrize("switches", [8, 32])
def test_what_all_switches_are_sent_is_prepared_and_encoded_once(
    switches: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Rounds(switches, monkeypatch)
    site.feed.put(*one_port(1000, 1))
    with counted(Steps, "of", monkeypatch) as prepared:
        site.reconciler._round()
    assert len(prepared) == 2  # the network's set and that of the port's own switch
    batches = [each.target.take_out() for each in site.programmers.values()]
    assert all(batch.put for batch in batches) and all(each.woken for each in site.programmers.values())
    distinct = {flow for batch in batches for flow in batch.put}
    assert sum(len(batch.put) for batch in batches) >= switches > len(distinct) - len(batches[0].put)
    before = programmer._encoded.cache_info().misses
    for batch in batches:
        assert [programmer._encoded(flow) for flow in batch.put] == [flow.wire for flow in batch.put]
    assert programmer._encoded.cache_info().misses - before <= len(distinct)


def test_a_round_gives_turns_while_it_tells_the_switches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler, "SLICE", 0.0)
    site = Rounds(20, monkeypatch)
    site.feed.put(*one_port(1000, 1))
    told: list[int] = []

    def others() -> None:
        while True:
            told.append(sum(not each.target.right for each in site.programmers.values()))
            hub.sleep(0)

    thread = hub.spawn(others)
    try:
        site.reconciler._round()
    finally:
        hub.kill(thread)
    assert {5, 10, 15} <= set(told)  # others ran between one switch and the next
    assert all(not each.target.right for each in site.programmers.values())


def test_a_change_that_comes_while_switches_are_told_is_not_in_the_rounds_revision(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reconciler, "SLICE", 0.0)
    site = Rounds(8, monkeypatch)
    site.feed.put(*one_port(1000, 1))
    first = site.model.revision

    def meanwhile() -> None:
        while all(each.target.right for each in site.programmers.values()):
            hub.sleep(0)
        site.feed.put(*one_port(1001, 2))

    thread = hub.spawn(meanwhile)
    site.reconciler._round()
    hub.kill(thread)
    assert site.model.revision == first + 1 and site.progress.compiled == first


def test_switches_come_and_go_while_flow_sets_are_settled() -> None:
    site = Site(4)
    changes: dict[str, set[Flow]] = {switch_id: set() for switch_id in site.switches}

    def play(compiled: Compiled) -> None:
        for switch_id, some in compiled.changes.items():
            changes[switch_id] -= {change.old for change in some if change.old is not None}
            changes[switch_id] |= {change.new for change in some if change.new is not None}

    for switch_id in ("h1", "h2"):
        site.compiler.include(switch_id)
    play(site.compiler.run())
    site.feed.put(*one_port(1000, 1), *one_port(1001, 2))
    for _ in site.compiler.work():
        pass
    for step, _ in enumerate(site.compiler.settle_sets()):
        if step == 0:
            site.compiler.include("h3")
            site.compiler.exclude("h1")
    play(site.compiler.settle())
    play(site.compiler.run())
    for switch_id in ("h2", "h3"):
        scratch = Compiler(site.model, apps(Rates()))
        scratch.include(switch_id)
        scratch.run()
        assert changes[switch_id] == set(site.compiler.wanted(switch_id)) == set(scratch.wanted(switch_id)) != set()
    site.compiler.exclude("h2")
    site.compiler.exclude("h3")
    site.compiler.run()
    assert site.compiler.empty


def test_flow_sets_are_settled_with_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler, "SLICE", 0.0)
    site = Rounds(20, monkeypatch)
    site.feed.put(*(row for number in range(1, 21) for row in one_port(1000 + number, number)))
    left: set[int] = set()

    def others() -> None:
        while True:
            if site.compiler.idle:
                left.add(len(site.compiler._changed))
            hub.sleep(0)

    thread = hub.spawn(others)
    site.reconciler._round()
    hub.kill(thread)
    assert {5, 10, 15, 20} <= left  # of 20 switches' sets and the network's


def test_flows_that_use_meters_are_found_once_for_all_switches() -> None:
    site = Site(4)
    for switch_id in site.switches:
        site.compiler.include(switch_id)
    site.compiler.run()
    for switch_id in site.switches:
        using = list(site.compiler.using(switch_id))
        assert using == [flow for flow in site.compiler.wanted(switch_id) if flow.refers] != []
    shared = site.compiler.flow_sets[FlowSetKey("network", "red")]
    assert shared.using is shared.using


def test_flows_that_use_meters_are_found_anew_when_they_come_or_go() -> None:
    flow_set = FlowSet()
    one, other = (Flow(LIMIT, 1, (field("reg6", n),), meter=Meter(n, 0, 10, 10)) for n in (1, 2))
    flow_set.claim(("port", "a"), (one,))
    assert flow_set.using == (one,)
    flow_set.claim(("port", "b"), (other,))
    assert flow_set.using == (one, other)
    flow_set.claim(("port", "a"), ())
    assert flow_set.using == (other,)
