"""Dispatch of frames for services of networks: by the register that says which service is meant.

Answers are pure functions of the frame and the model.  Who asks is the port behind the logical port that the frame came
in by; nothing is concluded from what the frame says of its sender.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from prometheus_client.core import CounterMetricFamily

from apps.pipeline import IN_KEY, OUT_KEY, PERMITTED, SERVICE
from controller.flow import OWN_PORT, Action, resubmit
from controller.flow.fields import KEYS
from controller.model.model import Model
from controller.model.reader import Reader
from controller.model.rows import Interface, Port, Switch
from controller.openflow.session import PacketIn, Session
from controller.runtime import hub
from controller.runtime.logpace import LogPace, times
from controller.switches.packet_in import Answer, FrameOut, PuntedFrame

log = logging.getLogger("tenet.services")


class Ignored(Exception):
    """A frame that a service does not answer.  `reason`: one of a few words, under which it is counted."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Later(Exception):
    """An answer that waits for others.  `run` waits and returns the frames; raises Ignored where there is none."""

    def __init__(self, run: Callable[[], Iterable[FrameOut]]) -> None:
        super().__init__("later")
        self.run = run


class NetworkServices:
    """The services of networks.  `answers`: by the number in SERVICE, the service's name and its answer.

    A service that raises is logged and counted, and goes on.
    """

    def __init__(self, model: Model, answers: Mapping[int, tuple[str, Answer]]) -> None:
        self._model = model
        self._answers = dict(answers)
        self._outcomes: Counter[tuple[str, str]] = Counter()  # (service, outcome) -> frames
        self._pace = LogPace()

    def packet_in(self, session: Session, packet: PacketIn) -> None:
        """Answer a frame; never waits."""
        found = self._answers.get(SERVICE.of(packet.registers))
        switches = self._model.find(Switch, "dpid", session.dpid)
        if found is None or not switches:
            self._outcomes["", "unknown"] += 1
            return
        name, answer = found
        frame = PuntedFrame(IN_KEY.of(packet.registers), packet.in_port, packet.data, packet.registers)
        see = Reader(self._model, switches[0].id)
        try:
            self._send(session, name, lambda: answer(frame, see))
        except Later as answered:
            hub.spawn(self._send, session, name, answered.run)

    def _send(self, session: Session, name: str, answer: Callable[[], Iterable[FrameOut]]) -> None:
        try:
            outs = [out.packet for out in answer()]
        except Later:
            raise
        except Ignored as why:
            self._outcomes[name, why.reason] += 1
            return
        except Exception:
            self._outcomes[name, "failed"] += 1
            if count := self._pace.due(name):
                log.exception("service %s failed on a frame of switch %016x%s", name, session.dpid, times(count))
            return
        self._outcomes[name, "answered" if outs else "ignored"] += 1
        if outs:
            session.packet_outs(outs)

    def metrics(self) -> Iterable[CounterMetricFamily]:
        frames = CounterMetricFamily(
            "tenet_service_frames",
            "Frames for services of networks, by service and outcome.",
            labels=["service", "outcome"],
        )
        for (service, outcome), count in sorted(self._outcomes.items()):
            frames.add_metric([service, outcome], count)
        yield frames


def asker(frame: PuntedFrame, see: Reader) -> Port | None:
    """The port that a frame came from; None where its logical port is no port's any more."""
    for interface in see.find(Interface, "logical_port", (see.switch_id, frame.port_key)):
        for port in see.find(Port, "vif", interface.vif):
            at = see.binding(port)
            if at is not None and at.row_id == interface.row_id:
                return port
    return None


def to_asker(frame: PuntedFrame, data: bytes) -> FrameOut:
    """A frame for the port that asked, past its filter: the network itself answers."""
    return FrameOut(OWN_PORT, _to_port(frame.port_key), data)


@lru_cache(KEYS)
def _to_port(key: int) -> tuple[Action, ...]:
    return OUT_KEY.put(key), resubmit(PERMITTED.number)
