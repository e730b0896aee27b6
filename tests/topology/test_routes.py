"""Routes on histories of links and switches: as from nothing, and told to those only whose answer is another."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from controller.model.model import Applied, Dependency, Model
from controller.model.routes import Routes
from controller.model.rows import Link, Row
from tests.topology.histories import GRAPH, UNDERLAY, histories
from tests.topology.wired import switch_id, switches, wires

NAMES = [switch_id(node) for node in GRAPH]


def everything() -> dict[str, Row]:
    rows: list[Row] = [*switches(GRAPH, UNDERLAY), *(end for wire in wires(GRAPH) for end in wire)]
    return {row.key: row for row in rows}


def put(model: Model, batch: Mapping[str, Row | None]) -> set[Dependency]:
    return model.apply([Applied(model.revision + 1, key, row) for key, row in batch.items()])


def answers(routes: Routes) -> dict[Dependency, object]:
    """All that a reader may ask, by the dependency under which it does."""
    found: dict[Dependency, object] = {("route", *pair): routes.route(*pair) for pair in product(NAMES, NAMES)}
    found[("fabric",)] = routes.switches()
    found[("relays",)] = [routes.relays(name) for name in NAMES]
    for name in NAMES:
        found["link_ports", name] = routes.link_ports(name)
    return found


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_kept_current_or_from_nothing_and_told_when_another(data: st.DataObject) -> None:
    """Links (their costs and states) and switches come and go, several at once or one."""
    model, present = Model(), everything()
    put(model, present)
    told = answers(model.routes)
    for batch in histories(data, everything(), present):
        touched = put(model, batch)
        fresh = Model()
        put(fresh, present)
        now = answers(model.routes)
        assert now == answers(fresh.routes)
        others = {key for key in now if now[key] != told[key]}
        assert others <= touched
        assert {key for key in touched if key[0] == "route"} <= others, "nobody is told in vain"
        told = now


def test_nothing_is_kept_of_switches_that_have_gone() -> None:
    """Whatever ids switches have had in a long life."""
    rows = everything()
    model = Model()
    put(model, rows)
    answers(model.routes)
    put(model, dict.fromkeys(rows))
    assert {
        name for name, value in vars(model.routes).items() if isinstance(value, dict | list | set) and value
    } == set()


def test_a_wire_of_many_touches_no_relay_and_no_list_of_switches() -> None:
    """A wire beside others says nothing new of which switches there are: the compiler is not asked again."""
    model = Model()
    put(model, everything())
    answers(model.routes)
    (near, _), *_ = wires(GRAPH)
    for row in (replace(near, state="down"), near):
        assert isinstance(row, Link)
        touched = put(model, {row.key: row})
        assert ("link_ports", near.switch_id) in touched
        assert not {("relays",), ("fabric",)} & touched
