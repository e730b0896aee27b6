"""What a pipeline asks of a connection tracker, and what it is told."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ..tracking import Nat
from .frame import Frame

NEW, EST, REL, RPL, INV, TRK, SNAT, DNAT = (1 << bit for bit in range(8))


class TrackRequest(NamedTuple):
    """`mark` and `label`: (value, mask) that the connection gets."""

    zone: int
    commit: bool = False
    force: bool = False
    nat: Nat | None = None
    mark: tuple[int, int] = (0, 0)
    label: tuple[int, int] = (0, 0)


class TrackVerdict(NamedTuple):
    """`tracked`: the fields ct_state to ct_tp_dst.  `translated`: what NAT made of the frame's addresses and ports.
    `tracker`: who is to be asked about the next packet.
    """

    tracked: Frame
    translated: Frame
    tracker: Tracker


class Tracker(Protocol):
    """Connections of one switch, known or assumed; a value: asking it changes nothing, the answer has the next one."""

    def track(self, frame: Frame, request: TrackRequest) -> TrackVerdict | None:
        """None: the packet is held, a later fragment of a datagram whose first is still missing."""
        ...
