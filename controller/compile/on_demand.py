"""The flows of switches that another member masters, or that are not connected: computed when somebody asks."""

from __future__ import annotations

import time

from controller.compile.compiler import Apps, Compiler
from controller.model.model import Dependency
from controller.runtime import hub
from controller.store.replica import Replica

KEPT = 60.0  # seconds after the last question that what was computed is kept
SLICE = 0.005  # seconds of computing after which other green threads get their turn


class Elsewhere:
    """Beside the reconciler's compiler, which is for the switches that this process masters."""

    def __init__(self, replica: Replica, apps: Apps) -> None:
        self._apps = apps
        self._model = replica.model
        self._compiler: Compiler | None = None
        self._asked = 0.0
        self._turn = hub.Semaphore(1)
        replica.listen(self._changed)

    def compiled(self, switch_id: str) -> Compiler:
        """One that has the switch as of now: to be read before anything waits."""
        with self._turn:
            self._asked = time.monotonic()
            compiler = self._compiler = self._compiler or Compiler(self._model, self._apps)
            compiler.include(switch_id)
            for _ in hub.taking_turns(compiler.work(), SLICE):
                pass
            compiler.settle()
            return compiler

    def _changed(self, touched: set[Dependency]) -> None:
        if self._compiler is not None and time.monotonic() - self._asked > KEPT and not self._turn.locked():
            self._compiler = None
        if self._compiler is not None:
            self._compiler.mark(touched)
