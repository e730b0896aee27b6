"""OpenStack's own clients, as they are, with a running Tenet that knows its callers by tokens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

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


class Cli(NamedTuple):
    environment: dict[str, str]

    def __call__(self, *arguments: str) -> Any:
        """What `openstack` prints; raises CalledProcessError, with its words, when it fails."""
        done = subprocess.run(
            [VENV / "openstack", *arguments], check=True, capture_output=True, env=self.environment, text=True,
            timeout=60,
        )  # fmt: skip
        return json.loads(done.stdout) if "json" in arguments else None

    def make(self, *arguments: str) -> Any:
        return self(*arguments, "-f", "json")


@pytest.fixture
def admin(site: Site, tmp_path: Path) -> Cli:
    return Cli(site.environment("admin", tmp_path))


def test_every_resource_with_the_sdk(site: Site, tmp_path: Path) -> None:
    script = Path(__file__).with_name("with_sdk.py")
    done = subprocess.run(
        [VENV / "python", script], capture_output=True, env=site.environment("admin", tmp_path), text=True, timeout=120
    )
    assert (done.returncode, done.stdout.strip()) == (0, "all of it"), done.stderr[-2000:]


def test_every_resource_with_the_command(admin: Cli) -> None:
    scope = admin.make("address", "scope", "create", "c-scope", "--ip-version", "4")
    pool = admin.make("subnet", "pool", "create", "c-pool", "--pool-prefix", "10.50.0.0/16", "--default-prefix-length",
                      "26", "--address-scope", "c-scope")  # fmt: skip
    assert pool["address_scope_id"] == scope["id"]
    network = admin.make("network", "create", "c-net", "--tag", "t1", "--description", "d", "--mtu", "1400")
    assert (network["mtu"], network["tags"]) == (1400, ["t1"])
    admin("network", "set", "c-net", "--share", "--tag", "t2")
    assert admin.make("network", "show", "c-net")["shared"] is True
    admin("network", "set", "c-net", "--no-share")
    subnet = admin.make("subnet", "create", "c-sub", "--network", "c-net", "--subnet-pool", "c-pool",
                        "--dns-nameserver", "192.0.2.53")  # fmt: skip
    assert subnet["cidr"].endswith("/26")
    admin("subnet", "set", "c-sub", "--no-dns-nameservers", "--host-route", "destination=10.9.0.0/16,gateway=10.50.0.9")
    port = admin.make("port", "create", "c-port", "--network", "c-net", "--host", "h1", "--allowed-address",
                      "ip-address=10.50.0.40")  # fmt: skip
    assert port["binding_host_id"] == "h1" and port["binding_vif_type"] == "ovs"
    admin("port", "set", "c-port", "--name", "c-port-2", "--no-allowed-address", "--disable-port-security")
    assert admin.make("port", "show", "c-port-2")["port_security_enabled"] is False
    assert [each["ID"] for each in admin.make("port", "list", "--network", "c-net")] == [port["id"]]
    assert admin.make("ip", "availability", "show", "c-net")["used_ips"] == 1
    admin.make("network", "agent", "list")
    admin.make("extension", "list", "--network")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        admin("network", "delete", "c-net")
    assert "1 of 1 networks failed to delete" in refused.value.stderr
    admin("port", "delete", "c-port-2")
    admin("subnet", "delete", "c-sub")
    admin("network", "delete", "c-net")
    admin("subnet", "pool", "delete", "c-pool")
    admin("address", "scope", "delete", "c-scope")
    assert admin.make("network", "list") == []
