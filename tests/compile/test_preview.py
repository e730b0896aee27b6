"""What is foreseen of a change is what it then comes to, on clouds of any shape."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from controller.compile import on_demand as on_demand_module
from controller.compile.catalogue import apps
from controller.compile.compiler import Apps, Compiler
from controller.compile.on_demand import OnDemand
from controller.compile.preview import Preview
from controller.flow import Rates
from controller.model.model import Model
from controller.model.rows import (
    AddressGroup,
    Network,
    Port,
    Row,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Switch,
)
from controller.runtime import hub
from tests import strategies
from tests.apps.clouds import network, plugged, port
from tests.apps.clouds import switch as numbered
from tests.world import change

INTENT = (Network, Port, Subnet, SecurityGroup, SecurityGroupRule, AddressGroup)
clouds = st.builds(lambda rows, more, wires: [*rows, *more, *wires], st.sampled_from([strategies.base()]),
                   st.lists(strategies.rows | strategies.filters, max_size=12), strategies.wires)  # fmt: skip
intents = st.lists(
    strategies.rows.filter(lambda row: isinstance(row, INTENT)) | strategies.filters, min_size=1, max_size=4
)
asked = st.tuples(intents, st.booleans())  # rows that would be put, or deleted


def preview(model: Model) -> Preview:
    return Preview(model, OnDemand(model, apps(Rates(1000))))


def whole(model: Model, chosen: Apps | None = None) -> Compiler:
    compiler = Compiler(model, chosen or apps(Rates(1000)))
    for switch_id in model.rows(Switch):
        compiler.include(switch_id)
    compiler.run()
    return compiler


def differences(model: Model, before: dict[str, set[str]], after: dict[str, set[str]]) -> list[dict[str, Any]]:
    found = []
    for switch_id, switch in sorted(model.rows(Switch).items()):
        added, removed = after[switch_id] - before[switch_id], before[switch_id] - after[switch_id]
        if added or removed:
            found.append({"switch_id": switch_id, "host": switch.host, "added": sorted(added),
                          "removed": sorted(removed)})  # fmt: skip
    return found


def flows(compiler: Compiler, model: Model) -> dict[str, set[str]]:
    return {switch_id: set(map(str, compiler.wanted(switch_id))) for switch_id in model.rows(Switch)}


def changes_of(model: Model, rows: list[Row], deleted: bool) -> list[tuple[Row | None, Row | None]]:
    wanted = {row.key: row for row in rows}
    return [(model.get(type(row), row.row_id), None if deleted else row) for row in wanted.values()]


@pytest.mark.parametrize("rate", [0, 1000])
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(cloud=clouds, history=st.lists(st.tuples(asked, st.lists(strategies.rows, max_size=3)), min_size=1, max_size=3))
def test_what_is_foreseen_comes_to_be(
    rate: int, cloud: list[Row], history: list[tuple[tuple[list[Row], bool], list[Row]]]
) -> None:
    """Of any change, whatever was foreseen before, and whatever else has changed meanwhile."""
    model = Model()
    change(model, *cloud)
    chosen = apps(Rates(rate))
    on_demand = OnDemand(model, chosen)
    for (rows, deleted), meanwhile in history:
        on_demand.changed(change(model, *meanwhile))
        changes = changes_of(model, rows, deleted)
        before = flows(whole(model, chosen), model)
        foreseen = Preview(model, on_demand).switches(changes)
        for switch_id in before:
            assert set(map(str, on_demand.compiled(switch_id).wanted(switch_id))) == before[switch_id]
        gone = [row.key for row, after in changes if row is not None and after is None]
        touched = change(model, *gone, *(after for _, after in changes if after is not None))
        on_demand.changed(touched)
        assert foreseen == differences(model, before, flows(whole(model, chosen), model))


def test_what_changes_meanwhile_is_not_foreseen_of_the_change(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model()
    change(model, *strategies.base())
    on_demand = OnDemand(model, apps(Rates(1000)))
    monkeypatch.setattr(on_demand_module, "SLICE", 0.0)  # others get their turn after each unit
    for switch_id in model.rows(Switch):
        on_demand.compiled(switch_id)  # so that the preview begins at once
    wanted = [(model.get(Network, "n0"), None)]
    before = flows(whole(model), model)

    def others() -> None:
        hub.sleep(0)
        on_demand.changed(change(model, numbered(9), port("z", "n1", 9), plugged("z", 1, 9)))

    other = hub.spawn(others)
    foreseen = Preview(model, on_demand).switches(wanted)
    other.wait()
    assert "z" in model.placement.bindings
    now = flows(whole(model), model)
    assert now != before
    change(model, "network/n0")
    assert foreseen == differences(model, now, flows(whole(model), model))


def test_two_switches_that_say_they_have_one_address() -> None:
    """A mistake that must not have one foresee that the other's peers let go of it."""
    model = Model()
    change(model, network("red"), network("blue"), numbered(3))
    change(model, *(replace(numbered(number), encap_ip="192.0.2.9") for number in (1, 2)))
    for name, at, number in (("red", 1, 1), ("red", 3, 2), ("blue", 2, 3), ("blue", 3, 4)):
        change(model, port(f"p{number}", name, number), plugged(f"p{number}", at, number))
    (h1, h3) = preview(model).switches([(model.get(Network, "red"), None)])
    before = flows(whole(model), model)
    change(model, "network/red")
    assert [h1, h3] == differences(model, before, flows(whole(model), model))
    assert not any("tun_src=192.0.2.9" in flow for flow in h3["removed"])
