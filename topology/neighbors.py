"""Neighbor table: wires, each in one direction, from what discovery frames say and when.

A frame counts once and only while it is fresh: who sends it again, from wherever, makes no wire.  A wire is up at its
first frame, down when its port is or after SILENCE, and held down while it flaps.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from .damping import Damping
from .discovery import HeardProbe, ProbePort

SWEEP = 60.0  # seconds between two looks for stamps that count no more
SILENCE = 2.6  # seconds: two frames in a row are missed, and the third is late
FRESH = 3_000_000  # microseconds that a frame may be on its way, with what clocks of members differ by


class ProbeVerdict(enum.Enum):
    SAME = "known already"
    NEW = "a new wire"
    HELD = "it flaps and is held down"
    LOOP = "both ends are on one switch"
    REPLAYED = "heard before"
    STALE = "from another time"


class DirectedWire(NamedTuple):
    """One direction of a wire: frames that `far` sends arrive at `near`."""

    near: ProbePort
    far: ProbePort


class Fall(NamedTuple):
    """Fall of the wire into `near`, last from `far`.  `up`: it was up until now; `held`: it is held down (damped)."""

    near: ProbePort
    far: ProbePort
    up: bool
    held: bool


class Neighbors:
    """`now`: seconds of a monotonic clock; `stamp`: what a frame sent now would carry."""

    def __init__(self) -> None:
        self.far: dict[ProbePort, ProbePort] = {}  # near -> far, of wires that are up
        self.moved: list[Fall] = []  # wires whose far end moved; emptied by the caller
        self._near: dict[ProbePort, ProbePort] = {}
        self._lately: dict[ProbePort, ProbePort] = {}  # near -> far, of wires that fell
        self._last: dict[ProbePort, float] = {}
        self._stamps: dict[ProbePort, int] = {}
        self._damping: Damping[ProbePort] = Damping()
        self._swept = 0.0  # when stamps were looked through

    def heard(self, near: ProbePort, heard: HeardProbe, now: float, stamp: int) -> ProbeVerdict:
        """Take in a probe that arrived at `near`."""
        far = heard.port
        if heard.stamp <= self._stamps.get(far, 0):
            return ProbeVerdict.REPLAYED
        if not -FRESH < stamp - heard.stamp < FRESH:
            return ProbeVerdict.STALE
        self._stamps[far] = heard.stamp
        if self.far.get(near) == far:
            self._last[near] = now
            return ProbeVerdict.SAME
        if near.dpid == far.dpid:
            return ProbeVerdict.LOOP
        if self._damping.holds(near, now):
            return ProbeVerdict.HELD
        for other in {near, self._near.get(far, near)}:
            if other in self.far and (fall := self.fall(other, now)):  # a cable was moved
                self.moved.append(fall)
        if self._damping.holds(near, now):
            return ProbeVerdict.HELD
        self.adopt(DirectedWire(near, far), now)
        return ProbeVerdict.NEW

    def adopt(self, wire: DirectedWire, now: float) -> None:
        """Take a stored wire as up; it stays so for SILENCE."""
        self.far[wire.near] = wire.far
        self._near[wire.far] = wire.near
        self._last[wire.near] = now

    def fall(self, near: ProbePort, now: float) -> Fall | None:
        """Take down the wire into a port; None when none was up lately."""
        up = near in self.far
        far = self.far.pop(near, None) or self._lately.get(near)
        if far is None:
            return None
        self._lately[near] = far
        if up:
            del self._last[near]
            if self._near.get(far) == near:
                del self._near[far]
        return Fall(near, far, up, self._damping.fell(near, now))

    def lately(self, near: ProbePort) -> ProbePort | None:
        """Last wire into a port that fell."""
        return self._lately.get(near)

    def into(self, far: ProbePort) -> ProbePort | None:
        """Far ends where frames of a port arrive."""
        return self._near.get(far)

    def silent(self, now: float) -> list[ProbePort]:
        """Ports whose wire is up but silent for SILENCE."""
        return [near for near, last in self._last.items() if now - last > SILENCE]

    def is_held(self, near: ProbePort, now: float) -> bool:
        """Whether the wire into a port is held down (damped)."""
        return self._damping.holds(near, now)

    def forget_old(self, now: float, stamp: int) -> None:
        """Drop expired falls, and time stamps so old that frames with them are stale anyway."""
        if now - self._swept > SWEEP:
            self._swept = now
            self._stamps = {far: last for far, last in self._stamps.items() if stamp - last < 2 * FRESH}
        self._damping.forget_old(now)
        for near in [near for near in self._lately if not self._damping.counts(near)]:
            del self._lately[near]
