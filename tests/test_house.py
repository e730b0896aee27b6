"""Who may import whom, and how long a file may be: the rules that keep the house in order."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("controller", "apps", "topology", "northbound")
LONGEST = 400

# A folder's files import, of what is ours, only what is under one of these names.
MAY_IMPORT = {
    "controller/flow": ("controller.flow",),
    "controller/model": ("controller.model", "topology.graph", "topology.paths"),
    "apps": ("apps", "controller.flow", "controller.model", "controller.ovsdb.wanted"),
    "topology": (
        "topology",
        "apps.pipeline",
        "apps.matches",
        "apps.host_mac",
        "controller.flow",
        "controller.model",
        "controller.ovsdb.wanted",
    ),
    "controller/store": ("controller.store", "controller.model", "controller.runtime"),
}
# A folder's files import nothing under these names.
MAY_NOT_IMPORT = {
    "controller/compile": ("apps", "northbound", "controller.openflow", "controller.ovsdb", "controller.store"),
    "controller/intent": ("apps", "northbound", "controller.openflow", "controller.ovsdb", "controller.runtime.hub"),
    "controller/openflow": ("apps", "northbound", "controller.store", "controller.ovsdb", "controller.intent"),
    "controller/ovsdb": ("apps", "northbound", "controller.store", "controller.openflow", "controller.intent"),
    "northbound": ("apps", "topology", "controller.openflow", "controller.ovsdb"),
    "": ("controller.__main__", "controller.assembly", "tests", "tools"),
}
# The list of all apps is the one file of the compiler that knows them.
EXCEPT = {
    "controller/__main__.py": ("controller.assembly",),
    "controller/compile/catalogue.py": ("apps",),
    "controller/compile/database_rows.py": ("controller.ovsdb.wanted",),  # values alone
}
# These libraries are named in one place.
ONLY_IN = {
    "os_ken": "controller/openflow/framework.py",
    "ryu": "controller/openflow/framework.py",
    "eventlet": "controller/runtime/hub.py",
    "webob": "northbound/",
    "sqlite3": "controller/store/",
    "sortedcontainers": "controller/model/",
    "networkx": "topology/",
    "ovs": "controller/ovsdb/",
}
# No input, no output, no clock, no chance: the same input gives the same flows in every process.
PURE = ("controller/flow", "controller/model", "controller/compile", "apps", "topology")
NOT_PURE = (
    "topology/mininet.py",  # for users' scripts: it is no part of the controller
    "controller/compile/on_demand.py",  # lets other green threads run between two units
)
IMPURE = (
    "socket",
    "os",
    "time",
    "random",
    "secrets",
    "threading",
    "subprocess",
    "asyncio",
    "controller.runtime.hub",
    "uuid",
)

# of socket, the conversions of addresses are pure
CONVERSIONS = ("inet_aton", "inet_ntoa", "inet_ntop", "inet_pton", "AF_INET", "AF_INET6")

MACHINE = re.compile(r"(?<![\w.}])/(?:work|root|home|tmp)/\w")


class Import(NamedTuple):
    file: str
    line: int
    name: str  # the module, and for `from a import b` the dotted a.b, which may be a module too

    def under(self, *names: str) -> bool:
        return any(self.name == name or self.name.startswith(name + ".") for name in names)


def imports(file: str, source: str) -> Iterator[Import]:
    package = file.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (Import(file, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (Import(file, node.lineno, f"{module}.{alias.name}") for alias in node.names)


def files(suffix: str = ".py", folders: tuple[str, ...] = OURS) -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for folder in folders for path in (ROOT / folder).rglob(f"*{suffix}"))


def broken(every: list[Import]) -> list[str]:
    """What crosses a line, as text."""
    return [f"{each.file}:{each.line} imports {each.name}: {why}" for each in every for why in faults(each)]


def faults(each: Import) -> Iterator[str]:
    for folder, names in MAY_IMPORT.items():
        if inside(each.file, folder) and each.under(*OURS) and not each.under(*names):
            yield f"{folder} imports of ours only {', '.join(names)}"
    for folder, names in MAY_NOT_IMPORT.items():
        if inside(each.file, folder) and each.under(*names) and not each.under(*EXCEPT.get(each.file, ())):
            yield f"{folder or 'the product'} does not know {', '.join(names)}"
    for library, place in ONLY_IN.items():
        if each.under(library) and not each.file.startswith(place):
            yield f"{library} is named in {place} only"
    conversion = each.name in [f"socket.{name}" for name in CONVERSIONS]
    pure = any(inside(each.file, folder) for folder in PURE) and each.file not in NOT_PURE
    if pure and each.under(*IMPURE) and not conversion:
        yield "this folder is pure"


def inside(file: str, folder: str) -> bool:
    return not folder or file.startswith(folder + "/")


def test_nobody_imports_what_is_not_for_them() -> None:
    every = [each for file in files() for each in imports(file, (ROOT / file).read_text())]
    assert len(every) > 50
    assert broken(every) == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("controller/model/rows/", "from controller.flow import flow"),
        ("controller/flow/flow.py", "import controller.runtime.hub"),
        ("apps/l2.py", "from controller import compile"),
        ("apps/l2.py", "from time import monotonic"),
        ("apps/l2.py", "from socket import inet_aton, create_connection"),
        ("controller/__main__.py", "import os_ken.base"),
        ("controller/openflow/session.py", "from ryu.ofproto import ofproto_v1_3"),
        ("controller/store/sqlite.py", "import eventlet"),
        ("controller/intent/ports.py", "import webob.exc"),
        ("northbound/app.py", "import sqlite3"),
        ("northbound/app.py", "from controller.openflow import session"),
        ("controller/openflow/session.py", "from ..store import store"),
        ("northbound/app.py", "from controller.__main__ import main"),
    ],
)
def test_each_rule_can_be_broken(file: str, source: str) -> None:
    assert broken(list(imports(file, source)))


# Endless loops that hub.keep does not run, and why none of them ends unseen.
UNKEPT = {
    "Replica._follow": "an exception ends the process, for what follows would build on half a model",
    "Rpc._read": "an exception ends its connection, and is logged",
}


def unkept(source: str) -> Iterator[str]:
    """`Class.method` of what hub.spawn runs though it has a loop without an end: `while True`, `while not ...`."""
    for holder in [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)]:
        endless = {
            each.name
            for each in holder.body
            if isinstance(each, ast.FunctionDef) and any(_endless(node) for node in ast.walk(each))
        }
        for node in ast.walk(holder):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "hub.spawn":
                name = ast.unparse(node.args[0]).removeprefix("self.")
                if name in endless:
                    yield f"{holder.name}.{name}"


def _endless(node: ast.AST) -> bool:
    if not isinstance(node, ast.While):
        return False
    negated = isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not)
    return negated or (isinstance(node.test, ast.Constant) and bool(node.test.value))


def test_background_loops_are_supervised() -> None:
    found = {name: file for file in files() for name in unkept((ROOT / file).read_text())}
    assert {name: file for name, file in found.items() if name not in UNKEPT} == {}
    assert list(unkept("class A:\n def f(self):\n  while True: pass\n def g(self): hub.spawn(self.f)")) == ["A.f"]


def private_reads(source: str) -> list[str]:
    """What is taken from a reader or a view by a private name, past what is recorded."""
    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and ast.unparse(node.value) != "self"
        if "see" in ast.unparse(node) or "model" in ast.unparse(node)
    ]


def test_apps_read_the_model_through_recorded_reads_alone() -> None:
    for file in files():
        if file.startswith(("apps/", "topology/")) or file == "controller/compile/scope.py":
            assert private_reads((ROOT / file).read_text()) == [], file
    assert private_reads("def port(port, see):\n see._model.get(port)") == ["see._model"]


def test_class_names_are_unique() -> None:
    """One word, one meaning: a class name is used once in the product, private ones aside."""
    found: dict[str, list[str]] = {}
    for file in files():
        for node in ast.parse((ROOT / file).read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(file)
    assert len(found) > 200
    assert {name: where for name, where in found.items() if len(where) > 1} == {}


@pytest.mark.parametrize("file", files())
def test_no_file_is_too_long(file: str) -> None:
    assert len((ROOT / file).read_text().splitlines()) <= LONGEST


def test_no_path_of_one_machine() -> None:
    folders = (*OURS, "tests", "tools", "docs", ".ci")
    texts = [file for suffix in (".py", ".sh", ".md", ".toml", "run") for file in files(suffix, folders)]
    texts += ["Makefile", "pyproject.toml", *(path.name for path in ROOT.glob("*.md"))]
    assert "tools/need.sh" in texts and ".ci/run" in texts
    found = [file for file in texts if file != "tests/test_house.py" and MACHINE.search((ROOT / file).read_text())]
    assert found == []
    assert MACHINE.search('"/root/venv"') and not MACHINE.search("sqlite:///var/tenet.db")


@pytest.mark.parametrize("file", sorted(path.name for path in ROOT.glob("requirements*.txt")))
def test_every_package_is_pinned(file: str) -> None:
    lines = [line for line in (ROOT / file).read_text().splitlines() if line and not line.startswith(("#", "-r "))]
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][\w.]*", line)] == []
