"""Periodic work: a toy announcement of the addresses on a switch, by a clock of the test's."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import cast

import pytest
from msgspec.structs import replace

from controller.cluster.mastery import Alone
from controller.flow import output
from controller.model.model import Model
from controller.model.reader import Reader
from controller.model.rows import Port
from controller.openflow.session import Session
from controller.switches.packet_in import FrameOut
from controller.switches.periodic import LONGEST, MOST, Job, Periodic, Work
from tests.apps.clouds import network, plugged, port, switch
from tests.world import change

START = 1_000_000.0


def announced(see: Reader) -> Iterator[Job]:
    """Every port that is plugged in at the switch, once in ten seconds."""
    for kind, network_id in see.reachable():
        assert kind == "network"
        for block in see.blocks(see.switch_id, network_id):
            for port_id in see.members(see.switch_id, network_id, block):
                yield Job(port_id, 10.0)


def announcement(port_id: str, see: Reader) -> Iterable[FrameOut]:
    found = see.get(Port, port_id)
    assert found is not None
    return [FrameOut(1, (output(7),), f"{found.mac_address} is at {see.switch_id}".encode())]


ANNOUNCE = Work("announce", announced, announcement)


class Some(Alone):
    def __init__(self) -> None:
        self.others: set[str] = set()

    def holds(self, switch_id: str) -> bool:
        return switch_id not in self.others


class Talking:
    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def packet_outs(self, packets: list[tuple[int, bytes, bytes]]) -> None:
        self._bench.sent += [(self._bench.now - START, packet[2].decode()) for packet in packets]
        assert all(packet[:2] == (1, output(7).wire) for packet in packets)


class Bench:
    def __init__(self, *works: Work) -> None:
        self.now = START
        self.model = Model()
        self.mastery = Some()
        self.sent: list[tuple[float, str]] = []
        self.session = cast(Session, Talking(self))
        self.periodic = Periodic(self.model, works or (ANNOUNCE,), self.mastery, lambda: self.now)
        self.put(switch(1), network("red"))

    def put(self, *rows: object) -> None:
        self.periodic.changed(change(self.model, *rows))  # type: ignore[arg-type]

    def vms(self, number: int) -> None:
        for n in range(number):
            self.put(port(f"vm{n}", "red", n + 1), plugged(f"vm{n}", 1, n + 1))

    def live(self, seconds: float) -> list[tuple[float, str]]:
        """What is sent until then, when."""
        self.sent.clear()
        until = self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + self.periodic.turn())
        return self.sent

    def outcomes(self) -> dict[str, float]:
        samples = [sample for each in self.periodic.metrics() for sample in each.samples]
        return {sample.labels["outcome"]: sample.value for sample in samples}


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.vms(40)
    made.periodic.attend("h1", made.session)
    return made


def test_all_is_done_once_a_period_and_spread_over_it(bench: Bench) -> None:
    sent = bench.live(30.0)
    assert len(sent) == 120 and len({what for _, what in sent}) == 40
    for start in (0.0, 10.0, 20.0):
        part = [what for when, what in sent if start < when <= start + 10]
        assert len(part) == len(set(part)) == 40
    seconds = [sum(int(when) == second for when, _ in sent) for second in range(30)]
    assert max(seconds) < 12, "no burst, not when it begins either"
    assert bench.outcomes() == {"done": 120}


def test_the_list_follows_from_the_model(bench: Bench) -> None:
    bench.put("port/vm0")
    assert len(bench.live(10.0)) == 39
    bench.put(port("vm0", "red", 1))
    assert len(bench.live(10.0)) == 40
    bench.put(replace(port("vm1", "red", 2), mac_address="02:00:00:00:00:99"))
    assert len([what for _, what in bench.live(10.0) if what.startswith("02:00:00:00:00:99")]) == 1


def test_what_another_member_masters_is_its_to_do_and_what_is_gone_is_nobodys(bench: Bench) -> None:
    bench.mastery.others = {"h1"}
    assert bench.live(20.0) == []
    bench.mastery.others = set()
    assert len(bench.live(10.0)) == 40
    bench.periodic.lost(bench.session)
    assert bench.live(20.0) == [] and not bench.periodic._users and not len(bench.periodic._schedule)


def test_a_reconnect_sends_nothing_twice_in_a_period(bench: Bench) -> None:
    before = [what for _, what in bench.live(5.0)]
    bench.periodic.lost(bench.session)
    bench.periodic.attend("h1", bench.session)
    after = [what for _, what in bench.live(5.0)]
    assert len(before) + len(after) == 40 and not set(before) & set(after)


def test_standing_still_costs_what_was_missed_and_makes_no_burst(bench: Bench) -> None:
    bench.live(10.0)
    bench.now += 600.0
    sent = bench.live(10.0)
    assert len(sent) == 40 and max(sum(int(when) == int(each) for when, _ in sent) for each, _ in sent) < 12
    assert bench.outcomes()["missed"] == 40


def test_what_is_late_by_less_than_a_period_is_done_once(bench: Bench) -> None:
    bench.live(10.0)
    bench.now += 9.0
    bench.sent.clear()
    while not bench.periodic.turn():
        pass
    late = [what for _, what in bench.sent]
    assert 30 < len(late) == len(set(late)) <= 40


def test_a_clock_that_is_set_back_holds_nothing_up(bench: Bench) -> None:
    bench.live(10.0)
    bench.now -= 86_400.0
    assert len(bench.live(10.0 + LONGEST)) >= 40


def test_a_turn_is_bounded() -> None:
    bench = Bench()
    bench.vms(3 * MOST)
    bench.periodic.attend("h1", bench.session)
    bench.periodic.turn()
    bench.now += 9.9
    bench.periodic.turn()
    assert len(bench.sent) == MOST
    assert bench.periodic.turn() == 0.0 and len(bench.sent) == 2 * MOST


def test_work_that_raises_is_counted_and_told_and_the_rest_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    def raises(subject: str, see: Reader) -> Iterable[FrameOut]:
        raise KeyError(subject)

    def nothing(see: Reader) -> Iterable[Job]:
        see.reachable()
        raise ValueError("no list")

    broken = Work("broken", announced, raises)
    bench = Bench(broken, Work("listless", nothing, announcement), ANNOUNCE)
    bench.vms(20)
    with caplog.at_level(logging.ERROR):
        bench.periodic.attend("h1", bench.session)
        assert len(bench.live(10.0)) == 20
    found = {tuple(s.labels.values()): s.value for each in bench.periodic.metrics() for s in each.samples}
    assert found == {("announce", "done"): 20, ("broken", "failed"): 20, ("listless", "failed"): 1}
    assert 2 <= len(caplog.records) < 10


def test_a_list_that_raises_stays_as_it_was_and_is_computed_again_when_what_it_read_changes() -> None:
    faulty = [False]

    def jobs(see: Reader) -> Iterator[Job]:
        yield from announced(see)
        if faulty[0]:
            raise ValueError("a fault")

    bench = Bench(Work("announce", jobs, announcement))
    bench.vms(5)
    bench.periodic.attend("h1", bench.session)
    assert len(bench.live(10.0)) == 5
    faulty[0] = True
    bench.put(port("vm5", "red", 6), plugged("vm5", 1, 6))
    assert len(bench.live(10.0)) == 5
    faulty[0] = False
    bench.put(port("vm6", "red", 7), plugged("vm6", 1, 7))
    assert len(bench.live(10.0)) == 7


def test_a_new_job_of_work_that_is_done_at_once_does_not_wait_for_its_slot() -> None:
    bench = Bench(ANNOUNCE._replace(at_once=True))
    bench.vms(40)
    for _ in range(2):
        bench.periodic.attend("h1", bench.session)
        assert len(bench.live(0.5)) < 12, "who begins to attend a switch makes no burst"
        bench.put(port("new", "red", 50), plugged("new", 1, 50))
        sent = [what for _, what in bench.live(0.01)]
        assert sent == [f"{port('new', 'red', 50).mac_address} is at h1"]
        again = [when for when, what in bench.live(20.0) if what == sent[0]]
        assert len(again) == 2, "and then it is done in its slots"
        bench.put("port/new", "interface/h1/tap-new")
        bench.periodic.lost(bench.session)


# --- what is said when a job is none any more ---


def farewell(port_id: str, see: Reader) -> Iterable[FrameOut]:
    return [FrameOut(1, (output(7),), f"{port_id} is away".encode())]


def test_a_job_that_is_none_any_more_is_ended_once() -> None:
    bench = Bench(ANNOUNCE._replace(ended=farewell))
    bench.vms(2)
    bench.periodic.attend("h1", bench.session)
    bench.live(10.0)
    bench.put("interface/h1/tap-vm0")
    at = bench.now - START
    assert [said for said in bench.live(15.0) if "away" in said[1]] == [(at, "vm0 is away")]


def test_a_switch_that_is_lost_or_anothers_is_told_no_end() -> None:
    bench = Bench(ANNOUNCE._replace(ended=farewell))
    bench.vms(3)
    bench.periodic.attend("h1", bench.session)
    bench.live(10.0)
    bench.mastery.others.add("h1")
    bench.put("interface/h1/tap-vm0")
    assert not bench.live(10.0)
    bench.mastery.others.clear()
    bench.periodic.lost(bench.session)
    bench.put("interface/h1/tap-vm1")
    assert not bench.live(10.0)
    bench.periodic.attend("h1", bench.session)
    assert not [said for said in bench.live(10.0) if "away" in said[1]]


def test_a_switch_that_connects_again_is_told_no_end_of_what_goes_on() -> None:
    bench = Bench(ANNOUNCE._replace(ended=farewell))
    bench.vms(3)
    bench.periodic.attend("h1", bench.session)
    bench.live(10.0)
    bench.periodic.lost(bench.session)
    bench.periodic.attend("h1", bench.session)
    assert not [said for said in bench.live(10.0) if "away" in said[1]]


def test_many_ends_are_told_in_shares() -> None:
    bench = Bench(ANNOUNCE._replace(ended=farewell))
    bench.vms(MOST + 5)
    bench.periodic.attend("h1", bench.session)
    bench.live(10.0)
    bench.put(*[f"interface/h1/tap-vm{n}" for n in range(MOST + 5)])
    bench.sent.clear()
    assert bench.periodic.turn() == 0.0 and len(bench.sent) == MOST
    bench.periodic.turn()
    assert len(bench.sent) == MOST + 5
