"""Wires between switches."""

from __future__ import annotations

from .base import Row, row


@row("link", index=("switch_id", "far_switch_id", "place"))
class Link(Row, frozen=True, kw_only=True):
    """One end of a wire: at its port `ofport` the switch hears port `far_ofport` of another.

    Written by the member that masters `switch_id`.  A wire counts when both ends are `up` and name each other.
    `cost` is at least 1; `state` is `up`, `down` or `damped` (it flaps).
    """

    switch_id: str
    ofport: int
    far_switch_id: str
    far_ofport: int
    cost: int = 1
    state: str = "up"

    @property
    def row_id(self) -> str:
        return f"{self.switch_id}/{self.ofport}"

    @property
    def place(self) -> tuple[str, int]:
        return self.switch_id, self.ofport
