"""Room in the connection tables of switches: probes, and what came of them.

A switch whose table is full drops the first packets of new connections and says so to nobody.  So its master has it
track a connection of nobody's every few seconds; only where that is not remembered, the switch hands the probe back
(apps/tracker_probe.py).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable

from prometheus_client.core import GaugeMetricFamily

from apps import tracker_probe
from controller.model.model import Model
from controller.model.rows import Switch
from controller.openflow.session import PacketIn, Session
from controller.runtime.logpace import LogPace, times
from controller.switches.packet_in import FrameOut
from controller.switches.periodic import Job, Work

log = logging.getLogger("tenet.switch")

LATELY = 2 * tracker_probe.EVERY  # seconds after which a switch that handed no more probes back has room again

PROBING = Work(
    tracker_probe.SERVICE,
    lambda see: [Job(str(number), tracker_probe.EVERY * tracker_probe.PROBES) for number in tracker_probe.probes(see)],
    lambda subject, see: [FrameOut(*tracker_probe.probe(int(subject)))],
)


class TrackerRoom:
    """Which of the switches that this member masters have no room for new connections.  `clock`: monotonic."""

    def __init__(self, model: Model, clock: Callable[[], float] = time.monotonic) -> None:
        self._model = model
        self._clock = clock
        self._full: dict[str, float] = {}  # switch -> when it last said so
        self._pace = LogPace()

    def probe_returned(self, session: Session, _: PacketIn) -> None:
        """A service of packet-ins: the switch did not remember the connection of this probe."""
        for switch in self._model.find(Switch, "dpid", session.dpid):
            self._full[switch.id] = self._clock()
            if count := self._pace.due(switch.id):
                log.warning("switch %s: its connection table is full: new connections are refused%s",
                            switch.id, times(count))  # fmt: skip

    def is_full(self, switch_id: str) -> bool:
        return self._clock() - self._full.get(switch_id, float("-inf")) < LATELY

    def metrics(self) -> Iterable[GaugeMetricFamily]:
        full = [switch_id for switch_id in self._full if self.is_full(switch_id)]
        yield GaugeMetricFamily(
            "tenet_connection_tables_full", "Switches without room for new connections.", value=len(full)
        )
