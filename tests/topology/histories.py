"""Random histories of a small fabric: two islands of wires, parallel ones among them, joined by an underlay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import networkx as nx
from hypothesis import strategies as st
from msgspec.structs import replace

from controller.model.rows import Link, Row

GRAPH = nx.MultiGraph([(0, 1), (1, 2), (2, 3), (3, 0), (0, 2), (0, 1), (3, 4), (5, 6), (6, 5), (6, 8)])
GRAPH.add_node(7)  # which has an underlay only
UNDERLAY = (4, 5, 7, 8)


def histories(
    data: st.DataObject, every: Mapping[str, Row], present: dict[str, Row]
) -> Iterator[dict[str, Row | None]]:
    """Batches of rows by key (None: it goes), out of `every`; `present` becomes what is there after each.

    Links have other costs and states each time.
    """
    for _ in range(data.draw(st.integers(1, 6))):
        batch: dict[str, Row | None] = {}
        for key in data.draw(st.lists(st.sampled_from(sorted(every)), min_size=1, max_size=4, unique=True)):
            row = every[key]
            if key in present and data.draw(st.booleans()):
                del present[key]
                batch[key] = None
                continue
            if isinstance(row, Link):
                cost, state = data.draw(st.integers(1, 2)), data.draw(st.sampled_from(["up", "up", "down"]))
                row = replace(row, cost=cost, state=state)
            present[key] = batch[key] = row
        yield batch
