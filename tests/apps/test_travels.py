"""The bits that travel with a packet: read where all paths have set them, and as declared; stages instead of tables."""

from __future__ import annotations

import ast
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given, settings

from apps import matches, pipeline
from apps.pipeline import (
    BLOCK,
    BUCKET,
    CLASSIFY,
    DELIVER,
    IN_KEY,
    LOCAL,
    OUT_KEY,
    PERMIT,
    SEGMENT,
    SOURCE,
    STAGES,
    TABLES,
    TRAVELS,
    UNKNOWN,
)
from controller.flow import Flow, Table, clone, field, move, output_register, put, resubmit
from controller.flow.nested import every
from controller.flow.nested import tables as looked_up
from controller.model.rows import Interface, Switch
from controller.model.rows.metadata import VIF
from tests.apps.clouds import clouds, one_of_everything
from tests.apps.travels import complaints
from tests.topology.wired import Wired, switches, tenants, wires
from tests.world import World

ROOT = Path(__file__).parents[2]
NAMES = {name: value for name, value in vars(pipeline).items() if isinstance(value, Table)}
STATES = {name: table for name, table in NAMES.items() if name != table.name.upper()}
STAGE_OF = {table.number: stage for stage, tables in STAGES.items() for table in tables}


TO_COME = {
    (IN_KEY.meaning, "deliver", False),  # ports that share an OpenFlow port: test_logical_ports.py
}


def ring() -> Wired:
    """A ring of four switches, one wire doubled, and an island that is reached through a tunnel."""
    graph = nx.MultiGraph([(0, 1), (1, 2), (2, 3), (3, 0), (0, 1), (4, 5)])
    rows = [*switches(graph, underlay=(0, 4)), *tenants({"red": [0, 2, 5], "blue": [1, 3]})]
    return Wired(*rows, *(end for wire in wires(graph) for end in wire))


def test_every_table_is_in_one_stage() -> None:
    assert sorted(table.number for tables in STAGES.values() for table in tables) == [table.number for table in TABLES]
    order = [STAGE_OF[table.number] for table in TABLES]
    assert list(dict.fromkeys(order)) == list(STAGES) and order == sorted(order, key=list(STAGES).index)


def test_bits_do_not_overlap() -> None:
    for bits in TRAVELS:
        assert bits.width and not any(
            bits.mask & other.mask for other in TRAVELS if other is not bits and other.place == bits.place
        )
        assert bits.set_by | bits.read_by <= {table.name for table in TABLES}


@settings(max_examples=60, deadline=None)
@given(clouds(filtered=True))
def test_flows_of_random_clouds_read_what_is_set(world: World) -> None:
    for switch_id in world.model.rows(Switch):
        assert complaints(world.compiler.wanted(switch_id)) == []


def test_flows_of_wired_switches_read_what_is_set_and_nothing_is_declared_that_is_not_used() -> None:
    used: set[tuple[str, str, bool]] = set()
    for made in (ring(), one_of_everything()):
        for switch_id in made.model.rows(Switch):
            assert complaints(made.compiler.wanted(switch_id), used) == []
    declared = {(bits.meaning, table, True) for bits in TRAVELS for table in bits.set_by}
    declared |= {(bits.meaning, table, False) for bits in TRAVELS for table in bits.read_by}
    assert declared - used == TO_COME


@settings(max_examples=60, deadline=None)
@given(clouds(filtered=True))
def test_two_tables_know_the_openflow_ports_of_tenants(world: World) -> None:
    """`classify` on the way in, `deliver` on the way out."""
    for switch_id in world.model.rows(Switch):
        here = world.model.find(Interface, "switch_id", switch_id)
        plugs = {at.ofport for at in here if at.vif != VIF}
        for flow in world.compiler.wanted(switch_id):
            named = {int.from_bytes(one.value, "big") for one in flow.match if one.name == "in_port"}
            assert flow.table is CLASSIFY or not named, flow
            out = {one.args[0] for one in every(flow.actions) if one.kind == "output"}
            assert flow.table is DELIVER or not out & plugs, flow
            assert flow.table is DELIVER or not any(one.kind == "output_reg" for one in every(flow.actions)), flow


START = Flow(CLASSIFY, 1, (field("in_port", 1),), (IN_KEY.put(1),), metadata=matches.entering(1), goto=LOCAL)
WRONG = {
    "read where a path has not set it": [
        Flow(CLASSIFY, 1, (), metadata=matches.entering(1), goto=LOCAL),
        Flow(LOCAL, 1, (), goto=PERMIT),
        Flow(LOCAL, 2, (SEGMENT.match(1),), (OUT_KEY.put(1),), goto=PERMIT),
        Flow(PERMIT, 1, (OUT_KEY.match(1),)),
    ],
    "by an action": [START, Flow(LOCAL, 1, (), goto=PERMIT), Flow(PERMIT, 1, (), goto=DELIVER),
                     Flow(DELIVER, 1, (), (output_register(OUT_KEY.subfield),))],
    "what was set on a copy": [START, Flow(LOCAL, 1, (), (clone(OUT_KEY.put(1)),), goto=PERMIT),
                               Flow(PERMIT, 1, (OUT_KEY.match(1),))],
    "undeclared bits": [START, Flow(LOCAL, 1, (field("reg5", 1),))],
    "undeclared bits of a declared register": [START, Flow(LOCAL, 1, (), (put("reg7", 1),))],
    "metadata whole": [Flow(CLASSIFY, 1, (), metadata=(1, (1 << 64) - 1))],
    "not to be set in": [START, Flow(LOCAL, 1, (), (BUCKET.put(1),))],
    "not to be read in": [START, Flow(LOCAL, 1, (IN_KEY.match(1),))],
    "set in part": [START, Flow(LOCAL, 1, (), (put("reg9[0..3]", 1),))],
    "moved from what is not set": [START, Flow(LOCAL, 1, (), (resubmit(UNKNOWN.number),)),
                                   Flow(UNKNOWN, 1, (), (move(OUT_KEY.subfield, BLOCK.subfield, 16),))],
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_the_check_finds(what: str) -> None:
    assert complaints([START]) == []
    assert complaints(WRONG[what]) != []


# --- stages -----------------------------------------------------------------------------------------------------------


def strays(flows: list[Flow]) -> list[Flow]:
    """Flows that lead into the middle of another stage."""
    entries = {table.number for table in STATES.values()}
    return [
        flow
        for flow in flows
        for to in (*looked_up(flow.actions), *([flow.goto.number] if flow.goto else []))
        if STAGE_OF[to] != STAGE_OF[flow.table.number] and to not in entries and flow.priority
    ]


def test_between_stages_flows_lead_to_where_a_stage_begins() -> None:
    for made in (ring(), one_of_everything()):
        for switch_id in made.model.rows(Switch):
            assert strays(list(made.compiler.wanted(switch_id))) == []
    assert strays([Flow(CLASSIFY, 1, (), goto=SOURCE)])


def named(source: str) -> list[str]:
    """Tables of another stage that calls like `Flow(TABLE, ..., goto=OTHER)` name."""
    found = []
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or not call.args or not isinstance(call.args[0], ast.Name):
            continue
        table = NAMES.get(call.args[0].id)
        for keyword in call.keywords:
            if keyword.arg == "goto" and isinstance(keyword.value, ast.Name) and table is not None:
                to = NAMES.get(keyword.value.id)
                if to is None or keyword.value.id in STATES or STAGE_OF[to.number] == STAGE_OF[table.number]:
                    continue
                found.append(f"line {call.lineno}: {keyword.value.id}")
    return found


@pytest.mark.parametrize(
    "file",
    sorted(str(path.relative_to(ROOT)) for folder in ("apps", "topology") for path in (ROOT / folder).rglob("*")),
)
def test_apps_name_stages(file: str) -> None:
    if file.endswith(".py"):
        assert named((ROOT / file).read_text()) == []
    assert named("Flow(ANSWER, 1, (), goto=LOCAL)") and not named("Flow(ANSWER, 1, (), goto=ANSWERED)")
