"""DNS service of networks: questions of ports, over UDP by packet-in and over TCP by a service host.

Own names are answered at once; other questions wait for upstream resolvers, each in a green thread, so many of them at
a time and of one port.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NoReturn

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from apps.packets import udp
from apps.packets.udp import Datagram
from apps.services.address import MAC
from controller.config.services import ServiceSettings
from controller.model.model import Model
from controller.model.reader import Reader
from controller.model.rows import Port
from controller.switches.packet_in import FrameOut, PuntedFrame

from .dispatch import Ignored, Later, asker, to_asker
from .dns import Forward, Unanswerable, resolve
from .own_answers import Resolver
from .places import Places
from .upstream import Upstream, failed, passed_on

OPEN, OF_PROJECT, OF_PORT = 1024, 256, 16  # questions that wait for upstream resolvers: in all, of a project, of a port
_MAC = bytes.fromhex(MAC.replace(":", ""))


class NameService:
    """`answer`: of a packet-in.  `over_tcp`: of a message that a service host passes on."""

    def __init__(self, model: Model, settings: ServiceSettings) -> None:
        self._model = model
        self._resolver = Resolver(settings.naming, recursive=bool(settings.dns_servers))
        self._upstream = Upstream(settings.dns_servers, self._count)
        self._attempts: Counter[str] = Counter()
        self._waiting = Places(OPEN, OF_PROJECT, OF_PORT)

    def answer(self, frame: PuntedFrame, see: Reader) -> Iterator[FrameOut]:
        """Raises Ignored, and Later where others know the answer."""
        asked = udp.read(frame.data)
        if asked is None:
            raise Ignored("malformed")
        port = asker(frame, see)
        if port is None:
            raise Ignored("stranger")
        try:
            found = resolve(asked.payload, port, self._model, self._resolver)
        except Unanswerable:
            raise Ignored("malformed") from None
        if isinstance(found, Forward):
            self._later(frame, see, asked, port, found)
        return iter((to_asker(frame, _reply(asked, found)),))

    def over_tcp(self, port: Port, wire: bytes) -> bytes:
        """The answer to a message, without the length that TCP puts before it; waits.  Raises Unanswerable."""
        found = resolve(wire, port, self._model, self._resolver, tcp=True)
        if not isinstance(found, Forward):
            return found
        return self._forwarded(port, wire, found, whole=True) if self._waiting.take(port) else failed(wire, found.wire)

    def resolved(self, port: Port, wire: bytes) -> bytes | None:
        """As `over_tcp`; None for what is no message that could be answered."""
        try:
            return self.over_tcp(port, wire)
        except Unanswerable:
            return None

    def metrics(self) -> Iterable[CounterMetricFamily | GaugeMetricFamily]:
        attempts = CounterMetricFamily(
            "tenet_dns_upstream", "Attempts to ask upstream resolvers, and messages from them, by outcome.",
            labels=["outcome"],
        )  # fmt: skip
        for outcome, count in sorted(self._attempts.items()):
            attempts.add_metric([outcome], count)
        yield attempts
        waiting = self._waiting.taken
        yield GaugeMetricFamily("tenet_dns_waiting", "Questions that wait for upstream resolvers.", value=waiting)

    def _later(self, frame: PuntedFrame, see: Reader, asked: Datagram, port: Port, question: Forward) -> NoReturn:
        if not self._waiting.take(port):
            raise Ignored("busy")

        def run() -> Iterator[FrameOut]:
            found = self._forwarded(port, asked.payload, question)
            now = asker(frame, see)
            if now is None or now.id != port.id:  # the key may be another port's by now
                raise Ignored("gone")
            yield to_asker(frame, _reply(asked, found))

        raise Later(run)

    def _forwarded(self, port: Port, wire: bytes, question: Forward, *, whole: bool = False) -> bytes:
        """What upstream resolvers say; gives the place back."""
        try:
            found = self._upstream.ask(question.wire, whole=whole)
        finally:
            self._waiting.give_back(port)
        return failed(wire, question.wire) if found is None else passed_on(wire, found, question.limit)

    def _count(self, outcome: str) -> None:
        self._attempts[outcome] += 1


def _reply(asked: Datagram, payload: bytes) -> bytes:
    """The frame of an answer, from the address that was asked."""
    return udp.write(
        Datagram(_MAC, asked.eth_src, asked.target, asked.source, asked.target_port, asked.source_port, payload)
    )
