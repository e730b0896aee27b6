"""What is foreseen of a change is what it then comes to, on clouds of any shape."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from controller.compile.catalogue import apps
from controller.compile.compiler import Compiler
from controller.compile.preview import Preview
from controller.model.model import Model
from controller.model.rows import Network, Port, Row, Subnet, Switch
from tests import strategies
from tests.apps.clouds import network, plugged, port
from tests.apps.clouds import switch as numbered
from tests.world import change

INTENT = (Network, Port, Subnet)
clouds = st.builds(lambda rows, more: [*rows, *more], st.sampled_from([strategies.base()]),
                   st.lists(strategies.rows, max_size=12))  # fmt: skip
intents = st.lists(strategies.rows.filter(lambda row: isinstance(row, INTENT)), min_size=1, max_size=4)


def whole(model: Model) -> Compiler:
    compiler = Compiler(model, apps(1000))
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


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(clouds, intents, st.booleans())
def test_what_is_foreseen_comes_to_be(cloud: list[Row], wish: list[Row], deleted: bool) -> None:
    model = Model()
    change(model, *cloud)
    wanted = {row.key: row for row in wish}
    changes: list[tuple[Row | None, Row | None]] = []
    for row in wanted.values():
        there: Row | None = model.get(type(row), row.row_id)
        changes.append((there, None if deleted else row))
    before = flows(whole(model), model)
    foreseen = Preview(model, apps(1000)).switches(changes)
    assert flows(whole(model), model) == before, "a preview changes nothing"
    change(model, *([key for key in wanted if key in model.revisions] if deleted else wanted.values()))
    assert foreseen == differences(model, before, flows(whole(model), model))


def test_two_switches_that_say_they_have_one_address() -> None:
    """A mistake that must not have one foresee that the other's peers let go of it."""
    model = Model()
    change(model, network("red"), network("blue"), numbered(3))
    change(model, *(replace(numbered(number), encap_ip="192.0.2.9") for number in (1, 2)))
    for name, at, number in (("red", 1, 1), ("red", 3, 2), ("blue", 2, 3), ("blue", 3, 4)):
        change(model, port(f"p{number}", name, number), plugged(f"p{number}", at, number))
    (h1, h3) = Preview(model, apps(1000)).switches([(model.get(Network, "red"), None)])
    before = flows(whole(model), model)
    change(model, "network/red")
    assert [h1, h3] == differences(model, before, flows(whole(model), model))
    assert not any("tun_src=192.0.2.9" in flow for flow in h3["removed"])
