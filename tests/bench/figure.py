"""One measured figure, and how it is written: a JSON object a line, a row of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import quantiles
from typing import NamedTuple

import msgspec

HOLDS = {None: "", True: "yes", False: "NO"}  # in a table


class Figure(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`peer`: what the peer named in `peer_is` needs or does, in the same unit; `ratio`: `value` over `peer`.

    `at_least`: what is aimed for, in words; `holds`: whether `value` does.  `details`: what else explains it.
    """

    name: str
    value: float
    unit: str
    peer: float | None = None
    ratio: float | None = None
    peer_is: str = ""
    at_least: str = ""
    holds: bool | None = None
    details: dict[str, object] = {}

    def line(self) -> bytes:
        """A JSON object; `details` are members of it like all others.  `peer` and `ratio` are null where unknown."""
        fields: dict[str, object] = {"name": self.name, "value": _short(self.value), "unit": self.unit}
        fields |= {"peer": _short(self.peer), "ratio": _short(self.ratio), "peer_is": self.peer_is}
        fields |= {"at_least": self.at_least, "holds": self.holds, **{k: _short(v) for k, v in self.details.items()}}
        return msgspec.json.encode(fields)


def against(peer: float | None, value: float) -> float | None:
    return value / peer if peer else None


def percentiles(values: Sequence[float]) -> tuple[float, float]:
    """p50 and p95 of at least two values."""
    cuts = quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[94]


class Before(NamedTuple):
    """A figure as it was measured before; `cpu_us`: see `table`."""

    value: float
    cpu_us: float | None = None


def earlier(lines: Sequence[bytes]) -> dict[str, Before]:
    """By name the figures that `Figure.line` wrote."""
    read = [msgspec.json.decode(line) for line in lines]
    return {line["name"]: Before(line["value"], line.get("cpu_us")) for line in read}


def table(figures: Sequence[Figure], before: Mapping[str, Before] | None = None) -> str:
    """A row for each figure, beside what it was `before`.

    `cpu us`: microseconds of the controller's processor time for one request, or one object of a bulk; what else the
    machine does has little say in it, so that it is what to compare with an earlier run.
    """
    head = ("name", "value", "before", "unit", "cpu us", "before", "peer", "ratio", "at least", "holds")
    rows = [head, *(_row(figure, (before or {}).get(figure.name)) for figure in figures)]
    return laid_out(rows)


def laid_out(rows: Sequence[tuple[str, ...]]) -> str:
    """Lines of text whose columns are as wide as their widest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _row(figure: Figure, before: Before | None) -> tuple[str, ...]:
    holds = HOLDS[figure.holds]
    return (
        figure.name, _text(figure.value), _text(before and before.value), figure.unit,
        _text(figure.details.get("cpu_us")), _text(before and before.cpu_us),
        _text(figure.peer), _text(figure.ratio), figure.at_least, holds,
    )  # fmt: skip


def _text(value: object) -> str:
    if not isinstance(value, int | float):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _short(value: object) -> object:
    """No more digits than were measured."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, list | tuple):
        return [_short(each) for each in value]
    return value
