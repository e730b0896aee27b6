"""The interpreter beyond plain forwarding: conjunctions, TTL, length, the tracker as a value, assumed states."""

from __future__ import annotations

import pytest

from controller.flow import (
    CONTROLLER,
    Action,
    Field,
    Flow,
    Nat,
    Table,
    actions,
    check_pkt_larger,
    conjunction,
    ct,
    dec_ttl,
    field,
    load,
    masked,
    move,
    multipath,
    output,
    output_register,
    pop,
    push,
    put,
    resubmit,
    tracking,
)
from controller.flow.interpret import Ambiguous, Assumed, Conntrack, Frame, Pipeline, Tracker
from controller.flow.interpret.lookup import TableIndex
from controller.flow.interpret.walk import DO
from tests.world import frame

EMPTY = Conntrack()
ZERO, ONE, TWO = (Table(number, f"t{number}", frozenset()) for number in range(3))
IP = field("eth_type", 0x0800)


def flow(table: Table, priority: int, match: tuple[Field, ...], *does: Action, goto: Table | None = None) -> Flow:
    return Flow(table, priority, match, does, goto=goto)


def udp(source: str, target: str, here: int = 5, there: int = 6, **rest: int | str) -> Frame:
    said: dict[str, int | str] = {
        "in_port": 1, "eth_type": 0x0800, "ipv4_src": source, "ipv4_dst": target, "ip_proto": 17,
        "udp_src": here, "udp_dst": there,
    }  # fmt: skip
    return frame(**{**said, **rest})


def ports(flows: list[Flow], one: Frame, tracker: Tracker = EMPTY) -> list[int]:
    return [sent.port for sent in Pipeline(flows).send(one, tracker)]


def test_every_action_of_the_tables_is_interpreted() -> None:
    assert DO.keys() == actions.SPECS.keys() | tracking.SPECS.keys()


def test_a_lookup_asks_a_map_for_each_shape_however_many_flows_there_are() -> None:
    flows = [flow(ZERO, 5, (field("in_port", number),), output(number + 1)) for number in range(1, 500)]
    flows += [flow(ZERO, 5, (field("metadata", number),), output(9)) for number in range(1, 500)]
    flows += [flow(ZERO, 4, (masked("metadata", number, 0xFF00),), output(8)) for number in range(0, 0xFF00, 0x100)]
    index = TableIndex(flows)
    assert index.shapes == 3
    assert index.find({"in_port": 77}) == flows[76]
    assert index.find({"in_port": 1000, "metadata": 0x7701}) == flows[998 + 0x77]
    with pytest.raises(Ambiguous):
        index.find({"in_port": 7, "metadata": 7})


# --- conjunctions -----------------------------------------------------------------------------------------------------


def group(number: int, priority: int, *sources: str, port: int = 80) -> list[Flow]:
    found = [flow(ZERO, priority, (IP, field("ipv4_src", one)), conjunction(number, 1, 2)) for one in sources]
    match = (IP, field("ip_proto", 17), field("udp_dst", port))
    return [*found, flow(ZERO, priority, match, conjunction(number, 2, 2))]


def test_a_conjunction_is_met_when_every_clause_is() -> None:
    flows = [*group(7, 100, "10.0.0.1", "10.0.0.2"), flow(ZERO, 100, (field("conj_id", 7), IP), output(3))]
    flows.append(flow(ZERO, 1, (), output(9)))
    assert ports(flows, udp("10.0.0.2", "10.0.0.9", there=80)) == [3]
    assert ports(flows, udp("10.0.0.3", "10.0.0.9", there=80)) == [9]
    assert ports(flows, udp("10.0.0.2", "10.0.0.9", there=81)) == [9]


def test_the_second_lookup_is_won_by_the_highest_priority() -> None:
    """The trap of priorities: a plain flow between the clauses and the conj_id flow takes the packet."""
    flows = [*group(7, 100, "10.0.0.1"), flow(ZERO, 10, (field("conj_id", 7), IP), output(3))]
    assert ports([*flows, flow(ZERO, 50, (IP,), output(5))], udp("10.0.0.1", "10.0.0.9", there=80)) == [5]
    assert ports([*flows, flow(ZERO, 5, (IP,), output(5))], udp("10.0.0.1", "10.0.0.9", there=80)) == [3]
    assert ports([*flows, flow(ZERO, 150, (IP,), output(5))], udp("10.0.0.1", "10.0.0.9", there=80)) == [5]


def test_which_of_two_conjunctions_is_looked_up_is_the_choice_of_the_switch() -> None:
    flows = [*group(7, 100, "10.0.0.1"), flow(ZERO, 200, (field("conj_id", 7), IP), output(3))]
    both = (IP, field("ipv4_src", "10.0.0.2"))
    flows += [flow(ZERO, 100, both, conjunction(7, 1, 2), conjunction(8, 1, 2))]
    second = (IP, masked("ipv4_dst", "10.0.0.0", "255.255.255.0"))
    flows += [flow(ZERO, 100, second, conjunction(8, 2, 2)), flow(ZERO, 200, (field("conj_id", 8), IP), output(4))]
    assert ports(flows, udp("10.0.0.2", "10.1.0.9", there=80)) == [3]
    assert ports(flows, udp("10.0.0.2", "10.0.0.9", there=81)) == [4]
    with pytest.raises(Ambiguous):
        ports(flows, udp("10.0.0.2", "10.0.0.9", there=80))


def test_a_conjunction_of_a_lower_priority_is_tried_when_a_higher_one_is_not_whole() -> None:
    flows = [*group(7, 100, "10.0.0.1"), *group(8, 90, "10.0.0.1", port=81)]
    flows += [flow(ZERO, 100, (field("conj_id", number), IP), output(number)) for number in (7, 8)]
    assert ports(flows, udp("10.0.0.1", "10.0.0.9", there=81)) == [8]


# --- what is in the frame ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ttl", "left"), [(64, [(3, 63)]), (2, [(3, 1)]), (1, [(CONTROLLER, 1), (4, 1)])])
def test_a_ttl_that_runs_out_ends_its_table_and_goes_to_the_controller(ttl: int, left: list[tuple[int, int]]) -> None:
    flows = [
        flow(ZERO, 1, (), resubmit(1), output(4)) if ttl == 1 else flow(ZERO, 1, (), resubmit(1)),
        flow(ONE, 1, (IP,), dec_ttl(), output(3)),
    ]
    sent = Pipeline(flows).send(udp("10.0.0.1", "10.0.0.2", ip_ttl=ttl))
    assert [(one.port, one.frame["ip_ttl"]) for one in sent] == left


def test_length_registers_and_the_stack() -> None:
    does = (check_pkt_larger(1414, "reg0[3]"), put("reg1[0..15]", 7), load("xreg1", 0x500000006), push("reg3"),
            pop("reg4"), move("reg0[3]", "reg5[0]"), output_register("reg4"), multipath("reg6", 5))  # fmt: skip
    flows = [flow(ZERO, 1, (), *does, goto=ONE), flow(ONE, 2, (field("reg5", 1), field("reg2", 5)), output(9))]
    flows.append(flow(ONE, 1, (field("reg1[0..15]", 7),), output(8)))
    assert ports(flows, {**udp("10.0.0.1", "10.0.0.2"), "length": 1415}) == [6, 9]
    assert ports(flows, {**udp("10.0.0.1", "10.0.0.2"), "length": 1414}) == [6, 8]


# --- the tracker ------------------------------------------------------------------------------------------------------


def firewall(nat: Nat | None = None) -> list[Flow]:
    """New ones from port 1 only; with NAT, what is not translated and no answer does not leave."""
    return [
        flow(ZERO, 1, (IP,), ct(5, 1, nat=Nat() if nat else None)),
        flow(ONE, 9, (field("in_port", 1), IP, field("ct_state", "+new+trk")), ct(5, 2, commit=True, nat=nat)),
        flow(ONE, 8, (IP, field("ct_state", "+est+trk")), resubmit(2)),
        flow(ONE, 8, (IP, field("ct_state", "+rel+trk")), resubmit(2)),
        flow(TWO, 9, (field("ct_state", "+trk+rpl"),), output(3)),
        flow(TWO, 8, (field("ct_state", "+trk+snat"),) if nat else (), output(4)),
    ]


def test_what_is_known_is_a_value_that_goes_from_packet_to_packet() -> None:
    pipeline = Pipeline(firewall())
    out, back = udp("10.0.0.1", "10.0.0.2"), udp("10.0.0.2", "10.0.0.1", 6, 5, in_port=2)
    assert pipeline.send(back) == []
    first = pipeline.through(out)
    assert [sent.port for sent in first.sent] == [4]
    assert [sent.port for sent in pipeline.send(back, first.tracker)] == [3]
    assert pipeline.send(back) == []  # nothing was remembered by the pipeline
    assert isinstance(first.tracker, Conntrack) and len(first.tracker.connections) == 1


def test_exhausted_nat_lets_the_packet_go_on_as_it_is() -> None:
    nat = Nat("src", ("10.0.0.99",), (2000, 2001))
    pipeline, leaking = Pipeline(firewall(nat)), Pipeline([*firewall(nat), flow(TWO, 1, (), output(9))])
    tracker: Tracker = Conntrack()
    for port, source in ((7, 2000), (8, 2001)):
        passage = pipeline.through(udp("10.0.0.1", "10.0.0.2", port), tracker)
        (sent,) = passage.sent
        tracker = passage.tracker
        assert (sent.port, sent.frame["udp_src"]) == (4, source)
    third = udp("10.0.0.1", "10.0.0.2", 9)
    assert pipeline.send(third, tracker) == []
    (leaked,) = leaking.send(third, tracker)
    assert leaked.port == 9 and leaked.frame["ipv4_src"] == third["ipv4_src"]
    assert [sent.port for sent in pipeline.send(udp("10.0.0.1", "10.0.0.3", 9), tracker)] == [4]  # another destination


def test_later_fragments_share_the_fate_of_the_first() -> None:
    pipeline = Pipeline(firewall())
    first, later = {**udp("10.0.0.1", "10.0.0.2"), "ip_frag": 1}, udp("10.0.0.1", "10.0.0.2", 0, 0, ip_frag=3)
    assert pipeline.send(later) == []
    passage = pipeline.through(first)
    assert [sent.port for sent in passage.sent] == [4]
    assert [sent.port for sent in pipeline.send(later, passage.tracker)] == [4]


@pytest.mark.parametrize(("state", "port"), [("new", [4]), ("established", [4]), ("reply", [3]), ("related", [4])])
def test_states_can_be_assumed(state: str, port: list[int]) -> None:
    assert ports(firewall(), udp("10.0.0.1", "10.0.0.2"), Assumed(state)) == port
    assert ports(firewall(), udp("10.0.0.1", "10.0.0.2", in_port=2), Assumed(state)) == ([] if state == "new" else port)


def test_an_assumed_new_connection_is_translated() -> None:
    (sent,) = Pipeline(firewall(Nat("src", ("10.0.0.99",), (2000, 2001)))).send(udp("10.0.0.1", "10.0.0.2"), Assumed())
    assert {**sent.frame, "in_port": 1} == udp("10.0.0.99", "10.0.0.2", 2000) and sent.port == 4
