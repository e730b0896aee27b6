"""A topology, as the operators' API tells it, for people: text, Graphviz' dot, or a picture (SVG 1.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from typing import Any, NamedTuple

import networkx as nx

Topology = dict[str, Any]

_COLOURS = ("#2471a3", "#c0392b", "#1e8449", "#b9770e", "#7d3c98", "#117a65", "#a04000", "#5b2c6f")
_WIDE, _HIGH, _MARGIN = 110, 110, 60  # pixels between neighbours of one layer, between layers, around


class Wire(NamedTuple):
    """A wire between two switches, once; `used` when both ends hear each other."""

    one: str
    one_port: str
    other: str
    other_port: str
    used: bool


class Leaf(NamedTuple):
    """What is attached at an interface: a port of a network."""

    key: str
    switch: str
    interface: str
    name: str
    network: str
    network_name: str
    addresses: tuple[str, ...]
    status: str


def wires(topology: Topology) -> list[Wire]:
    found: dict[tuple[tuple[str, int], ...], Wire] = {}
    for link in topology["links"]:
        ends = ((link["switch"], link["port"]), (link["far_switch"], link["far_port"]))
        wire = Wire(link["switch"], link["port_name"], link["far_switch"], link["far_port_name"], link["used"])
        found.setdefault(tuple(sorted(ends)), wire)
    return [wire for _, wire in sorted(found.items())]


def leaves(topology: Topology) -> list[Leaf]:
    networks = {network["id"]: network["name"] or network["id"][:8] for network in topology["networks"]}
    return [
        Leaf(
            port["id"], port["switch"], port["interface"], port["name"] or port["interface"], port["network_id"],
            networks.get(port["network_id"], "?"), tuple(port["addresses"]), port["status"],
        )
        for port in topology["ports"]
        if port["switch"]
    ]  # fmt: skip


def text(topology: Topology) -> str:
    lines: list[str] = []
    names = _names(topology)
    for switch in topology["switches"]:
        state = "connected" if switch["connected"] else "NOT CONNECTED"
        lines.append(f"{switch['name']}  ({switch['id']}, {state})")
        for wire in wires(topology):
            here, there = (wire.one, wire.one_port), (wire.other, wire.other_port)
            for near, far in ((here, there), (there, here)):
                if near[0] == switch["id"]:
                    note = "" if wire.used else "  not used"
                    lines.append(f"  {near[1]:<16} -- {names.get(far[0], far[0])} {far[1]}{note}")
        for leaf in leaves(topology):
            if leaf.switch == switch["id"]:
                addresses = " ".join(leaf.addresses)
                told = f"{leaf.network_name}: {leaf.name} {addresses}".rstrip()
                lines.append(f"  {leaf.interface:<16} == {told}  {leaf.status}")
    return "".join(f"{line}\n" for line in lines)


def dot(topology: Topology) -> str:
    """An undirected graph in the DOT language, as Graphviz reads it."""
    lines = ["graph tenet {", "  node [fontname=Helvetica];"]
    for switch in topology["switches"]:
        style = "filled" if switch["connected"] else "dashed"
        lines.append(f"  {_quoted(switch['id'])} [shape=box, style={style}, label={_quoted(switch['name'])}];")
    for wire in wires(topology):
        style = "solid" if wire.used else "dashed"
        ends = f"taillabel={_quoted(wire.one_port)}, headlabel={_quoted(wire.other_port)}"
        lines.append(f"  {_quoted(wire.one)} -- {_quoted(wire.other)} [style={style}, {ends}];")
    colours = _colours(topology)
    for leaf in leaves(topology):
        label = "\n".join([leaf.name, leaf.network_name, *leaf.addresses])
        lines.append(f'  {_quoted(leaf.key)} [label={_quoted(label)}, color="{colours[leaf.network]}"];')
        lines.append(f"  {_quoted(leaf.switch)} -- {_quoted(leaf.key)} [label={_quoted(leaf.interface)}];")
    return "\n".join([*lines, "}", ""])


def svg(topology: Topology) -> str:
    """Switches in layers from the middle of the graph outwards, what is attached below its switch."""
    places = _places(topology)
    width = max((x for x, _ in places.values()), default=0) + 2 * _MARGIN
    height = max((y for _, y in places.values()), default=0) + 2 * _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'font-family="Helvetica, Arial, sans-serif" font-size="11" text-anchor="middle">',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>',
        *_lines(topology, places),
        *_boxes(topology, places),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


FORMATS: dict[str, Callable[[Topology], str]] = {"text": text, "dot": dot, "svg": svg}


def _lines(topology: Topology, places: dict[str, tuple[float, float]]) -> Iterator[str]:
    pairs: dict[tuple[str, str], int] = {}
    for wire in wires(topology):
        if wire.one not in places or wire.other not in places:
            continue
        (x1, y1), (x2, y2) = places[wire.one], places[wire.other]
        nth = pairs[wire.one, wire.other] = pairs.get((wire.one, wire.other), -1) + 1
        shift = nth * 6  # parallel wires beside each other
        dashes = "" if wire.used else ' stroke-dasharray="4 4"'
        yield (
            f'<line x1="{x1 + shift:.0f}" y1="{y1:.0f}" x2="{x2 + shift:.0f}" y2="{y2:.0f}" stroke="#444" '
            f'stroke-width="2"{dashes}><title>{escape(wire.one_port)} -- {escape(wire.other_port)}</title></line>'
        )
    colours = _colours(topology)
    for leaf in leaves(topology):
        (x1, y1), (x2, y2) = places[leaf.switch], places[leaf.key]
        line = f'x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}" stroke="{colours[leaf.network]}"'
        yield f"<line {line}><title>{escape(leaf.interface)}</title></line>"


def _boxes(topology: Topology, places: dict[str, tuple[float, float]]) -> Iterator[str]:
    for switch in topology["switches"]:
        x, y = places[switch["id"]]
        fill = "#eef3f8" if switch["connected"] else "#f5d5d5"
        yield (
            f'<rect x="{x - 34:.0f}" y="{y - 16:.0f}" width="68" height="32" rx="5" fill="{fill}" stroke="#444"/>'
            f'<text x="{x:.0f}" y="{y + 4:.0f}">{escape(switch["name"][-12:])}</text>'
        )
    colours = _colours(topology)
    for leaf in leaves(topology):
        x, y = places[leaf.key]
        below = [leaf.network_name, *leaf.addresses[:2]]
        said = "".join(
            f'<text x="{x:.0f}" y="{y + 26 + 13 * row:.0f}" fill="{colours[leaf.network]}">{escape(line[:20])}</text>'
            for row, line in enumerate(below)
        )
        yield (
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="13" fill="white" stroke="{colours[leaf.network]}" stroke-width="2"/>'
            f'<text x="{x:.0f}" y="{y + 4:.0f}">{escape(leaf.name[-6:])}</text>{said}'
        )


def _places(topology: Topology) -> dict[str, tuple[float, float]]:
    """Where to draw each switch and port."""
    graph = nx.Graph()
    graph.add_nodes_from(switch["id"] for switch in topology["switches"])
    graph.add_edges_from((wire.one, wire.other) for wire in wires(topology))
    layers: dict[int, list[str]] = {}
    for island in sorted(nx.connected_components(graph), key=min):
        middle = min(nx.center(graph.subgraph(island)))
        for node, depth in sorted(nx.single_source_shortest_path_length(graph, middle).items()):
            layers.setdefault(depth, []).append(node)
    below = max(layers, default=0) + 1
    names = _names(topology)
    hanging: dict[str, list[str]] = {}
    for leaf in leaves(topology):
        hanging.setdefault(leaf.switch, []).append(leaf.key)
    order = [node for depth in sorted(layers) for node in sorted(layers[depth], key=lambda one: names.get(one, one))]
    rows = [sorted(layers[depth], key=lambda one: names.get(one, one)) for depth in sorted(layers)]
    rows.append([key for node in order for key in hanging.get(node, [])])
    widest = max((len(row) for row in rows), default=0)
    places: dict[str, tuple[float, float]] = {}
    for depth, row in enumerate(rows[: below + 1]):
        gap = widest * _WIDE / max(len(row), 1)
        for nth, node in enumerate(row):
            places[node] = (_MARGIN + gap * (nth + 0.5), float(_MARGIN + depth * _HIGH))
    return places


def _colours(topology: Topology) -> dict[str, str]:
    networks = [network["id"] for network in topology["networks"]]
    known = {network: _COLOURS[nth % len(_COLOURS)] for nth, network in enumerate(networks)}
    return known | {port["network_id"]: known.get(port["network_id"], "#888888") for port in topology["ports"]}


def _names(topology: Topology) -> dict[str, str]:
    return {switch["id"]: switch["name"] for switch in topology["switches"]}


def _quoted(said: str) -> str:
    """A string of the DOT language."""
    escaped = said.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
