"""Drawings of a topology: text, Graphviz' dot, or a picture (SVG 1.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from typing import Any, NamedTuple

from .layout import natural, places

Topology = dict[str, Any]
Point = tuple[float, float]

_COLOURS = ("#2471a3", "#c0392b", "#1e8449", "#b9770e", "#7d3c98", "#117a65", "#a04000", "#5b2c6f")
_WIDE, _HIGH, _MARGIN = 110, 110, 60  # pixels between neighbours of one layer, between layers, around


class DrawnWire(NamedTuple):
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


def wires(topology: Topology) -> list[DrawnWire]:
    found: dict[tuple[tuple[str, int], ...], DrawnWire] = {}
    for link in topology["links"]:
        ends = ((link["switch"], link["port"]), (link["far_switch"], link["far_port"]))
        wire = DrawnWire(link["switch"], link["port_name"], link["far_switch"], link["far_port_name"], link["used"])
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
    """Switches in rows, what is attached below its switch."""
    at = _places(topology)
    width = max((x for x, _ in at.values()), default=0) + _MARGIN
    bottom = max((y for _, y in at.values()), default=0) + _MARGIN
    # a curve gets half as far as its control point
    top = min([0.0, *((arc.left[1] + arc.control[1]) / 2 - 10 for arc in _arcs(topology, at))])
    height = bottom - top
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 {top:.0f} {width:.0f} {height:.0f}" '
        f'font-family="Helvetica, Arial, sans-serif" font-size="11" text-anchor="middle">',
        f'<rect y="{top:.0f}" width="{width:.0f}" height="{height:.0f}" fill="white"/>',
        *_lines(topology, at),
        *_boxes(topology, at),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


FORMATS: dict[str, Callable[[Topology], str]] = {"text": text, "dot": dot, "svg": svg}


class Arc(NamedTuple):
    """How a wire is drawn: a quadratic curve between two points (of which the control point may be on the line)."""

    wire: DrawnWire
    left: Point
    control: Point
    right: Point


def _arcs(topology: Topology, at: dict[str, Point]) -> Iterator[Arc]:
    """Straight, or over what is between the ends in their row; parallel wires beside each other."""
    pairs: dict[tuple[str, str], int] = {}
    highest = min((y for _, y in at.values()), default=0)
    for wire in wires(topology):
        if wire.one not in at or wire.other not in at:
            continue
        (x1, y1), (x2, y2) = sorted((at[wire.one], at[wire.other]))
        nth = pairs[wire.one, wire.other] = pairs.get((wire.one, wire.other), -1) + 1
        if y1 == y2 and any(y == y1 and x1 < x < x2 for x, y in at.values()):
            rise = 12 * nth + (0.4 * (x2 - x1) if y1 == highest else min(0.12 * (x2 - x1) + 24, _HIGH))
            yield Arc(wire, (x1, y1), ((x1 + x2) / 2, y1 - rise), (x2, y2))
        else:
            across, down = (0, 6 * nth) if y1 == y2 else (6 * nth, 0)
            x1, y1, x2, y2 = x1 + across, y1 + down, x2 + across, y2 + down
            yield Arc(wire, (x1, y1), ((x1 + x2) / 2, (y1 + y2) / 2), (x2, y2))


def _lines(topology: Topology, at: dict[str, Point]) -> Iterator[str]:
    for wire, (x1, y1), (x, y), (x2, y2) in _arcs(topology, at):
        dashes = "" if wire.used else ' stroke-dasharray="4 4"'
        yield (
            f'<path d="M{x1:.0f} {y1:.0f} Q{x:.0f} {y:.0f} {x2:.0f} {y2:.0f}" fill="none" stroke="#444" '
            f'stroke-width="2"{dashes}><title>{escape(wire.one_port)} -- {escape(wire.other_port)}</title></path>'
        )
    colours = _colours(topology)
    for leaf in leaves(topology):
        (x1, y1), (x2, y2) = at[leaf.switch], at[leaf.key]
        line = f'x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}" stroke="{colours[leaf.network]}"'
        yield f"<line {line}><title>{escape(leaf.interface)}</title></line>"


def _boxes(topology: Topology, at: dict[str, Point]) -> Iterator[str]:
    for switch in topology["switches"]:
        x, y = at[switch["id"]]
        fill = "#eef3f8" if switch["connected"] else "#f5d5d5"
        yield (
            f'<rect x="{x - 34:.0f}" y="{y - 16:.0f}" width="68" height="32" rx="5" fill="{fill}" stroke="#444"/>'
            f'<text x="{x:.0f}" y="{y + 4:.0f}">{escape(switch["name"][-12:])}</text>'
        )
    colours = _colours(topology)
    for leaf in leaves(topology):
        x, y = at[leaf.key]
        below = [leaf.network_name, *leaf.addresses[:2]]
        said = "".join(
            f'<text x="{x:.0f}" y="{y + 26 + 13 * row:.0f}" fill="{colours[leaf.network]}">{escape(line[:20])}</text>'
            for row, line in enumerate(below)
        )
        yield (
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="13" fill="white" stroke="{colours[leaf.network]}" stroke-width="2"/>'
            f'<text x="{x:.0f}" y="{y + 4:.0f}">{escape(leaf.name[-6:])}</text>{said}'
        )


def _places(topology: Topology) -> dict[str, Point]:
    """Where to draw each switch and port, in pixels."""
    names = _names(topology)
    hanging: dict[str, list[str]] = {}
    for leaf in sorted(leaves(topology), key=lambda leaf: natural(leaf.interface)):
        hanging.setdefault(leaf.switch, []).append(leaf.key)
    pairs = [(wire.one, wire.other) for wire in wires(topology) if {wire.one, wire.other} <= names.keys()]
    edge = [one["switch"] for one in topology["interfaces"] if not one["link"]]
    found = places(names, pairs, hanging, edge)
    return {
        key: (_MARGIN + (place.x - 0.5) * _WIDE, float(_MARGIN + place.row * _HIGH)) for key, place in found.items()
    }


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
