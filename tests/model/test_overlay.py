"""An overlay reads as the model would after the changes, and leaves the model as it is."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.adjacency import Adjacency
from controller.model.layer import Layer
from controller.model.model import Model
from controller.model.overlay import Overlay
from controller.model.relation import Relation
from controller.model.rows import KINDS, FloatingIp, GatewayRanking, Network, Port, Router, Row, Subnet
from controller.model.rows.base import INDEXES, LOOKUPS
from tests import strategies
from tests.world import change

KINDS_CHANGED = (Network, Port, Router, GatewayRanking, FloatingIp)
rows = st.lists(
    (strategies.rows | strategies.gateways).filter(lambda row: isinstance(row, (*KINDS_CHANGED, Subnet))), max_size=5
)


def everything(model: Model) -> dict[object, Any]:
    """All that a model answers of rows and of where ports are."""
    found: dict[object, Any] = {}
    for kind in KINDS.values():
        found[kind] = dict(model.rows(kind)), list(model.ordered(kind)), list(model.ordered(kind, reverse=True))
        for row_id in model.rows(kind):
            found[kind, row_id] = model.get(kind, row_id)
        for name in (*INDEXES[kind], *LOOKUPS[kind]):
            for value in model.values(kind, name):
                found[kind, name, value] = model.find(kind, name, value), model.count(kind, name, value)
    for name, held in vars(model.placement).items():
        if isinstance(held, Adjacency):  # which the relations follow from
            continue
        counts = held._counts if isinstance(held, Relation) else held
        found[name] = {key: dict(value) if isinstance(held, Relation) else value for key, value in counts.items()}
    return found


@settings(max_examples=300)
@given(st.lists(strategies.rows | strategies.gateways, max_size=10), rows, st.sets(st.integers(0, 20), max_size=4))
def test_an_overlay_is_the_model_after_the_changes(more: list[Row], put: list[Row], gone: set[int]) -> None:
    model = Model()
    change(model, *strategies.base(), *more)
    there = [row for kind in KINDS_CHANGED for _, row in sorted(model.rows(kind).items())]
    after: dict[str, Row | None] = {there[number % len(there)].key: None for number in gone}
    after = {key: None for key in after if key not in {row.key for row in put}}  # first: as `change` does them
    after.update((row.key, row) for row in put)
    current: dict[str, Row] = {row.key: row for row in there}
    before = everything(model)
    overlay = Overlay(model, [(current.get(key), row) for key, row in after.items()])
    foreseen, touched = everything(overlay), set(overlay.touched)
    assert everything(model) == before
    told = change(model, *(key for key, row in after.items() if row is None), *filter(None, after.values()))
    assert foreseen == everything(model)
    assert touched == told


keys = st.integers(0, 5)
acts = st.lists(st.tuples(st.sampled_from(["set", "del", "change", "default"]), keys, st.integers(0, 9)))


@given(st.dictionaries(keys, st.lists(st.integers(0, 9))), acts)
def test_a_layer_is_a_dict_of_its_own(base: dict[int, list[int]], history: list[tuple[str, int, int]]) -> None:
    plain = {key: list(value) for key, value in base.items()}
    layer: Layer[int, list[int]] = Layer({key: list(value) for key, value in base.items()}, list)
    for act, key, value in history:
        for held in (plain, layer):
            if act == "set":
                held[key] = [value]
            elif act == "del":
                held.pop(key, None)
            elif act == "default":
                held.setdefault(key, []).append(value)
            elif key in held:
                held[key].append(value)
        assert dict(layer) == plain and len(layer) == len(plain) and bool(layer) == bool(plain)
        assert all((key in layer) == (key in plain) and layer.get(key) == plain.get(key) for key in range(6))
    assert layer._base == base
