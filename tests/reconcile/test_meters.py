"""A switch holds the meters that its flows use, at the rate that is wanted; one that has none holds all other flows."""

from __future__ import annotations

import logging
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.pipeline import LIMIT, LOCAL, PERMIT
from controller.compile.flow_set import FlowChange
from controller.flow import Flow, field, put
from controller.flow.meter import FLAGS, Meter, of_port
from controller.openflow.session import Session
from controller.reconcile.audits import AuditIntervals
from controller.reconcile.programmer import Programmer
from controller.runtime import hub
from tests.reconcile.memory import MemorySession, until
from tests.reconcile.test_programmer import Plan

RATE = 100


def limited(ofport: int) -> Flow:
    return Flow(LIMIT, 100, (field("in_port", ofport),), meter=of_port(ofport, RATE))


def plain(number: int, does: int = 1) -> Flow:
    return Flow(LOCAL, 100, (field("eth_dst", number),), (put("reg7", does),), goto=PERMIT)


class Scene:
    """A programmer and its switch in memory."""

    def __init__(self, session: MemorySession, *wanted: Flow, audit: float = 60.0) -> None:
        self.session, self.plan = session, Plan(*wanted)
        self.programmer = Programmer("h1", cast(Session, session), self.plan, AuditIntervals(audit, audit))
        self._thread = hub.spawn(self.programmer.run)
        until(lambda: self.programmer.synchronised)

    def want(self, old: Flow | None, new: Flow | None) -> None:
        self.plan.wanted = (self.plan.wanted - {cast(Flow, old)}) | ({new} if new else set())
        self.programmer.target.take_in([FlowChange(old, new)])
        self.programmer.wake()

    def settled(self) -> bool:
        return self.programmer.target.right and self.session.cookies == {
            flow.cookie for flow in self.plan.wanted if not flow.meter or flow.meter.number in self.session.meters
        }

    def end(self) -> None:
        self.programmer.end()
        self._thread.wait()


def test_a_meter_comes_before_its_flow_and_goes_after_it() -> None:
    scene = Scene(MemorySession(), limited(1), plain(1))
    assert scene.session.meters == {of_port(1, RATE).number: of_port(1, RATE)}
    scene.want(None, limited(2))
    until(scene.settled)
    scene.want(limited(1), None)
    until(lambda: scene.session.meters == {of_port(2, RATE).number: of_port(2, RATE)} and scene.settled())
    scene.end()


def test_only_ports_meters_are_looked_after_and_those_that_differ_are_put_right() -> None:
    session = MemorySession()
    foreign = Meter(100, FLAGS, 5, 5)  # an operator's
    session.meters = {
        100: foreign,
        1: Meter(1, FLAGS, 2000, 2000),  # of an earlier version
        of_port(1, RATE).number: of_port(1, RATE)._replace(rate=7),
        of_port(9, RATE).number: of_port(9, RATE),
    }
    scene = Scene(session, limited(1), limited(2))
    assert session.meters == {100: foreign, **{one.number: one for one in (of_port(1, RATE), of_port(2, RATE))}}
    scene.end()


def test_without_a_limit_no_meter_stays() -> None:
    session = MemorySession()
    session.meters = {of_port(1, RATE).number: of_port(1, RATE)._replace(rate=7)}
    scene = Scene(session, plain(1))
    assert not session.meters
    scene.end()


@pytest.mark.parametrize("takes_rest", [False, True])
@pytest.mark.parametrize("most", [0, 2])
def test_a_switch_without_meters_holds_all_else_and_it_is_said(
    most: int, takes_rest: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tenet.switch")
    session = MemorySession()
    session.most_meters, session.takes_rest = most, takes_rest
    scene = Scene(session, *(limited(port) for port in range(1, 5)), plain(1), audit=0.2)
    assert len(session.meters) == most and scene.settled()
    assert scene.programmer.target.unlimited.startswith(f"{4 - most} ports have no meter: ")
    assert not scene.plan.refusals[-1] and scene.plan.told[-1][1]
    scene.want(None, plain(2))
    until(scene.settled)
    assert plain(2).cookie in session.cookies
    session.most_meters = 1000
    until(lambda: len(session.meters) == 4 and scene.settled())  # at the next audit
    assert scene.programmer.target.unlimited == ""
    said = [record.getMessage() for record in caplog.records if "to many" in record.getMessage()]
    assert len(said) == 2 and "is not limited" in said[0] and said[1].endswith("is limited again")
    scene.end()


def test_a_port_that_goes_is_not_counted_and_the_next_one_in_its_place_is_tried() -> None:
    session = MemorySession()
    session.most_meters = 1
    scene = Scene(session, limited(1), limited(2))
    assert list(scene.programmer.target.lacking) == [of_port(2, RATE).number]
    session.most_meters = 2
    scene.want(limited(2), None)
    assert not scene.programmer.target.lacking
    scene.want(None, limited(2))
    until(lambda: of_port(2, RATE).number in session.meters and scene.settled())
    scene.end()


def test_a_refusal_that_is_not_of_meters_leaves_them_where_they_are() -> None:
    session = MemorySession()
    session.refuse = {plain(1).cookie}
    scene = Scene(session, limited(1), plain(1))
    assert session.cookies == {limited(1).cookie} and list(session.meters) == [of_port(1, RATE).number]
    assert scene.plan.refusals[-1] == {plain(1).cookie: "no"}
    scene.end()


EVENTS = st.lists(
    st.tuples(st.sampled_from(["want", "drop", "lose", "tamper", "fill", "empty"]), st.integers(1, 5)), max_size=15
)


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.booleans())
def test_whatever_happens_the_next_audit_puts_it_right(events: list[tuple[str, int]], takes_rest: bool) -> None:
    session = MemorySession()
    session.takes_rest = takes_rest
    scene = Scene(session, plain(1), audit=0.01)
    for what, number in events:
        flow = limited(number)
        if what == "want" and flow not in scene.plan.wanted:
            scene.want(None, flow)
        elif what == "drop" and flow in scene.plan.wanted:
            scene.want(flow, None)
        elif (
            what == "lose" and of_port(number, RATE).number in session.meters
        ):  # its flows go with it (OpenFlow 1.3.5, 6.4)
            del session.meters[of_port(number, RATE).number]
            session.table = {key: one for key, one in session.table.items() if one.cookie != flow.cookie}
        elif what == "tamper":
            session.meters[of_port(number, RATE).number] = Meter(of_port(number, RATE).number, 1, 5, 5)
        elif what in ("fill", "empty"):
            session.most_meters = 2 if what == "fill" else 1000
        hub.sleep(0.001 * (number % 3))
    session.most_meters = 1000
    wanted = {flow.meter.number: flow.meter for flow in scene.plan.wanted if flow.meter}
    until(lambda: session.meters == wanted and scene.settled())
    scene.end()
