"""Figures as a table of both systems, and as lines of tests/bench/results.jsonl."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.bench.figure import Figure

RESULTS = Path(__file__).parents[1] / "results.jsonl"


def table(figures: Sequence[Figure]) -> str:
    """A row a figure, whose ratio is Tenet's value over OVN's."""
    rows = [("name", "Tenet", "OVN", "unit", "ratio", "goal", "holds")]
    for each in figures:
        holds = {None: "", True: "yes", False: "NO"}[each.holds]
        values = (_text(each.value), _text(each.peer), each.unit, _text(each.ratio))
        rows.append((each.name.removeprefix("peers-"), *values, each.at_least, holds))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def write_down(figures: Sequence[Figure]) -> None:
    """In the place of older figures of the same names; the others stay."""
    names = {figure.name for figure in figures}
    lines = RESULTS.read_bytes().splitlines() if RESULTS.exists() else []
    kept = [line for line in lines if msgspec.json.decode(line, type=Figure).name not in names]
    RESULTS.write_bytes(b"".join(line + b"\n" for line in [*kept, *(figure.line() for figure in figures)]))


def _text(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
