"""All next hops of a fat-tree of 320 switches and 2,048 wires: from nothing, and after one wire went or came."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import product

from controller.model.model import Applied, Model
from controller.model.routes import Routes
from controller.model.rows import Link, Row, Switch
from controller.runtime import garbage
from tests.bench.figure import Figure

PODS = 16
FROM_NOTHING, AFTER_ONE = 2.0, 0.2  # seconds


def edges(pods: int) -> list[tuple[str, str]]:
    """The wires of a k-ary fat-tree (Al-Fares et al., SIGCOMM 2008): k/2 edge and aggregation switches a pod."""
    half = pods // 2
    inside = [(f"e{pod}-{edge}", f"a{pod}-{up}") for pod, edge, up in product(range(pods), range(half), range(half))]
    above = [(f"a{pod}-{up}", f"c{up * half + nth}") for pod, up, nth in product(range(pods), range(half), range(half))]
    return inside + above


def rows(pods: int) -> tuple[list[Switch], list[tuple[Link, Link]]]:
    every = edges(pods)
    names = sorted({name for edge in every for name in edge})
    used = dict.fromkeys(names, 0)
    links = []
    for one, other in every:
        used[one] += 1
        used[other] += 1
        near = Link(switch_id=one, ofport=used[one], far_switch_id=other, far_ofport=used[other])
        links.append((near, Link(switch_id=other, ofport=used[other], far_switch_id=one, far_ofport=used[one])))
    return [Switch(id=name, number=nth, dpid=nth) for nth, name in enumerate(names, 1)], links


def put(model: Model, *what: Row) -> set[tuple[object, ...]]:
    return model.apply([Applied(model.revision + 1, row.key, row) for row in what])


def routes(of: Routes, names: list[str], pairs: set[tuple[str, str]] | None = None) -> dict[tuple[str, str], object]:
    wanted = product(names, names) if pairs is None else pairs
    return {(here, there): of.route(here, there) for here, there in wanted}


def measure() -> Iterator[Figure]:
    switches, links = rows(PODS)
    names = [switch.id for switch in switches]
    model = Model()
    garbage.settle()
    began, cpu = time.perf_counter(), time.process_time()
    put(model, *switches, *(end for link in links for end in link))
    before = routes(model.routes, names)
    whole, cpu = time.perf_counter() - began, time.process_time() - cpu
    shape = {"switches": len(switches), "wires": len(links), "routes": len(before) - len(names)}
    yield Figure(
        name="paths-fat-tree",
        value=whole,
        unit="s",
        at_least=f"< {FROM_NOTHING}",
        holds=whole < FROM_NOTHING,
        details={**shape, "cpu": cpu, "counted": "from rows to every pair's next hops"},
    )
    slowest = busiest = 0.0
    most = 0
    for link in links[:: len(links) // 16]:
        for changed in ([Applied(model.revision + 1, end.key, None) for end in link], None):
            began, cpu = time.perf_counter(), time.process_time()
            touched = put(model, *link) if changed is None else model.apply(changed)
            pairs = {(str(one[1]), str(one[2])) for one in touched if one[0] == "route"}
            now = routes(model.routes, names, pairs)
            slowest = max(slowest, time.perf_counter() - began)
            busiest = max(busiest, time.process_time() - cpu)
            most = max(most, len({here for here, _ in pairs}))
            if any(route == before[pair] for pair, route in now.items()):
                raise RuntimeError("told of a route that is as before")
            before |= now
    yield Figure(
        name="paths-after-one",
        value=slowest,
        unit="s",
        at_least=f"< {AFTER_ONE}",
        holds=slowest < AFTER_ONE,
        details={
            **shape, "cpu": busiest, "most_switches_touched": most, "counted": "one wire goes or comes; 32 changes"
        },
    )  # fmt: skip
