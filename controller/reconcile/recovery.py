"""Recovery of a switch that began anew: flows that are there for a bounded time, and go by themselves.

A restart of ovs-vswitchd empties its flow tables and, in the userspace datapath, the connections that it tracked.
Which flows help is the pipeline's to say (apps/recover.py); when, is said here: as long as the oldest flow of the
switch is younger than `seconds`.  So whoever is master then finds the same, and without a controller they end as well.
"""

from __future__ import annotations

from typing import NamedTuple

from controller.flow import Flow
from controller.openflow.dump import Holdings

LEAST = 2  # seconds that are not worth it: they may just have gone


class Recovery(NamedTuple):
    """`flows` with a hard timeout, for `seconds` from when a switch began anew."""

    flows: tuple[Flow, ...] = ()
    seconds: int = 0

    def left(self, age: int, held: Holdings) -> int:
        """Seconds that a switch is still to have them, 0 where it has them; `age`: of its oldest flow, in seconds, 0
        where it has none.
        """
        missing = {flow.cookie for flow in self.flows} - held.wrong
        left = self.seconds - age
        return left if missing and left > LEAST else 0

    def without(self, held: Holdings) -> Holdings:
        """What a dump shows without them: with its timeout, such a flow is not what its cookie says."""
        passing = {flow.cookie for flow in self.flows}
        return Holdings(held.right, held.wrong - passing) if passing & held.wrong else held


NO_RECOVERY = Recovery()
