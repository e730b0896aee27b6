"""The description of the API against a running Tenet: Schemathesis makes requests from it, right ones and wrong ones.

No answer is a 5xx, and every answer (status, type, body) is one that the description has.  What it makes is the same
in every run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from northbound.identity import tokens

from .live import Live, running
from .samples import SAMPLES, connect, creatable, outside, path

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
include-path-regex = "^/v2.0/(log/)?[a-z_-]+(/[{](id|project)[}])?(/bindings.*|/(add|update|remove)_.*)?$"
checks.positive_data_acceptance.enabled = false

[[operations]]
include-path-regex = "^/tenet/v1/trace$"
checks.positive_data_acceptance.enabled = false
"""


ON_NETWORK = [each.name for each in creatable() if each.on is not None and each.on.to == "network"]


def _made(live: Live, token: str) -> dict[str, str]:
    """One object of every resource, by its name: requests are about these where an id is asked for."""

    def ask(method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        (root,) = body
        owned = method == "POST" and isinstance(body[root], dict)
        status, said = live.call(
            method, f"/v2.0/{path}", {root: body[root] | {"project_id": "red"}} if owned else body, token
        )
        assert status < 300, said
        return dict(said)

    found = {name: str(row["id"]) for name, row in outside(ask).items()}
    for resource in creatable():
        red = {"project_id": "red"} if resource.name in ("network", *ON_NETWORK) else {}
        request = SAMPLES[resource.name](found.__getitem__, 1) | red
        status, said = live.call("POST", path(resource, found.__getitem__), {resource.name: request}, token)
        assert status == 201, said
        found[resource.name] = said[resource.name]["id"]
        found |= {name: str(row["id"]) for name, row in connect(ask, found.__getitem__, resource.name).items()}
    return found


def _about(made: dict[str, str]) -> str:
    """Sections of Schemathesis' configuration: everything but DELETE is about what there is."""
    found = ""
    for resource in creatable():
        where = re.sub(r"[{}]", lambda brace: f"[{brace[0]}]", f"{resource.path}/{{id")
        named = {"id": made[resource.name]} | (
            {f"{each.name}_id": made[each.name]} if (each := resource.parent) else {}
        )
        parameters = ", ".join(f'{name} = "{row_id}"' for name, row_id in named.items())
        found += (
            f'[[operations]]\ninclude-path-regex = "^/v2.0/{where}"\nexclude-method = ["DELETE"]\n'
            f"parameters = {{ {parameters} }}\n"
        )
    network, port = made["network"], made["port"]
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
