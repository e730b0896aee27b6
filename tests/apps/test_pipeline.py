"""What apps/pipeline.py says of its tables is so for every flow of random clouds; the flows of one cloud as text."""

from __future__ import annotations

from graphlib import TopologicalSorter
from pathlib import Path

from hypothesis import given, settings

from apps.pipeline import HIGHEST, MISS, TABLES
from controller.flow import Flow
from controller.flow.fields import RANK, unprepared
from controller.model.rows import Switch
from tests.apps.clouds import clouds, network, plugged, port, seen, switch
from tests.world import World

BY_NAME = {table.name: table for table in TABLES}
BY_NUMBER = {table.number: table for table in TABLES}
GOLDEN = Path(__file__).with_name("golden.txt")


def test_tables_have_names_and_numbers_of_their_own_in_order() -> None:
    assert len(BY_NAME) == len(BY_NUMBER) == len(TABLES)
    assert [table.number for table in TABLES] == sorted(BY_NUMBER)
    assert all(0 <= table.number < 254 for table in TABLES)
    assert all(name in RANK for table in TABLES for name in table.matches)


ANOTHER_ROUTER = ("resolve", "enter")  # each time around the TTL is one less
REPLY = ("echo", "enter")  # once: a request was turned into a reply, which nobody answers
BACK_IN = ("local", "dnat")  # to a gateway or a floating IP on the switch where it has left by one: the same
SAID = ("local", "answer_outside")  # an answer, which no flow answers
LABELS = ("metered", "metered")  # once for each label: what counts for one does nothing else
AROUND = (ANOTHER_ROUTER, REPLY, BACK_IN, SAID, LABELS)


def test_no_packet_goes_in_circles_but_from_router_to_router() -> None:
    edges = [(table.name, to) for table in TABLES for to in table.goto]
    assert set(AROUND) <= set(edges)
    graph: dict[str, set[str]] = {}
    for name, to in edges:
        if (name, to) not in AROUND:
            graph.setdefault(name, set()).add(to)
    TopologicalSorter(graph).prepare()  # raises CycleError
    assert all(not table.miss or table.miss in table.goto for table in TABLES)


@settings(max_examples=60)
@given(clouds(filtered=True, routed=True))
def test_every_flow_keeps_to_its_table(world: World) -> None:
    for switch_id in world.model.rows(Switch):
        for flow in world.compiler.wanted(switch_id):
            keeps(flow)


def keeps(flow: Flow) -> None:
    names = [field.name for field in flow.match]
    assert set(names) <= flow.table.matches, flow
    assert names == sorted(names, key=RANK.__getitem__), flow
    assert len(set(names)) == len(names), flow
    assert MISS <= flow.priority <= HIGHEST, flow
    for field in flow.match:
        if field.mask is not None:  # a bit outside of the mask would be dropped by the switch, and the cookie be wrong
            assert all(not value & ~mask & 255 for value, mask in zip(field.value, field.mask, strict=True)), flow
    assert unprepared(flow.match) == [], flow
    if flow.goto is not None:
        assert flow.goto.number > flow.table.number, flow  # OpenFlow 1.3.5, 7.2.4
    for number in flow.leads:
        assert BY_NUMBER[number].name in flow.table.goto, flow
    if flow.priority == MISS:
        assert flow.match == ()


def one_of_each() -> World:
    """A port of each kind on two switches, an address learned."""
    return World(
        switch(1, "vxlan", "gre"), switch(2, "gre", "vxlan"), network("red"),
        port("alice", "red", 1), plugged("alice", 1, 1), port("bob", "red", 2), plugged("bob", 2, 1),
        port("lea", "red", 3, learning=True), plugged("lea", 1, 2, attached="02:00:00:00:00:01"),
        seen("lea", "red", 1, 2, "02:00:00:00:00:02"),
    )  # fmt: skip


def told(world: World, switch_id: str) -> str:
    """Every flow with the objects it is because of, in packet order."""
    explained = sorted(
        world.compiler.explained(switch_id), key=lambda one: (one[0].table.number, -one[0].priority, one[0].key)
    )
    return "".join(f"{flow.table.name:9} {', '.join(why):24} {flow}\n" for flow, why in explained)


def test_the_flows_of_one_cloud() -> None:
    """When this fails because flows are meant to be others: look at the difference, then write the file anew."""
    assert told(one_of_each(), "h1") == GOLDEN.read_text()
