"""OpenStack's client without OpenStack: `[auth] strategy = tokens`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.identity.cloud import VENV, free_port, wait_for
from tests.lab.processes import Process

TENET = Path(sys.executable).with_name("tenet")


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    """Of a Tenet that runs."""
    config = tmp_path / "tenet.conf"
    config.write_text(
        f"[store]\nurl = sqlite:///{tmp_path}/tenet.db\n[northbound]\nlisten = 127.0.0.1:{free_port()}\n"
        "[openflow]\nlisten = 127.0.0.1:0\n[ovsdb]\nlisten = 127.0.0.1:0\n"
        f"[auth]\nstrategy = tokens\ntokens = {tmp_path}/tokens\n"
    )
    (tmp_path / "tokens").touch(mode=0o600)
    process = Process([str(TENET), "run", "--config-file", str(config)], tmp_path / "log")
    wait_for(lambda: "ready: REST" in process.text(), process)
    yield config
    process.kill()


def token(config: Path, *arguments: str) -> str:
    done = subprocess.run([TENET, "token", "create", "--config-file", config, *arguments], check=True,
                          capture_output=True, text=True, timeout=30)  # fmt: skip
    return done.stdout.strip()


def openstack(config: Path, said: str, *arguments: str) -> Any:
    listen = config.read_text().partition("listen = ")[2].partition("\n")[0]
    environment = {"PATH": os.environ["PATH"], "HOME": str(config.parent), "OS_AUTH_TYPE": "admin_token",
                   "OS_ENDPOINT": f"http://{listen}", "OS_TOKEN": said}  # fmt: skip
    done = subprocess.run([VENV / "openstack", *arguments, "-f", "json"], check=True, capture_output=True,
                          env=environment, text=True, timeout=60)  # fmt: skip
    return json.loads(done.stdout)


def test_two_tenants_and_an_operator(config: Path) -> None:
    """Tokens are made while Tenet runs."""
    red, blue = (token(config, "--project", project) for project in ("red", "blue"))
    operator = token(config, "--project", "ops", "--role", "admin")
    network = openstack(config, red, "network", "create", "mine")
    assert network["project_id"] == "red"
    assert [row["ID"] for row in openstack(config, operator, "network", "list")] == [network["id"]]
    assert openstack(config, blue, "network", "list") == []
    with pytest.raises(subprocess.CalledProcessError) as refused:
        openstack(config, "tenet_false", "network", "list")
    assert "401" in refused.value.stderr
