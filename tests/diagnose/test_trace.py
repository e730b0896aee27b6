"""A trace knows security groups: which rule lets a packet through, or why none does, for each state of a connection."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from controller.diagnose.conversation import Question, headers, opening, packet
from controller.diagnose.decisions import decisions
from controller.diagnose.trace import follow
from controller.flow import Flow
from controller.flow.fields import value_of
from controller.flow.interpret import Tracker
from controller.model.rows import Port
from controller.runtime.errors import Invalid
from tests.apps.clouds import group, network, plugged, port, rule, switch
from tests.world import World


def world() -> World:
    """`asks` may send anything, `serves` gets TCP to 443 only; on two switches."""
    rows = [group("asking", 7), rule("out", "asking", "egress"), group("serving", 8),
            rule("https", "serving", "ingress", "tcp 443")]  # fmt: skip
    ends = [replace(port("asks", "red", 1), security_groups=("asking",)),
            replace(port("serves", "red", 2), security_groups=("serving",))]  # fmt: skip
    return World(
        switch(1), switch(2), network("red"), *rows, *ends, plugged("asks", 1, 1), plugged("serves", 2, 1)
    )  # fmt: skip


def decided(at: World, source: str, target: str, asked: Question) -> tuple[bool, list[dict[str, Any]]]:
    """Whether it arrives, and what each filter on its way decides."""
    one, other = (at.model.rows(Port)[name] for name in (source, target))

    def way(sender: Port, fields: dict[str, int | str], known: dict[str, Tracker]) -> list[Any]:
        place = at.model.placement.bindings[sender.id]
        frame = {name: int.from_bytes(value_of(name, value), "big") for name, value in fields.items()}
        return follow(at.model, at.pipeline, place.switch_id, place.ofport, frame, known)

    def origins(switch_id: str, flow: Flow) -> list[str]:
        return at.compiler.origins(switch_id, [flow.cookie])[flow.cookie]

    known: dict[str, Tracker] = {}
    opener = other if asked.opened_by_other else one
    first = opening(one, other, asked)
    if asked.state != "new":
        way(opener, first, known)
    hops = way(one, packet(one, other, asked), known)
    found = [each for hop in hops for each in decisions(at.model, hop, headers(first), opener.id, origins)]
    return any(target in hop.arrived for hop in hops), found


def short(found: list[dict[str, Any]]) -> list[tuple[str, str, bool, str]]:
    return [
        (one["port_id"], one["direction"], one["passed"], one["rule"]["id"] if one["rule"] else "") for one in found
    ]


@pytest.mark.parametrize("state", ["new", "established"])
def test_the_rule_that_lets_it_through_is_named(state: str) -> None:
    arrives, found = decided(world(), "asks", "serves", Question("tcp", 443, state))
    assert arrives
    assert short(found) == [("asks", "egress", True, "out"), ("serves", "ingress", True, "https")]


def test_an_answer_is_allowed_by_the_rules_for_what_it_answers() -> None:
    arrives, found = decided(world(), "serves", "asks", Question("tcp", 443, "reply"))
    assert arrives
    assert short(found) == [("serves", "ingress", True, "https"), ("asks", "egress", True, "out")]


@pytest.mark.parametrize("state", ["new", "established"])
def test_why_it_is_dropped(state: str) -> None:
    arrives, found = decided(world(), "asks", "serves", Question("tcp", 80, state))
    assert not arrives and short(found)[1] == ("serves", "ingress", False, "")
    assert found[1]["reason"] == "no rule allows tcp/80 in from 10.0.0.1"
    assert found[1]["nearest_rule"]["id"] == "https"


def test_who_may_only_answer_begins_nothing() -> None:
    arrives, found = decided(world(), "serves", "asks", Question("tcp", 443))
    assert not arrives and [one["reason"] for one in found] == ["no rule allows tcp/443 out to 10.0.0.1"]


def test_a_rule_that_goes_cuts_what_it_allowed_in_both_directions() -> None:
    at = world()
    at.put("security_group_rule/https")
    for source, target, state in (("asks", "serves", "established"), ("serves", "asks", "reply")):
        assert not decided(at, source, target, Question("tcp", 443, state))[0]


WRONG = [
    ("ipx", "0", "new"), ("tcp", "0", "new"), ("icmp", "5", "new"), ("tcp", "65536", "new"), ("tcp", "-1", "new"),
    ("tcp", "²", "new"), ("icmp", "0", "old"),
]  # fmt: skip


@pytest.mark.parametrize("said", WRONG)
def test_what_is_not_to_be_asked(said: tuple[str, str, str]) -> None:
    with pytest.raises(Invalid):
        Question.of(*said)
