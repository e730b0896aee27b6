"""Discovery's state of one connected switch."""

from __future__ import annotations

from controller.openflow.session import Session

FIRST = (0.05, 0.1, 0.2, 0.4)  # pauses after a switch has connected or a port has come up


class Station:
    """Discovery's state of a connected switch."""

    __slots__ = ("pauses", "ports", "rested_at", "review_at", "reviewing", "session", "switch_id")

    def __init__(self, switch_id: str, session: Session) -> None:
        self.switch_id = switch_id
        self.session = session
        self.ports: dict[int, bytes] = {}  # those that are probed: number -> MAC address
        self.pauses = list(FIRST)
        self.review_at = 0.0  # when its ports are looked at next, by the clock of `Links`
        self.rested_at = 0.0  # before which rows that changed are no reason to
        self.reviewing = False  # ports have changed, and are about to be looked at
