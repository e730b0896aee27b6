"""Tempest's and neutron-tempest-plugin's API tests with a real Keystone and a running Tenet: `make test-tempest`.

Arguments: a directory for what they leave behind, then what `tempest run` takes more (`--regex ...`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.identity.cloud import Keystone, Tenet

HERE = Path(__file__).parent
VENV = HERE.parents[1] / ".venv-tempest" / "bin"
TESTS = r"^(tempest\.api\.network|neutron_tempest_plugin\.api)\."
WORKERS = 2


def configuration(directory: Path, keystone: Keystone, extensions: list[str]) -> str:
    """Of Tempest.  Projects are made for each class of tests; there are no routers to connect them with."""
    return f"""
[DEFAULT]
log_dir = {directory}
log_file = tempest.log
[auth]
use_dynamic_credentials = true
create_isolated_networks = false
admin_username = {keystone.admin.name}
admin_password = {keystone.admin.password}
admin_project_name = {keystone.admin.project}
admin_domain_name = Default
[identity]
uri_v3 = {keystone.url}
region = here
v3_endpoint_type = public
auth_version = v3
[identity-feature-enabled]
api_v2 = false
[service_available]
neutron = true
nova = false
glance = false
cinder = false
swift = false
[network]
endpoint_type = public
[network-feature-enabled]
api_extensions = {",".join(extensions)}
port_security = true
[neutron_plugin_options]
available_type_drivers = geneve,vxlan
agent_availability_zone = nova
[oslo_concurrency]
lock_path = {directory}
"""


def main() -> int:
    directory = Path(sys.argv[1]).absolute()
    homes = {name: directory / name for name in ("keystone", "tenet", "tempest")}
    for home in homes.values():
        home.mkdir(parents=True)
    keystone = Keystone(homes["keystone"])
    tenet = Tenet(homes["tenet"], keystone)
    tenet.config.write_text(tenet.config.read_text().replace("[quotas]\nport = 3\n", ""))
    keystone.start()
    try:
        tenet.start()
        token = keystone.token(keystone.admin)
        service = keystone.make("services", {"type": "network", "name": "tenet"}, token)
        endpoint = {"service_id": service, "interface": "public", "url": tenet.url, "region_id": "here"}
        keystone.make("endpoints", endpoint, token)
        shown = tenet.call("GET", "/v2.0/extensions", token=token).json["extensions"]
        return _run(homes["tempest"], configuration(homes["tempest"], keystone, [each["alias"] for each in shown]))
    finally:
        tenet.stop()
        keystone.stop()


def _run(home: Path, text: str) -> int:
    environment = {**os.environ, "PATH": f"{VENV}:{os.environ['PATH']}", "HOME": str(home)}
    subprocess.run([VENV / "tempest", "init", home / "work"], check=True, env=environment, timeout=120)
    (home / "work" / "etc" / "tempest.conf").write_text(text)
    chosen = sys.argv[2:] or ["--regex", TESTS]
    run = [VENV / "tempest", "run", "--concurrency", str(WORKERS), "--exclude-list", HERE / "excluded.txt", *chosen]
    return subprocess.run(run, cwd=home / "work", env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
