"""A tenant that creates, changes and deletes at random, and remembers what it was told."""

from __future__ import annotations

import http.client
import random
import threading
from collections import Counter
from typing import Any

from tests.lab import Reply
from tests.soak.stage import Stage

VIFS = 12  # a tenant
_MOST = {"network": 4, "subnet": 6, "port": 30}
_USUAL = {200, 201, 204, 404, 409, 503}  # 503: the store is not to be had


def vifs(project: str) -> list[str]:
    """The names of the interfaces that a project's ports may be plugged in at."""
    return [f"{project}-{number}" for number in range(VIFS)]


class Tenant:
    """`there`: what it was told that it has, by kind and id; `gone`: ids of what it was told to be deleted.

    What was asked for when an answer did not come is in neither.  `faults`: answers that should never come.
    """

    def __init__(self, stage: Stage, project: str, seed: int) -> None:
        self.project = project
        self.there: dict[str, dict[str, Any]] = {kind: {} for kind in _MOST}
        self.gone: set[str] = set()
        self.faults: list[str] = []
        self.answers: Counter[int] = Counter()
        self._stage = stage
        self._random = random.Random(f"{project} {seed}")

    def work(self, until: threading.Event) -> None:
        acts = [self._network, self._subnet, *[self._port] * 6, *[self._change] * 4, *[self._delete] * 3, self._bulk]
        while not until.is_set():
            self._random.choice(acts)()

    # --- what it does ---

    def _network(self) -> None:
        if len(self.there["network"]) < _MOST["network"]:
            self._create("network", {"name": "soak"})

    def _subnet(self) -> None:
        network = self._any("network")
        if network and len(self.there["subnet"]) < _MOST["subnet"]:
            version = self._random.choice((4, 4, 6))
            number = self._random.randrange(4)
            cidr = f"10.{number}.0.0/24" if version == 4 else f"2001:db8:{number}::/64"
            self._create("subnet", {"network_id": network, "cidr": cidr, "ip_version": version})

    def _port(self) -> None:
        network = self._any("network")
        if network and len(self.there["port"]) < _MOST["port"]:
            self._create("port", self._new_port(network))

    def _bulk(self) -> None:
        network = self._any("network")
        if network is None or len(self.there["port"]) + 3 > _MOST["port"]:
            return
        ports = [self._new_port(network, vif) for vif in self._random.sample(vifs(self.project), 3)]
        reply = self._ask("POST", "/v2.0/ports", {"ports": ports})
        if reply is not None and reply.status == 201:
            self.there["port"].update({one["id"]: one for one in reply.json["ports"]})

    def _new_port(self, network: str, vif: str = "") -> dict[str, object]:
        vif = vif or self._random.choice(vifs(self.project))
        secure = self._random.random() < 0.8
        return {
            "project_id": self.project,
            "network_id": network,
            "binding:profile": {"interface": vif},
            "port_security_enabled": secure,
        }

    def _change(self) -> None:
        kind = self._random.choice(("port", "port", "port", "network"))
        id = self._any(kind)
        if id is None:
            return
        said: dict[str, object] = {"admin_state_up": self._random.random() < 0.7}
        if kind == "port" and self._random.random() < 0.4:
            pair = {"ip_address": f"10.9.0.{self._random.randrange(1, 9)}"}
            choices: tuple[dict[str, object], ...] = (
                {"allowed_address_pairs": [pair], "port_security_enabled": True},
                {"allowed_address_pairs": []},
                {"binding:profile": {"interface": self._random.choice(vifs(self.project))}},
                {"name": "changed"},
            )
            said = self._random.choice(choices)
        self._ask("PUT", f"/v2.0/{kind}s/{id}", {kind: said}, refused={400})

    def _delete(self) -> None:
        kind = self._random.choice(("port",) * 8 + ("subnet", "network"))
        id = self._any(kind)
        if id is None:
            return
        body = self.there[kind].pop(id)
        reply = self._ask("DELETE", f"/v2.0/{kind}s/{id}")
        if kind == "network" and (reply is None or reply.status == 204):
            subnets = self.there["subnet"]  # they go with it
            for subnet in [each for each, made in subnets.items() if made["network_id"] == id]:
                del subnets[subnet]
        if reply is not None and reply.status == 204:
            self.gone.add(id)
        elif reply is not None and reply.status != 503:
            self.there[kind][id] = body  # in use

    # --- how it asks ---

    def _any(self, kind: str) -> str | None:
        return self._random.choice(list(self.there[kind])) if self.there[kind] else None

    def _create(self, kind: str, body: dict[str, object]) -> None:
        reply = self._ask("POST", f"/v2.0/{kind}s", {kind: {"project_id": self.project, **body}}, refused={400})
        if reply is not None and reply.status == 201:
            made = reply.json[kind]
            self.there[kind][made["id"]] = made

    def _ask(self, method: str, path: str, body: object = None, refused: frozenset[int] | set[int] = frozenset()) -> (
        Reply | None
    ):  # fmt: skip
        """The answer, or None when none came: then it may have been done or not."""
        wait = {"Prefer": "wait=2"} if self._random.random() < 0.2 else {}
        try:
            reply = self._stage.api(method, path, body, wait, timeout=20.0)
        except (OSError, http.client.HTTPException):
            return None
        self.answers[reply.status] += 1
        if reply.status not in _USUAL and reply.status not in refused:
            self.faults.append(f"{method} {path} {body}: {reply.status} {reply.body[:300]!r}")
        return reply
