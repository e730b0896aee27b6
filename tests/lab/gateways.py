"""Gateways of routers as the controller tells of them."""

from __future__ import annotations

from typing import Any

from tests.lab.cloud import Body
from tests.lab.controller import Controller


class GatewayCalls:
    """REST calls to `controller`; one that is not answered as it should be fails the test."""

    controller: Controller

    def ask(self, method: str, path: str, body: object = None, status: int = 200) -> Any:
        reply = self.controller.api(method, path, body)
        assert reply.status == status, (reply.status, reply.body)
        return reply.json

    def gateways(self) -> dict[str, Body]:
        return {one["switch"]: one for one in self.ask("GET", "/tenet/v1/gateways")["gateways"]}

    def active(self) -> str:
        return next((name for name, one in self.gateways().items() if one["routers_active"]), "")
