"""Figures as a table of both systems."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.figure import HOLDS, Figure, laid_out


def table(figures: Sequence[Figure]) -> str:
    """A row a figure, whose ratio is Tenet's value over OVN's."""
    rows = [("name", "Tenet", "OVN", "unit", "ratio", "goal", "holds")]
    for each in figures:
        values = (_text(each.value), _text(each.peer), each.unit, _text(each.ratio))
        rows.append((each.name.removeprefix("peers-"), *values, each.at_least, HOLDS[each.holds]))
    return laid_out(rows)


def _text(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
