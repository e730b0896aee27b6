"""Last drops of each port: what its filters dropped, as the switch told a bounded share of it.

Memory is bounded: a port has a ring, and of all rings together those that were quiet longest go first.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily

from controller.diagnose.headers import Headers, read

KEPT = 16  # kinds of packets that are remembered of a port
PORTS = 4096  # that are remembered


class DropKind(NamedTuple):
    """Drops that are told together: packets from the same address to the same port, with one reason."""

    direction: str
    why: str
    headers: Headers


@dataclass
class ToldDrop:
    """`count`: how often the switch told of it; it tells only as many as its meter lets through."""

    kind: DropKind
    first: float
    last: float
    count: int = 0


class LastDrops:
    """Rings of all ports, by port id.  `clock`: Unix time."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._rings: OrderedDict[str, OrderedDict[DropKind, ToldDrop]] = OrderedDict()
        self._told = 0

    def note(self, port_id: str, direction: str, why: str, frame: bytes) -> DropKind | None:
        """Take in one packet; None where it cannot be read."""
        headers = read(frame)
        if headers is None:
            return None
        self._told += 1
        ports = not headers.is_icmp and headers.second is not None
        kind = DropKind(direction, why, headers._replace(first=None) if ports else headers)
        ring = self._rings.setdefault(port_id, OrderedDict())
        self._rings.move_to_end(port_id)
        now = self._clock()
        drop = ring.setdefault(kind, ToldDrop(kind, now, now))
        drop.last, drop.count = now, drop.count + 1
        ring.move_to_end(kind)
        if len(ring) > KEPT:
            ring.popitem(last=False)
        if len(self._rings) > PORTS:
            self._rings.popitem(last=False)
        return kind

    def of(self, port_id: str) -> list[ToldDrop]:
        """The latest first."""
        return list(reversed(self._rings.get(port_id, OrderedDict()).values()))

    def metrics(self) -> Iterable[CounterMetricFamily]:
        yield CounterMetricFamily(
            "tenet_drops_told", "Packets that filters dropped and switches told of.", value=self._told
        )
