"""Stored figures: tests/bench/results.jsonl, one figure a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.bench.figure import Figure

RESULTS = Path(__file__).with_name("results.jsonl")


def stored() -> list[bytes]:
    return RESULTS.read_bytes().splitlines() if RESULTS.exists() else []


def write_down(figures: Sequence[Figure]) -> None:
    """In the place of older figures of the same names; the others stay."""
    names = {figure.name for figure in figures}
    kept = [line for line in stored() if msgspec.json.decode(line, type=Figure).name not in names]
    RESULTS.write_bytes(b"".join(line + b"\n" for line in [*kept, *(figure.line() for figure in figures)]))
