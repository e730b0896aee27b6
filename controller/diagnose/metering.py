"""Counts of metering labels, summed over the switches that carry the routers which they are for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from apps.nat import metering
from controller.model.model import Model
from controller.model.reader import Reader
from controller.model.rows import MeteringLabel, Router, Switch
from controller.openflow.session import Session
from controller.runtime import hub
from controller.runtime.errors import Rejected, Unreachable
from controller.switches.board import Switchboard

SLICE = 0.005  # seconds of work before other green threads get a turn


@dataclass
class LabelTotal:
    """`complete`: all switches have said what they counted."""

    packets: dict[str, int]
    bytes: dict[str, int]
    complete: bool = True


class MeterReport:
    """What is counted for labels, by whichever member is asked: the counters are in the switches.

    They begin at 0 where a switch gets the flows: with the rule, or with its first port behind the router.
    """

    def __init__(self, model: Model, board: Switchboard) -> None:
        self._model = model
        self._board = board

    def of(self, label: MeteringLabel) -> dict[str, Any]:
        """Of one label, ready to be answered as JSON."""
        total = LabelTotal(dict.fromkeys(metering.DIRECTIONS, 0), dict.fromkeys(metering.DIRECTIONS, 0))
        for router in hub.taking_turns(self._routers(label), SLICE):
            self._add(router, label, total)
        counted = {one: {"packets": total.packets[one], "bytes": total.bytes[one]} for one in metering.DIRECTIONS}
        return {"metering_label_id": label.id, **counted, "complete": total.complete}

    def _routers(self, label: MeteringLabel) -> list[Router]:
        found = self._model.rows(Router).values() if label.shared else self._model.find(
            Router, "project_id", label.project_id)  # fmt: skip
        return sorted((router for router in found if router.gateways), key=lambda router: router.id)

    def _add(self, router: Router, label: MeteringLabel, total: LabelTotal) -> None:
        see = Reader(self._model)
        cookies = {one: {flow.cookie for flow in metering.counting(router, label, one, see)}
                   for one in metering.DIRECTIONS}  # fmt: skip
        if not any(cookies.values()):
            return
        for session in self._sessions(router):
            try:
                for direction, of in cookies.items():
                    for cookie in of:
                        packets, octets = session.counted(cookie) if session else (0, 0)
                        total.packets[direction] += packets
                        total.bytes[direction] += octets
            except (Rejected, Unreachable):
                total.complete = False
            total.complete &= session is not None

    def _sessions(self, router: Router) -> Iterator[Session | None]:
        """Of the switches that carry the router's flows; None for one that cannot be asked here."""
        for switch_id in list(self._model.placement.held.of(("router", router.id))):
            switch = self._model.get(Switch, switch_id)
            yield None if switch is None else self._board.sessions.get(switch.dpid)
