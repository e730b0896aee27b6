"""Packet-in dispatch: the flow that handed a frame over names its service, by userdata; its cookie leads there.

A service either takes frames in (learning, discovery), or answers: then it is a pure function of the frame and the
model (`Answering`).  Nothing is concluded from what a frame says about its sender: the logical port is what the
switch's registers say.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily

from apps.pipeline import IN_KEY
from controller.flow import Action
from controller.model.model import Model
from controller.model.reader import Reader
from controller.model.rows import Switch
from controller.openflow.session import PacketIn, Session
from controller.runtime.logpace import LogPace, times

log = logging.getLogger("tenet.switch")

Service = Callable[[Session, PacketIn], None]  # never waits


class PuntedFrame(NamedTuple):
    """`port_key`: the logical port that it came in by, 0 for none of this switch's (from the fabric); `data`: its
    first bytes, as many as the flow says.  `registers`: those of the pipeline, and its metadata, by name.
    """

    port_key: int
    in_port: int
    data: bytes
    registers: Mapping[str, int]


class FrameOut(NamedTuple):
    """A frame to send: `actions` are done on `data` as if it had come in by OpenFlow port `in_port`."""

    in_port: int
    actions: tuple[Action, ...]
    data: bytes

    @property
    def packet(self) -> tuple[int, bytes, bytes]:
        """As `Session.packet_outs` takes it."""
        return self.in_port, packed(self.actions), self.data


@lru_cache(1024)
def packed(actions: tuple[Action, ...]) -> bytes:
    """Actions as a packet-out carries them."""
    return b"".join([action.wire for action in actions])


Answer = Callable[[PuntedFrame, Reader], Iterable[FrameOut]]


class PacketIns:
    """Dispatch of packet-ins to `services` by name.  A service that raises is logged and counted, and goes on."""

    def __init__(self, services: Mapping[str, Service]) -> None:
        self._services = dict(services)
        self._taken: Counter[tuple[str, str]] = Counter()  # (service, outcome) -> frames
        self._pace = LogPace()

    def take(self, service: str, session: Session, packet: PacketIn) -> None:
        """Hand a frame to the service that its flow names; frames of flows that are gone are dropped."""
        handle = self._services.get(service)
        if handle is None:
            self._taken["", "unknown"] += 1
            return
        try:
            handle(session, packet)
            self._taken[service, "taken"] += 1
        except Exception:
            self._taken[service, "failed"] += 1
            if count := self._pace.due(service):
                log.exception("service %s failed on a frame of switch %016x%s", service, session.dpid, times(count))

    def metrics(self) -> Iterable[CounterMetricFamily]:
        frames = CounterMetricFamily(
            "tenet_packet_ins",
            "Frames that switches handed over, by service and outcome.",
            labels=["service", "outcome"],
        )
        for (service, outcome), count in sorted(self._taken.items()):
            frames.add_metric([service, outcome], count)
        yield frames


class Answering:
    """A service whose answers are a pure function of the frame and the model."""

    def __init__(self, model: Model, answer: Answer) -> None:
        self._model = model
        self._answer = answer

    def __call__(self, session: Session, packet: PacketIn) -> None:
        switches = self._model.find(Switch, "dpid", session.dpid)
        if not switches:
            return
        frame = PuntedFrame(IN_KEY.of(packet.registers), packet.in_port, packet.data, packet.registers)
        frames = [out.packet for out in self._answer(frame, Reader(self._model, switches[0].id))]
        if frames:
            session.packet_outs(frames)
