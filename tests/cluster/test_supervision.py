"""Background loops: an exception in any of them is counted, and the loop goes on."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.etcd_process import Cluster, free_ports

ROOT = Path(__file__).parents[2]
PRODUCT = ("controller", "northbound", "topology", "apps")


def loops() -> Iterator[str]:
    """`Class.method` of every function that the product hands to hub.keep."""
    for folder in PRODUCT:
        for path in (ROOT / folder).rglob("*.py"):
            for holder in ast.walk(ast.parse(path.read_text())):
                if not isinstance(holder, ast.ClassDef):
                    continue
                for node in ast.walk(holder):
                    if isinstance(node, ast.Call) and ast.unparse(node.func) == "hub.keep":
                        yield f"{holder.name}.{ast.unparse(node.args[0]).removeprefix('self.')}"


def key_file(folder: Path) -> Path:
    """A TSIG key of nobody's."""
    path = folder / "tenet.key"
    path.write_text('key "tenet" {\n  algorithm hmac-sha256;\n  secret "c2VjcmV0";\n};\n')
    path.chmod(0o600)
    return path


def configuration(folder: Path, store: str) -> Path:
    rest, openflow, ovsdb = free_ports(3)
    sections = {
        "store": {"url": store},
        "northbound": {"listen": f"127.0.0.1:{rest}"},
        "openflow": {"listen": f"127.0.0.1:{openflow}"},
        "ovsdb": {"listen": f"127.0.0.1:{ovsdb}"},
        "nova": {"endpoint": "http://127.0.0.1:9", "auth_type": "none"},
        "services": {"dhcp_relay_address": "127.0.0.67"},
        "external_dns": {"server": "127.0.0.1:9", "zones": "example.org", "key_file": str(key_file(folder))},
    }
    lines = [
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in each.items()) for name, each in sections.items()
    ]
    path = folder / "tenet.conf"
    path.write_text("".join(lines))
    return path


def survivors(config: Path) -> dict[str, tuple[int, bool]]:
    """Loop -> how often it was begun anew after one exception, and whether it runs."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.cluster.supervised", str(config)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr
    lines = [line.split() for line in told.stdout.splitlines()]
    return {name: (int(restarts), alive == "True") for name, restarts, alive in lines}


@pytest.mark.slow
def test_every_background_loop_survives_an_exception(tmp_path: Path) -> None:
    seen = survivors(configuration(tmp_path, f"sqlite:///{tmp_path}/tenet.db"))
    etcd = Cluster(tmp_path)
    try:
        etcd.start()
        seen |= survivors(configuration(tmp_path, etcd.url("tenet")))
    finally:
        etcd.stop()
    assert set(loops()) - {"Observer._adopt_anew"} == set(seen)  # that one: tests/switches/test_observer.py
    assert {name: told for name, told in seen.items() if told != (1, True)} == {}
