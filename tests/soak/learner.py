"""A tenant of v1.1: ports whose addresses are learned, with interfaces plugged in and out of them at random."""

from __future__ import annotations

import http.client
import random
import threading

from tests.lab import Reply
from tests.soak.stage import Stage
from tests.soak.tenant import vifs

_USUAL = {202, 204, 404, 409, 420, 421, 430, 431, 432, 440, 503}  # those of the 400s are the reference's own


class Learner:
    def __init__(self, stage: Stage, project: str, seed: int) -> None:
        self.project = project
        self.faults: list[str] = []
        self._stage = stage
        self._random = random.Random(f"{project} {seed}")
        self._network = ""
        self._ports: list[str] = []

    def work(self, until: threading.Event) -> None:
        acts = (self._port, self._port, self._plug, self._plug, self._plug, self._unplug, self._state, self._delete)
        while not until.is_set():
            if self._network:
                self._random.choice(acts)()
            else:
                reply = self._ask("POST", "networks", {"network": {"name": "soak"}})
                if reply is not None and reply.status == 202:
                    self._network = str(reply.json["network"]["id"])

    def _port(self) -> None:
        if len(self._ports) < 10:
            reply = self._ask("POST", f"networks/{self._network}/ports", {"port": {"state": "ACTIVE"}})
            if reply is not None and reply.status == 202:
                self._ports.append(str(reply.json["port"]["id"]))

    def _plug(self) -> None:
        vif = self._random.choice(vifs(self.project))
        self._at_port("PUT", "/attachment", {"attachment": {"id": vif}})

    def _unplug(self) -> None:
        self._at_port("DELETE", "/attachment")

    def _state(self) -> None:
        self._at_port("PUT", "", {"port": {"state": self._random.choice(("ACTIVE", "ACTIVE", "DOWN"))}})

    def _delete(self) -> None:
        port = self._at_port("DELETE", "")
        if port:
            self._ports.remove(port)

    def _at_port(self, method: str, what: str, body: object = None) -> str:
        """Ask something of a port; its id when that was done."""
        if not self._ports:
            return ""
        port = self._random.choice(self._ports)
        reply = self._ask(method, f"networks/{self._network}/ports/{port}{what}", body)
        if reply is not None and reply.status == 430:  # an answer that did not come was a yes
            self._ports.remove(port)
        return port if reply is not None and reply.status == 204 else ""

    def _ask(self, method: str, path: str, body: object = None) -> Reply | None:
        try:
            reply = self._stage.api(method, f"/v1.1/tenants/{self.project}/{path}", body, timeout=20.0)
        except (OSError, http.client.HTTPException):
            return None
        if reply.status not in _USUAL:
            self.faults.append(f"{method} {path} {body}: {reply.status} {reply.body[:300]!r}")
        return reply
