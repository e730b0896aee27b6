"""A system whose one network grows, level by level."""

from __future__ import annotations

from tests.bench.peers.system import System

LEVELS = (100, 1_000, 2_000)
OWN = 20  # interfaces that single ports take turns on


class Ground:
    """`ports`: what is there at this level.  `own`: interfaces beside theirs, without ports."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.network = system.network()
        self.own = system.plug(OWN)
        self.ports: list[str] = []

    def grow(self, level: int) -> None:
        self.ports += self.system.ports(self.network, self.system.plug(level - len(self.ports)))
