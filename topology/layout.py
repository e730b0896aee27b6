"""Layout of a drawing: switches in rows, what tenants are plugged in at the lowest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from statistics import mean
from typing import NamedTuple

import networkx as nx


class Place(NamedTuple):
    """Position from the left and the top, in units of the distance of two neighbours."""

    x: float
    row: int


def places(
    names: Mapping[str, str], wires: Iterable[tuple[str, str]], hanging: Mapping[str, list[str]], edge: Iterable[str]
) -> dict[str, Place]:
    """Of each switch (`names` by id) and of each key in `hanging`, which lists what is attached to a switch.

    Switches in `edge` and those with something attached are in the lowest row, each other as many rows above as it is
    wires away from the nearest of them; where an island has none, from the ends of its longest way.
    """
    graph = nx.Graph(list(wires))
    graph.add_nodes_from(names)
    rows = _rows(graph, {one for one in [*edge, *hanging] if one in graph}, names)
    slots = {switch: max(1, len(hanging.get(switch, ()))) for switch in rows[0]} if rows else {}
    width = max([sum(slots.values()), *map(len, rows)], default=0)
    stretch = width / max(sum(slots.values()), 1)
    found: dict[str, Place] = {}
    start = 0
    for switch, count in slots.items():
        found[switch] = Place((start + count / 2) * stretch, len(rows) - 1)
        for nth, key in enumerate(hanging.get(switch, ())):
            found[key] = Place((start + nth + 0.5) * stretch, len(rows))
        start += count
    for depth, row in enumerate(rows[1:], 1):
        below = {one: mean([found[near].x for near in graph[one] if near in found] or [0.0]) for one in row}
        for nth, one in enumerate(sorted(row, key=lambda one: (below[one], natural(names[one])))):
            found[one] = Place((nth + 0.5) * width / len(row), len(rows) - 1 - depth)
    return found


def natural(name: str) -> list[tuple[int, str]]:
    """A key by which s2 comes before s10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _rows(graph: nx.Graph, edge: set[str], names: Mapping[str, str]) -> list[list[str]]:
    """Rows of switches, the lowest first, each in the order of names."""
    rows: dict[int, list[str]] = {}
    for island in nx.connected_components(graph):
        begin = edge & island or set(nx.periphery(graph.subgraph(island)))
        depths = nx.multi_source_dijkstra_path_length(graph.subgraph(island), begin, weight=None)
        for one, depth in depths.items():
            rows.setdefault(depth, []).append(one)
    return [sorted(rows[depth], key=lambda one: natural(names[one])) for depth in sorted(rows)]
