"""Carriers of flow sets: closures are computed in steps, and once where nothing that is asked for changes."""

from __future__ import annotations

import pytest

from controller.compile.carriers import Carriers
from controller.compile.catalogue import apps
from controller.compile.compiler import Compiler
from controller.compile.flow_set import FlowSetKey
from controller.flow import Rates
from controller.model.model import Model
from tests.bench.deployment import Shape, rows, switch_id
from tests.world import change

SHAPE = Shape(switches=30, networks=60, ports=300, spread=5)
S1, S2 = FlowSetKey("switch", "s1"), FlowSetKey("switch", "s2")
A, B = FlowSetKey("network", "a"), FlowSetKey("network", "b")


def test_a_switch_joins_and_leaves_what_is_asked_for() -> None:
    carriers = Carriers()
    for switch in (S1, S2):
        carriers.enter(switch.id)
    carriers.ask(S1, (A,))
    carriers.ask(A, (B,))
    assert {key for keys in carriers.needed() for key in keys} == {S1, S2, A, B}
    moves = carriers.settle()
    assert {switch: list(keys) for switch, keys in moves.joined.items()} == {"s1": [S1, A, B], "s2": [S2]}
    assert moves.left == {} and carriers.settle() == ({}, {})
    carriers.ask(S2, (B,))
    carriers.ask(A, ())
    moves = carriers.settle()
    assert {switch: list(keys) for switch, keys in moves.joined.items()} == {"s2": [B]}
    assert moves.left == {"s1": [B]} and set(carriers.carrying(B)) == {"s2"}


def test_a_round_finds_what_one_switch_carries_in_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a thousand switches that connect together it would hold the hub."""
    found: list[str] = []
    before = Carriers._found
    monkeypatch.setattr(Carriers, "_found", lambda self, switch: (found.append(switch), before(self, switch))[1])
    model = Model()
    change(model, *rows(SHAPE))
    compiler = Compiler(model, apps(Rates(1000)))
    for number in range(SHAPE.switches):
        compiler.include(switch_id(number))
    most = 0
    for _ in compiler.work():
        most, found[:] = max(most, len(found)), []
    assert most == 1
    compiler.settle()
    assert found == []  # it is known from `work`
    assert all(len(compiler.carried(switch_id(number))) > 1 for number in range(SHAPE.switches))
