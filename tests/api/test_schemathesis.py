"""The description of the API against a running Tenet: Schemathesis makes requests from it, right ones and wrong ones.

No answer is a 5xx, and every answer (status, type, body) is one that the description has.  What it makes is the same
in every run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from northbound.identity import tokens

from .live import Live, running

PHYSICAL = "[network]\nnetwork_vlan_ranges = physnet\nflat_networks = physnet\n"
# Streams without end have tests of their own.
NOT = ("--exclude-path", "/tenet/v1/events")
# What the words of JSON Schema cannot say (that two attributes go together, that an MTU is more than the hypervisors'
# network leaves, that a limit is less than what is in use) is refused with good reason; of all else, what is described
# as right must be taken.  v1.0 has codes of its own, 420 to 440.
RULES = """
[checks]
negative_data_rejection.expected-statuses = ["4xx"]
positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "412", "42x", "43x"]

[[operations]]
include-path-regex = "^/v2.0/[a-z-]+(/[{](id|project)[}])?(/bindings.*|/.*_prefixes)?$"
checks.positive_data_acceptance.enabled = false
"""


def _made(live: Live, token: str) -> dict[str, str]:
    """One object of every kind, by its path: requests are about these where an id is asked for."""
    found: dict[str, str] = {}

    def make(path: str, root: str, **wish: Any) -> str:
        status, said = live.call("POST", f"/v2.0/{path}", {root: wish}, token)
        assert status == 201, said
        found[path] = said[root]["id"]
        return found[path]

    network = make("networks", "network", project_id="red")
    make("subnets", "subnet", network_id=network, ip_version=4, cidr="10.0.0.0/24", project_id="red")
    make("ports", "port", network_id=network, project_id="red", **{"binding:host_id": "h"})
    make("subnetpools", "subnetpool", prefixes=["10.8.0.0/16"])
    make("address-scopes", "address_scope", name="s", ip_version=4)
    make("rbac-policies", "rbac_policy", object_type="network", object_id=network, action="access_as_shared",
         target_tenant="blue")  # fmt: skip
    return found


def _about(made: dict[str, str]) -> str:
    """Sections of Schemathesis' configuration: everything but DELETE is about what there is."""
    found = ""
    for path, row_id in made.items():
        found += (
            f'[[operations]]\ninclude-path-regex = "^/v2.0/{path}/[{{]id"\nexclude-method = ["DELETE"]\n'
            f'parameters = {{ id = "{row_id}" }}\n'
        )
    network, port = made["networks"], made["ports"]
    found += (
        '[[operations]]\ninclude-path-regex = "^/v1"\nexclude-method = ["DELETE"]\n'
        f'parameters = {{ tenant = "red", network = "{network}", port = "{port}" }}\n'
    )
    return found


def _tokens(directory: Path) -> dict[str, str]:
    """By role, of the file `tokens` in a directory."""
    made = {role: tokens.new(project, role, [role], 0) for role, project in (("admin", "ops"), ("member", "red"))}
    tokens.save(directory / "tokens", [entry for _, entry in made.values()])
    return {role: token for role, (token, _) in made.items()}


@pytest.mark.parametrize(
    ("role", "phase"),
    [("admin", ["coverage"]), ("member", ["coverage"]), ("admin", ["fuzzing", "--max-examples", "3"])],
    ids=["coverage-operator", "coverage-tenant", "fuzzing"],
)
def test_whatever_is_asked_is_answered_as_described(tmp_path: Path, role: str, phase: list[str]) -> None:
    known = _tokens(tmp_path)
    with running(tmp_path, f"{PHYSICAL}[auth]\nstrategy = tokens\ntokens = {tmp_path}/tokens\n") as live:
        rules = tmp_path / "rules.toml"
        rules.write_text(RULES + _about(_made(live, known["admin"])))
        schemathesis = Path(sys.executable).with_name("schemathesis")
        done = subprocess.run(
            [schemathesis, "--config-file", rules, "run", f"{live.url}/openapi.json", *NOT, "--phases", *phase,
             "--header", f"X-Auth-Token: {known[role]}", "--seed", "1", "--generation-database", "none", "--no-shrink",
             "--continue-on-failure", "--request-timeout", "30", "--suppress-health-check", "all", "--warnings", "off",
             "--no-color"],
            capture_output=True, text=True, cwd=tmp_path, timeout=600, check=False,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
        assert "ERROR" not in live.process.text()
