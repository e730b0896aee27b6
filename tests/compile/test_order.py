"""Every process computes the same flows: whatever the order of rows, whatever the seed of Python's hashes."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

from controller.compile.catalogue import apps
from controller.compile.compiler import Compiler
from controller.flow import Rates
from controller.model.model import Applied, Model
from controller.model.rows import Learned, Row, Switch
from tests.apps.clouds import seen
from tests.strategies import base

ROOT = Path(__file__).parents[2]


def rows() -> list[Row]:
    """Some that clash, too."""
    return [*base(), *(seen("p4", "n0", 1, 2, f"02:00:00:00:00:{number:02x}") for number in range(9)), _twin()]


def _twin() -> Row:
    return Learned(network_id="n0", mac="02:00:00:00:00:77", port_id="p6", at="h0/tap6", ofport=63)


def digest(order: int) -> str:
    """All flows of all switches, after a compile of the rows in some order."""
    every = rows()
    random.Random(order).shuffle(every)
    model = Model()
    compiler = Compiler(model, apps(Rates(1000)))
    half = order % len(every)
    compiler.mark(model.apply([Applied(1, row.key, row) for row in every[:half]]))
    for row in every:
        if isinstance(row, Switch):
            compiler.include(row.id)
    compiler.run()
    compiler.mark(model.apply([Applied(2, row.key, row) for row in every[half:]]))
    compiler.run()
    text = "\n".join(
        f"{switch_id} {flow.cookie:016x} {flow}"
        for switch_id in sorted(model.rows(Switch))
        for flow in sorted(compiler.wanted(switch_id), key=lambda flow: flow.key)
    )
    assert text.count("\n") > 100
    return hashlib.sha256(text.encode()).hexdigest()


def test_any_order_of_rows_gives_the_same_flows() -> None:
    assert len({digest(order) for order in range(20)}) == 1


def test_any_seed_of_hashes_gives_the_same_flows() -> None:
    found = {digest(0)}
    for seed in ("0", "1", "4242"):
        done = subprocess.run(
            [sys.executable, "-c", "from tests.compile.test_order import digest; print(digest(0))"],
            env={**os.environ, "PYTHONHASHSEED": seed}, cwd=ROOT,
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        found.add(done.stdout.strip())
    assert len(found) == 1
