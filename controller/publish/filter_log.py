"""Log of what security groups decide: lines of the controller's log, and events for the projects that asked.

What is told is a bounded share: the switch's meters let through so many packets a second (apps/security/verdicts.py).
"""

from __future__ import annotations

import logging
from typing import Any

from controller.diagnose.drops import shown
from controller.diagnose.headers import Headers
from controller.diagnose.verdicts import judge, told
from controller.model.logged import logs_of
from controller.model.model import Model
from controller.model.rows import Port
from controller.publish.feed import Events, LoggedPacket

log = logging.getLogger("tenet.filter")


class FilterLog:
    """Writes a line for each request that covers a packet.  `Events`: where their projects hear of it."""

    def __init__(self, model: Model, events: Events) -> None:
        self._model = model
        self._events = events

    def dropped(self, port: Port, direction: str, headers: Headers, reason: str) -> None:
        self._tell("DROP", port, direction, headers, {"reason": reason})

    def accepted(self, port: Port, direction: str, headers: Headers) -> None:
        rule = judge(self._model, port, direction, headers).rule
        self._tell("ACCEPT", port, direction, headers, {"rule_id": rule.id if rule else None})

    def _tell(self, action: str, port: Port, direction: str, headers: Headers, why: dict[str, Any]) -> None:
        logs = logs_of(self._model, port, action)
        if not logs:
            return
        said: dict[str, Any] = {
            "action": action, "port_id": port.id, "project_id": port.project_id, "direction": direction, **why,
            "packet": shown(headers), "log_ids": [one.id for one in logs],
        }  # fmt: skip
        log.info(
            "%s %s of port %s: %s from %s to %s%s", action, direction, port.id, told(headers), headers.source,
            headers.target, f": {why['reason']}" if "reason" in why else "", extra={"fields": said},
        )  # fmt: skip
        self._events.logged(LoggedPacket(frozenset(one.project_id for one in logs), said))
