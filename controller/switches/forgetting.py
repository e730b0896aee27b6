"""Adopted switches that are gone: forgotten after a while, unless something of a tenant or of a database is there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from controller.model.model import Model
from controller.model.rows import Bridge, Interface, Port, Switch
from controller.runtime import hub
from controller.runtime.errors import Refused, Unavailable
from controller.switches.admission import is_adopted

log = logging.getLogger("tenet.switch")

LOOK = 10.0  # seconds between looks
TURN = 0.005  # seconds of work before other green threads get a turn


class Forgetting:
    """Removal of switches that have been away for long.

    `after`: seconds without a connection, all of them seen by this process; 0: never.  `forget` removes a switch.
    `is_connected`: to any member.  `speaks`: whether this process acts for a switch.
    """

    def __init__(
        self,
        model: Model,
        after: float,
        forget: Callable[[str], None],
        is_connected: Callable[[str], bool],
        speaks: Callable[[str], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._after = after
        self._forget = forget
        self._is_connected = is_connected
        self._speaks = speaks
        self._clock = clock
        self._away: dict[str, float] = {}  # switch -> monotonic time since when it is away

    def start(self) -> None:
        if self._after:
            hub.keep(self._watch)

    def _watch(self) -> None:
        while True:
            hub.sleep(LOOK)
            self.look()

    def look(self) -> None:
        """Remove the switches that have been away for `after` seconds."""
        now = self._clock()
        gone = {
            switch.id
            for switch in hub.taking_turns(list(self._model.rows(Switch).values()), TURN)
            if is_adopted(switch) and not self._is_connected(switch.id)
        }
        self._away = {switch_id: self._away.get(switch_id, now) for switch_id in gone}
        for switch_id, since in list(self._away.items()):
            if now - since < self._after or not self._speaks(switch_id) or self._is_kept(switch_id):
                continue
            try:
                self._forget(switch_id)
                log.info("switch %s has been gone for %d s: forgotten", switch_id, now - since)
            except (Refused, Unavailable) as why:
                log.warning("switch %s cannot be forgotten: %s", switch_id, why)

    def _is_kept(self, switch_id: str) -> bool:
        """Whether a port is bound there, or a database reports it."""
        model = self._model
        interfaces = model.find(Interface, "switch_id", switch_id)
        return model.get(Bridge, switch_id) is not None or any(
            model.placement.bindings.get(port.id) == interface
            for interface in interfaces
            for port in model.find(Port, "vif", interface.vif)
        )
