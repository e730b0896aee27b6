"""No pattern of the product tries a text in many ways: long runs of each kind cost linear time."""

from __future__ import annotations

import ast
import importlib
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .cost import FACTOR, Call, processor_time

ROOT = Path(__file__).parents[2]
FOLDERS = ("controller", "northbound", "apps", "topology")
SEARCHING = ("search", "sub", "subn", "split", "findall", "finditer")
CALLS = [f"re.{name}" for name in ("compile", "match", "fullmatch", *SEARCHING)]
SIZE = 2_000
FLOOR = 0.020  # seconds: a pattern that tries 8,000 characters in every way takes a second
USERS = ("topology/mininet.py",)  # for users' scripts, where Mininet is
# Patterns that operators write, in their own policy files.
THEIRS = {("northbound/field.py", "self.value[1:]")}


def patterns() -> dict[str, re.Pattern[Any]]:
    """Every pattern that a module has, and every constant one that a call compiles on its way, by where it is."""
    found: dict[str, re.Pattern[Any]] = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            file = str(path.relative_to(ROOT))
            if file in USERS:
                continue
            module: Any = importlib.import_module(file.removesuffix(".py").replace("/", ".").removesuffix(".__init__"))
            for name, value in vars(module).items():
                if isinstance(value, re.Pattern):
                    found[f"{file} {name}"] = value
            for line, source in calls(file):
                found.setdefault(f"{file}:{line}", re.compile(eval(source, vars(module))))  # our own
    return found


def calls(file: str) -> Iterator[tuple[int, str]]:
    """The first argument of each call of `re`, as source; flags are not looked at."""
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in CALLS:
            source = ast.unparse(node.args[0])
            if (file, source) not in THEIRS:
                yield node.lineno, source


PATTERNS = patterns()
PIECES = [
    *" \t\r\n,;:=\"'\\/.-_%()[]{}",
    *(
        "a",
        "A",
        "0",
        "é",
        'a"',
        '\\"',
        "a.",
        "0:",
        "a,",
        " =",
        "::",
        "ab:",
        "%(",
        "wait=",
        "LocationInfo(",
        "f0:",
        "a/",
    ),
]
HEADS = ("", "a", "X: ", "wait=1")
TAILS = ("", "\x01", "\x01\r\n")


def texts(pattern: re.Pattern[Any], size: int) -> list[Any]:
    found = [head + (piece * size)[:size] + tail for piece in PIECES for head in HEADS for tail in TAILS]
    return [each.encode() for each in found] if isinstance(pattern.pattern, bytes) else found


def searched(where: str) -> bool:
    """Whether the product looks for the pattern at every place of a text; else a text is to match from its begin."""
    file, _, name = where.partition(" ")
    source = (ROOT / file.partition(":")[0]).read_text() if file != "bad" else ""
    return any(f"{name or 're'}.{call}(" in source for call in SEARCHING)


def tried(pattern: re.Pattern[Any], text: Any, everywhere: bool) -> Call:
    def call() -> None:
        pattern.fullmatch(text)
        pattern.match(text)
        for _ in pattern.finditer(text) if everywhere else ():
            pass

    return call


def test_all_are_looked_at() -> None:
    assert len(PATTERNS) > 20
    assert any(name.startswith("northbound/wire/head.py") for name in PATTERNS)
    assert set(string.whitespace[:4]) <= set(PIECES)


@pytest.mark.parametrize("where", sorted(PATTERNS))
def test_a_long_run_costs_linear_time(where: str) -> None:
    pattern, everywhere = PATTERNS[where], searched(where)
    for small, large in zip(texts(pattern, SIZE), texts(pattern, 4 * SIZE), strict=True):
        took = processor_time(tried(pattern, large, everywhere), 1)
        if took > FLOOR:  # or it is quick enough, and nothing more is measured
            took, less = (processor_time(tried(pattern, each, everywhere)) for each in (large, small))
            assert took <= FACTOR * less + FLOOR, (where, large[:20], len(large), less, took)


@pytest.mark.parametrize("bad", [r"a*a*!", r"X: [ \t]*([^\x01]*)\r\n"])
def test_one_that_backtracks_would_be_found(bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PATTERNS, "bad", re.compile(bad))
    with pytest.raises(AssertionError):
        test_a_long_run_costs_linear_time("bad")
