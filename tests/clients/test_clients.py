"""OpenStack's own clients, as they are, with a running Tenet that knows its callers by tokens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.identity.cloud import VENV, free_port, wait_for
from tests.lab.processes import Process


class Site(NamedTuple):
    url: str
    tokens: dict[str, str]  # by role

    def environment(self, role: str, home: Path) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"], "HOME": str(home), "OS_AUTH_TYPE": "admin_token", "OS_ENDPOINT": self.url,
            "OS_TOKEN": self.tokens[role],
        }  # fmt: skip


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("site")
    tenet = Path(sys.executable).with_name("tenet")
    port = free_port()
    config = home / "tenet.conf"
    config.write_text(
        f"[store]\nurl = sqlite:///{home}/tenet.db\n[northbound]\nlisten = 127.0.0.1:{port}\n"
        f"[openflow]\nlisten = 127.0.0.1:0\n[ovsdb]\nlisten = 127.0.0.1:0\n"
        f"[auth]\nstrategy = tokens\ntokens = {home}/tokens\n"
    )
    tokens = {}
    for role in ("admin", "member"):
        made = subprocess.run(
            [tenet, "token", "create", "--project", "red", "--role", role, "--config-file", config],
            check=True, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        tokens[role] = made.stdout.split()[-1]
    process = Process([str(tenet), "run", "--config-file", str(config)], home / "log")
    wait_for(lambda: "ready: REST" in process.text(), process)
    yield Site(f"http://127.0.0.1:{port}/", tokens)
    process.signal(signal.SIGTERM)
    assert process.wait() == 0


SCRIPTS = ("with_sdk.py", "with_neutronclient.py", "with_command.py")


def run_script(name: str, environment: Mapping[str, str]) -> None:
    """A program of this folder, by the Python that has OpenStack's clients.  Raises AssertionError, with its words."""
    argv = [VENV / "python", Path(__file__).with_name(name)]
    done = subprocess.run(argv, capture_output=True, env=environment, text=True, timeout=180)
    assert (done.returncode, done.stdout.strip()) == (0, "all of it"), done.stderr[-2000:]


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_resource(site: Site, tmp_path: Path, script: str) -> None:
    run_script(script, site.environment("admin", tmp_path))
