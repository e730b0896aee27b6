"""A switch holds exactly the groups that its flows use: put before them, gone after them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.pipeline import FORWARD
from controller.compile.flow_set import FlowChange
from controller.flow import Bucket, Flow, Group, field, output, to_group
from controller.reconcile.needs import Difference
from controller.reconcile.target import Batch, Target


def group(port: int) -> Group:
    return Group("fast_failover", (Bucket((output(port),), port), Bucket((output(9),), 9)))


def flow(label: int, port: int) -> Flow:
    """Through the group of a port; port 0: without one."""
    done = (to_group(group(port)),) if port else (output(1),)
    return Flow(FORWARD, 100, (field("eth_type", 0x8847), field("mpls_label", label)), done)


class Switch:
    """Refuses a flow whose group it does not hold, and a group's removal while a flow uses it."""

    def __init__(self) -> None:
        self.flows: dict[bytes, Flow] = {}
        self.groups: dict[int, bool] = {}

    def apply(self, batch: Batch) -> None:
        self.groups |= {one.number: True for one in batch.groups.missing}
        again = batch.drop & {one.cookie for one in batch.put}  # as `Session.apply`: tampered copies go first
        self.flows = {key: one for key, one in self.flows.items() if one.cookie not in again}
        for one in batch.put:
            assert all(used.number in self.groups for used in one.groups)
            self.flows[one.key] = one
        self.flows = {key: one for key, one in self.flows.items() if one.cookie not in batch.drop - again}
        for number in batch.groups.gone:
            del self.groups[number]
        assert all(used.number in self.groups for one in self.flows.values() for used in one.groups)

    def used(self) -> dict[int, bool]:
        return {used.number: True for one in self.flows.values() for used in one.groups}


def resynchronise(target: Target, switch: Switch, wanted: dict[int, Flow]) -> None:
    right = {number for number, is_right in switch.groups.items() if is_right}
    target.groups.seen(right, switch.groups.keys() - right)
    target.compare({one.cookie for one in switch.flows.values()}, set(), wanted.values())


def settle(target: Target, switch: Switch) -> None:
    while not target.right:
        batch = target.take_out()
        switch.apply(batch)
        target.confirm(batch)


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("want"), st.integers(1, 3), st.integers(-1, 3)),
        st.tuples(st.just("settle"), st.just(0), st.just(0)),
        st.tuples(st.just("fail"), st.just(0), st.just(0)),
        st.tuples(st.just("tamper"), st.integers(1, 4), st.booleans()),
        st.tuples(st.just("resynchronise"), st.just(0), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=400, deadline=None)
@given(EVENTS)
def test_groups_are_those_that_flows_use(events: list[tuple[str, int, int]]) -> None:
    target, switch = Target(), Switch()
    wanted: dict[int, Flow] = {}
    for what, one, two in events:
        if what == "want":
            old, new = wanted.get(one), None if two < 0 else flow(one, two)
            if old != new:
                target.take_in([FlowChange(old, new)])
            wanted.pop(one, None)
            if new is not None:
                wanted[one] = new
        elif what == "settle":
            settle(target, switch)
        elif what == "fail":
            target.restore(target.take_out(), {})
        elif what == "tamper":
            number = group(one).number
            if number not in switch.used():
                switch.groups[number] = True  # somebody else's; the next line tells whether it is what it should be
            switch.groups[number] = bool(two)
            resynchronise(target, switch, wanted)
        else:
            resynchronise(target, switch, wanted)
    settle(target, switch)
    assert set(switch.flows.values()) == set(wanted.values())
    assert switch.groups == switch.used()


def test_a_switch_that_is_right_is_sent_nothing() -> None:
    target, switch = Target(), Switch()
    wanted = {1: flow(1, 2)}
    switch.apply(Batch([wanted[1]], set(), Difference((group(2),))))
    resynchronise(target, switch, wanted)
    assert target.take_out().empty


def test_a_group_that_changes_goes_in_one_batch() -> None:
    target, switch = Target(), Switch()
    target.take_in([FlowChange(None, flow(1, 2))])
    settle(target, switch)
    target.take_in([FlowChange(flow(1, 2), flow(1, 3))])
    batch = target.take_out()
    assert [one.number for one in batch.groups.missing] == [group(3).number]
    assert batch.groups.gone == {group(2).number}


class Numbered(Group):
    """A group whose number is another's, as when two digests are the same."""

    def __init__(self, port: int, number: int) -> None:
        super().__init__("fast_failover", group(port).buckets)
        self.number = number


def colliding(label: int, port: int) -> Flow:
    return Flow(FORWARD, 100, (field("mpls_label", label),), (to_group(Numbered(port, group(1).number)),))


def test_of_two_groups_with_one_number_the_one_in_use_stays_and_the_other_is_refused() -> None:
    target, switch = Target(), Switch()
    first, second = flow(1, 1), colliding(2, 2)
    target.take_in([FlowChange(None, first)])
    settle(target, switch)
    target.take_in([FlowChange(None, second), FlowChange(None, flow(3, 0))])
    settle(target, switch)
    assert set(switch.flows.values()) == {first, flow(3, 0)}
    assert target.refused == {second.cookie: "its group has the number of another one"}
    target.take_in([FlowChange(first, None)])
    settle(target, switch)
    assert switch.groups == {}
    resynchronise(target, switch, {2: second, 3: flow(3, 0)})  # the next audit: the number is free now
    settle(target, switch)
    assert set(switch.flows.values()) == {second, flow(3, 0)} and not target.refused


def test_of_two_new_groups_with_one_number_every_process_chooses_the_same() -> None:
    flows = {1: flow(1, 1), 2: colliding(2, 2)}
    chosen = min(flows.values(), key=lambda one: one.cookie)
    for wanted in (flows, dict(reversed(flows.items()))):
        target, switch = Target(), Switch()
        resynchronise(target, switch, wanted)
        settle(target, switch)
        assert list(switch.flows.values()) == [chosen] and len(target.refused) == 1
