"""Where a soak takes place: hypervisors, and one controller or the members of a cluster."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from controller.model.model import Model
from tests.lab import Hypervisor, Lab, Reply

STALL = 16.0  # seconds, after which the controller has given a switch up
Disturbance = Callable[[random.Random], None]


class Stage(Protocol):
    fault: str  # what should be in no line of a log, as a regular expression

    @property
    def lab(self) -> Lab: ...

    @property
    def disturbances(self) -> Mapping[str, tuple[int, Disturbance]]:
        """What may happen, each with how often in comparison; to be called from the main thread."""
        ...

    def api(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> Reply:
        """One request; raises OSError or HTTPException when no answer came."""
        ...

    def settled(self, within: float) -> str:
        """Wait until every switch holds what it should; why it does not, or ""."""
        ...

    def stored(self) -> Model:
        """What is in the store, in a model of its own."""
        ...

    def repaired(self) -> float:
        """Flows that audits have found not right, ever."""
        ...

    def text(self) -> str:
        """All logs."""
        ...


def switches(lab: Lab) -> dict[str, tuple[int, Disturbance]]:
    """What may happen to hypervisors."""

    def kill(dice: random.Random) -> None:
        hypervisor = dice.choice(lab.hypervisors)
        hypervisor.kill_switch()
        time.sleep(dice.random())
        hypervisor.restart_switch()

    def stall(dice: random.Random) -> None:
        pause(dice.choice(lab.hypervisors))

    return {"switch": (4, kill), "database": (2, lambda dice: dice.choice(lab.hypervisors).restart_database()),
            "stall": (1, stall)}  # fmt: skip


def pause(hypervisor: Hypervisor) -> None:
    """An ovs-vswitchd stands still, for longer than its connection lasts."""
    assert hypervisor.switch is not None
    os.kill(hypervisor.switch.pid, signal.SIGSTOP)
    try:
        time.sleep(STALL)
    finally:
        os.kill(hypervisor.switch.pid, signal.SIGCONT)
