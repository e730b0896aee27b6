"""Links of gateways to their physical networks: which are down, and for how long they count so."""

from __future__ import annotations

import time
from collections.abc import Callable

from controller.model.model import Model
from controller.model.rows import Switch

STEADY = 10.0  # seconds for which a link is to be up before it counts again


def cut_off(model: Model) -> frozenset[tuple[str, str]]:
    """Switches with the physical networks to which they have no link now."""
    return frozenset((switch.id, name) for switch in model.rows(Switch).values() for name in switch.cut_off)


class OutsideLinks:
    """A link that goes down counts as down at once, one that comes and goes all the time."""

    def __init__(self, model: Model, clock: Callable[[], float] = time.monotonic) -> None:
        self._model = model
        self._clock = clock
        self._down: dict[tuple[str, str], float] = {}  # (switch, physical network) -> when it was last seen down

    def down(self) -> frozenset[tuple[str, str]]:
        """Switches with the physical networks to which they have no link."""
        now = self._clock()
        self._down.update(dict.fromkeys(cut_off(self._model), now))
        for each, seen in list(self._down.items()):
            if now - seen >= STEADY or each[0] not in self._model.rows(Switch):
                del self._down[each]
        return frozenset(self._down)
