"""Flows that are the same on every switch are one value, made once; they follow from the options all the same."""

from __future__ import annotations

from controller.compile.catalogue import apps
from controller.compile.compiler import Compiler
from controller.flow import Flow, Rates
from controller.model.model import Applied, Model
from controller.model.rows import Switch


def _flows(rates: Rates, permitted: tuple[int, ...] = ()) -> list[dict[int, Flow]]:
    """By cookie the flows of two switches that hold no port."""
    model = Model()
    switches = [Switch(id=f"s{number}", number=number, dpid=number) for number in (1, 2)]
    model.apply([Applied(1, row.key, row) for row in switches])
    compiler = Compiler(model, apps(rates, permitted))
    for switch in switches:
        compiler.include(switch.id)
    compiler.run()
    return [{flow.cookie: flow for flow in compiler.wanted(switch.id)} for switch in switches]


def test_what_switches_have_alike_is_kept_once() -> None:
    one, other = _flows(Rates(1000))
    alike = one.keys() & other.keys()
    twice = [one[cookie] for cookie in alike if one[cookie] is not other[cookie]]
    assert len(alike) > 100
    assert len(twice) <= 10, twice


def test_flows_follow_from_the_options() -> None:
    before, _ = _flows(Rates(1000))
    for changed in (_flows(Rates(1000, router=77))[0], _flows(Rates(1000), (0x88CC,))[0]):
        assert changed.keys() != before.keys()
    assert _flows(Rates(1000))[0].keys() == before.keys()
