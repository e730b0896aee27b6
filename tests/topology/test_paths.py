"""Trees of shortest paths: as networkx has them, and the same whether kept current or computed anew."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.rows import Row, Switch
from tests.topology.histories import GRAPH, UNDERLAY, histories
from tests.topology.wired import Wired, switches, tenants, wires
from topology.graph import SEVERAL
from topology.paths import Tree

NODES = st.sampled_from("abcdef")
EDGE = st.tuples(NODES, NODES, st.sampled_from([None, 1, 1, 2, 3]), st.booleans())


def change(graph: nx.Graph, one: str, other: str, cost: int | None, several: bool) -> tuple[int | None, int | None]:
    """Give an edge another cost (None: take it away); what it was and is."""
    before = graph.edges[one, other]["cost"] if graph.has_edge(one, other) else None
    if before is not None:
        graph.remove_edge(one, other)
    if cost is not None:
        graph.add_edge(one, other, cost=cost, **({SEVERAL: True} if several else {}))
    graph.remove_nodes_from([node for node in (one, other) if node in graph and not graph.adj[node]])
    return before, cost


def parts(tree: Tree) -> tuple[dict[str, object], ...]:
    return tree.distance, tree.hops, tree.rank, tree.choice


@settings(max_examples=300, deadline=None)
@given(st.lists(EDGE, max_size=25))
def test_kept_current_or_from_nothing(edges: list[tuple[str, str, int | None, bool]]) -> None:
    graph: nx.Graph = nx.Graph()
    tree = Tree(graph, "a")
    for one, other, cost, several in edges:
        if one == other:
            continue
        before, now = change(graph, one, other, cost, several)
        old = [dict(values) for values in parts(tree)]
        affected = tree.changed(graph, one, other, before, now)
        if affected is None:
            affected = tree.compute(graph)
        fresh = Tree(graph, "a")
        assert parts(tree) == parts(fresh)
        differ = [{node for node, _ in old[part].items() ^ now.items()} for part, now in enumerate(parts(tree))]
        assert affected == (differ[0] | differ[2], differ[1] | differ[3])


@settings(max_examples=200, deadline=None)
@given(st.lists(EDGE, max_size=20))
def test_hops_are_the_second_nodes_of_all_shortest_paths(edges: list[tuple[str, str, int | None, bool]]) -> None:
    graph: nx.Graph = nx.Graph()
    for one, other, cost, several in edges:
        if one != other:
            change(graph, one, other, cost, several)
    tree = Tree(graph, "a")
    for node in graph:
        if "a" not in graph or not nx.has_path(graph, node, "a"):
            assert node not in tree.distance
            continue
        paths = list(nx.all_shortest_paths(graph, node, "a", weight="cost"))
        assert set(tree.hops[node]) == {path[1] for path in paths if len(path) > 1}
        assert tree.rank[node] == max(len(path) for path in paths)
        assert all(tree.rank[hop] < tree.rank[node] for hop in tree.hops[node])
        parallel = any(SEVERAL in graph.edges[step] for path in paths for step in pairwise(path))
        assert tree.choice[node] == (len(paths) > 1 or parallel)


def everything() -> dict[str, Row]:
    rows: list[Row] = [*switches(GRAPH, UNDERLAY), *tenants({"red": [0, 4, 6, 7], "blue": [2, 5, 3]})]
    rows += [end for wire in wires(GRAPH) for end in wire]
    return {row.key: row for row in rows}


def flows(world: Wired) -> dict[str, set[str]]:
    return {each: set(map(str, world.compiler.wanted(each))) for each in world.model.rows(Switch)}


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_flows_are_the_same_whatever_the_history(data: st.DataObject) -> None:
    """Links (their costs and states), switches and ports come and go in any order and in any batches."""
    every = everything()
    present = dict(every)
    world = Wired(*present.values())
    for batch in histories(data, every, present):
        world.put(*(key if row is None else row for key, row in batch.items()))
        for key, row in batch.items():
            if row is None and key.startswith("switch/"):
                world.compiler.exclude(key.removeprefix("switch/"))
        assert flows(world) == flows(Wired(*present.values()))
