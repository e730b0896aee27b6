"""One controller on SQLite that is killed and started."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from controller.model.model import Model
from controller.store import snapshot
from controller.store.replica import applied
from tests.lab import Reply
from tests.lab.cloud import Cloud, cloud
from tests.soak.stage import Disturbance, switches

ENCAPS = (("vxlan",), ("vxlan", "geneve"), ("geneve", "vxlan"))  # of each hypervisor


class Single:
    fault = "Traceback|CRITICAL|ERROR"

    def __init__(self, made: Cloud) -> None:
        self.lab = made.lab
        self.disturbances: dict[str, tuple[int, Disturbance]] = {"controller": (4, self._kill), **switches(made.lab)}
        self._cloud = made
        self._controller = made.controller
        self._repaired = 0.0

    def api(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> Reply:
        return self._controller.api(method, path, body, headers, timeout)

    def settled(self, within: float) -> str:
        try:
            self._cloud.connected(within)
        except AssertionError as fault:
            return str(fault)
        return ""

    def stored(self) -> Model:
        model = Model()
        revision, rows = snapshot(f"sqlite:///{self._controller.directory}/tenet.db")
        model.apply([applied(row.revision, row.key, row.value) for row in rows])
        model.revision = revision
        return model

    def repaired(self) -> float:
        return self._repaired + self._controller.metric("tenet_flows_repaired_total")

    def text(self) -> str:
        return self._controller.text()

    def _kill(self, _: random.Random) -> None:
        self._repaired = self.repaired()
        self._controller.restart()


@contextmanager
def single(audit: int) -> Iterator[Single]:
    with cloud(ENCAPS, {"openflow": {"audit_interval": audit, "verify_interval": audit}}) as made:
        yield Single(made)
