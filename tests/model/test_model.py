"""The replica: rows, indexes and what each change is said to touch."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.model import Applied, Dependency, Model
from controller.model.reader import Reader
from controller.model.rows import (
    NAMES,
    FloatingIp,
    Gateway,
    GatewayRanking,
    Network,
    Port,
    Router,
    RouterInterface,
    Row,
    Switch,
)
from controller.model.rows.base import ATTRIBUTES, INDEXES
from tests import strategies
from tests.apps.clouds import network, plugged, port, seen, switch
from tests.world import change


def cloud() -> Model:
    model = Model()
    change(model, switch(1), switch(2), network("red"), port("a", "red", 1), port("b", "red", 2))
    change(model, plugged("a", 1, 1), plugged("b", 2, 1))
    return model


def test_a_commit_is_applied_whole_and_its_revision_kept() -> None:
    model = Model()
    model.apply([Applied(7, "network/red", network("red")), Applied(7, "taken/segment/71", "network/red")])
    assert model.revision == 7
    assert model.revisions == {"network/red": 7, "taken/segment/71": 7}
    assert model.taken == {"taken/segment/71": "network/red"}
    model.apply([Applied(9, "taken/segment/71", None), Applied(9, "network/red", None)])
    assert (model.revision, model.revisions, model.taken) == (9, {}, {})
    assert model.get(Network, "red") is None


def test_a_row_that_is_as_it_was_touches_nothing() -> None:
    model = cloud()
    assert change(model, port("a", "red", 1)) == set()
    assert model.revisions["port/a"] == model.revision


def test_an_attribute_of_a_network_that_no_flow_reads_touches_no_attribute() -> None:
    touched = change(cloud(), msgspec.structs.replace(network("red"), name="new"))
    assert touched == {(Network, "red"), (Network, "project_id", "red")}


def addressed(name: str, number: int) -> set[tuple[str, ...]]:
    return {("addressed", "red", address) for address in port(name, "red", number).addresses}


def test_the_hundredth_port_touches_its_block_only() -> None:
    model = cloud()
    change(model, port("c", "red", 3), plugged("c", 1, 2))
    touched = change(model, port("d", "red", 4), plugged("d", 1, 3))
    assert {one for one in touched if isinstance(one[0], str)} == {
        ("binding", "d"),
        *addressed("d", 4),
        ("members", "h1", "red", 0),
        ("copies", "h1", "red", 0),
    }


def test_the_first_port_on_a_switch_touches_what_switches_share() -> None:
    model = cloud()
    change(model, switch(3))
    touched = change(model, port("c", "red", 3), plugged("c", 3, 200))
    assert {one for one in touched if isinstance(one[0], str)} == {
        *addressed("c", 3), ("binding", "c"),
        ("members", "h3", "red", 3), ("blocks", "h3", "red"), ("reachable", "h3"), ("span", "red"),
        ("copies", "h3", "red", 3), ("peers", "h1"), ("peers", "h2"), ("peers", "h3"), ("receives", "h3"),
    }  # fmt: skip


def test_a_port_is_placed_when_all_of_it_is_there() -> None:
    model = Model()
    parts: list[Row] = [switch(1), network("red"), port("a", "red", 1), plugged("a", 1, 70)]
    for last in range(len(parts)):
        model = Model()
        change(model, *(part for part in parts if part is not parts[last]))
        assert model.placement.location("a") is None
        change(model, parts[last])
        place = model.placement.location("a")
        assert place is not None and (place.switch_id, place.network_id, place.block) == ("h1", "red", 1)
        assert model.placed == {"a": model.revision}
        change(model, parts[last].key)
        assert model.placement.location("a") is None


def test_a_vif_in_two_places_is_at_the_first_by_name_on_any_order() -> None:
    model = cloud()
    change(model, plugged("a", 2, 9))
    assert model.placement.bindings["a"] == plugged("a", 1, 1)
    change(model, "interface/h1/tap-a")
    assert model.placement.bindings["a"] == plugged("a", 2, 9)
    change(model, plugged("a", 1, 1))
    assert model.placement.bindings["a"] == plugged("a", 1, 1)


def test_a_port_of_a_host_is_there_only() -> None:
    model = cloud()
    change(model, msgspec.structs.replace(port("a", "red", 1), host="elsewhere"))
    assert "a" not in model.placement.bindings
    change(model, msgspec.structs.replace(switch(2), host="elsewhere"), plugged("a", 2, 9))
    assert model.placement.bindings["a"] == plugged("a", 2, 9)
    change(model, msgspec.structs.replace(port("a", "red", 1), host="h1"))  # a switch's id will do as well
    assert model.placement.bindings["a"] == plugged("a", 1, 1)


@pytest.mark.parametrize(
    "owner",
    [
        RouterInterface(id="a", router_id="r", network_id="red"),
        Router(id="r", project_id="red", number=1, segment=9, gateways=(Gateway("red", "a"),)),
        FloatingIp(id="f", project_id="red", floating_network_id="red", floating_port_id="a", floating_ip_address="x"),
    ],
    ids=lambda row: row.kind_name(),
)
def test_a_port_of_a_router_has_no_place_whatever_a_host_says(owner: Row) -> None:
    model = cloud()
    router = Router(id="r", project_id="red", number=1, segment=9)
    change(model, router)
    change(model, owner)
    assert "a" not in model.placement.bindings and "b" in model.placement.bindings
    change(model, plugged("a", 2, 9))
    assert "a" not in model.placement.bindings
    change(model, owner.key if not isinstance(owner, Router) else router)
    assert model.placement.bindings["a"] == plugged("a", 1, 1)


def test_a_port_is_found_by_its_own_id_where_no_interface_is_named() -> None:
    v2, v1 = msgspec.structs.replace(port("a", "red", 1), interface_id=""), port("a", "red", 1, learning=True)
    assert (v2.vif, msgspec.structs.replace(v1, interface_id="").vif) == ("a", "")


def test_only_a_port_with_declared_addresses_has_a_station() -> None:
    assert port("a", "red", 1).declared_mac == ("red", "fa:16:3e:00:00:01")
    assert port("a", "red", 1, learning=True).declared_mac is None


def test_a_row_has_a_key() -> None:
    assert [row.key for row in (plugged("a", 1, 1), seen("a", "red", 1, 1, "02:00:00:00:00:01"), switch(1))] == [
        "interface/h1/tap-a", "learned/red/02:00:00:00:00:01", "switch/h1",
    ]  # fmt: skip


def test_what_is_not_told_of_cannot_be_read() -> None:
    see = Reader(cloud())
    red = see.view(Network, "red")
    assert red is not None and (red.id, red.segment) == ("red", network("red").segment)
    assert see.view(Network, "blue") is None
    before = set(see.deps)
    with pytest.raises(AttributeError, match=r"Network\.port_security are not told"):
        print(red.port_security)
    with pytest.raises(LookupError, match=r"Port\.device_id are not told"):
        see.find(Port, "device_id", "vm")
    assert see.deps == before == {(Network, "red", "segment"), (Network, "blue", "segment")}


# --- after any history ---

step = st.lists(st.one_of(strategies.rows, strategies.gateways, st.integers(0, 99)), max_size=5)
histories = st.lists(step, max_size=20)


def commit(model: Model, what: list[Any]) -> set[Dependency]:
    """Rows appear or change; a number stands for a row that goes."""
    keys = sorted(model.revisions)
    if not keys:
        what = [one for one in what if not isinstance(one, int)]
    return change(model, *(keys[one % len(keys)] if isinstance(one, int) else one for one in what))


def everything(model: Model) -> dict[Dependency, object]:
    """The answer to every question that a reader could ask about the rows of `strategies`, by what it records."""
    found: dict[Dependency, object] = {}

    def ask(switch_id: str, name: str, *arguments: Any) -> None:
        see = Reader(model, switch_id)
        answer = getattr(see, name)(*arguments)
        (dependency,) = see.deps
        found[dependency] = answer

    def look(kind: type[Row], row_id: str) -> None:
        """At each of the attributes that are read one by one."""
        for name in ATTRIBUTES[kind]:
            see = Reader(model)
            view = see.view(kind, row_id)
            found[kind, row_id, name] = None if view is None else getattr(view, name)
            assert see.deps == {(kind, row_id, ATTRIBUTES[kind][0])} | ({(kind, row_id, name)} if view else set())

    for switch_id in strategies.SWITCHES:
        ask(switch_id, "reachable")
        ask(switch_id, "peers")
        ask(switch_id, "watched")
        ask(switch_id, "gateway_of")
        ask(switch_id, "receives", switch_id)
        ask("", "get", Switch, switch_id)
        look(Switch, switch_id)
        for network_id in strategies.NETWORKS:
            ask("", "blocks", switch_id, network_id)
            ask("", "learner_blocks", switch_id, network_id)
            for block in (0, 1, 2):
                ask("", "members", switch_id, network_id, block)
    for network_id in strategies.NETWORKS:
        ask("", "span", network_id)
        ask("", "learners", network_id)
        look(Network, network_id)
    for router_id in strategies.ROUTERS:
        look(GatewayRanking, router_id)
    for port_id in strategies.PORTS:
        ask("", "get", Port, port_id)
        see = Reader(model)
        if (known := model.get(Port, port_id)) is not None:
            found["binding", port_id] = see.binding(known)
    for kind, names in INDEXES.items():
        for name in names:
            for row in model.rows(kind).values():
                if getattr(row, name) is not None:
                    ask("", "find", kind, name, getattr(row, name))
    return found


@settings(max_examples=100)
@given(histories)
def test_whatever_reads_otherwise_was_touched(history: list[list[Any]]) -> None:
    model = Model()
    change(model, *strategies.base())
    before = everything(model)
    for what in history:
        touched = commit(model, what)
        now = everything(model)
        for dependency in before.keys() & now.keys():
            assert before[dependency] == now[dependency] or dependency in touched, dependency
        before = now


@settings(max_examples=100)
@given(histories)
def test_indexes_and_places_are_those_of_a_model_from_nothing(history: list[list[Any]]) -> None:
    model = Model()
    change(model, *strategies.base())
    for what in history:
        commit(model, what)
    fresh = Model()
    change(fresh, *(row for kind in NAMES for row in reversed(list(model.rows(kind).values()))))
    assert everything(model) == everything(fresh)
    assert model.placement.bindings == fresh.placement.bindings
    assert model.placed.keys() == {port_id for port_id in model.placed if model.get(Port, port_id) is not None}
    for kind, names in INDEXES.items():
        for name in names:
            for value in {getattr(row, name) for row in model.rows(kind).values()} - {None}:
                expected = [row for _, row in sorted(model.rows(kind).items()) if getattr(row, name) == value]
                assert model.find(kind, name, value) == expected
                assert model.count(kind, name, value) == len(expected)
