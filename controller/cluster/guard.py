"""Protection against an emptied store: no switch is programmed from it until an operator agrees.

There are two symptoms.  A running process sees the model lose half of its rows at once, or its own row disappear.  A
starting process finds switches that hold more than twice the flows that the model asks for.  (A pipeline of another
version asks for different flows, not for fewer.)

A restore in several commits is intended.  Nothing is written to switches while it is under way; afterwards they get
the whole difference at once.
"""

from __future__ import annotations

import logging

from controller.cluster.mastery import Shared
from controller.model.model import Dependency
from controller.model.rows import Member, Network, Port
from controller.runtime.errors import Withheld
from controller.store.replica import Replica
from controller.store.store import RESTORING

log = logging.getLogger("tenet.cluster")

MANY = 64  # rows or flows; losing half of fewer is ordinary
BEING_RESTORED = "the store is being restored"
SOME = 16  # flows that a switch may lose unquestioned while the model has no network


class Guard:
    """Checks of the model before it reaches switches.  `accept`: the operator vouches for it, nothing is withheld."""

    def __init__(self, replica: Replica, mastery: Shared, accept: bool) -> None:
        self.withheld: dict[str, str] = {}  # switch -> why its flows are not changed
        self.trips = 0
        self._model = replica.model
        self._mastery = mastery
        self._accept = accept
        self._before = 0  # networks and ports, at the last change
        self._full = 0  # networks and ports before the change that froze us
        replica.listen(self._changed)

    def check(self, switch_id: str, held: int, wanted: int) -> None:
        """Raise `Withheld` when programming the switch would delete more than half of its flows (held, wanted).

        Without any network what is wanted is the flows of every switch: some ninety, which say nothing of tenants'.
        """
        harmless = held < MANY or wanted * 2 >= held if self._model.rows(Network) else held - wanted <= SOME
        if self._accept or harmless:
            self.withheld.pop(switch_id, None)
            return
        why = f"it holds {held} of our flows, but the model asks for {wanted}"
        if switch_id not in self.withheld:
            self.trips += 1
            log.error("switch %s is not programmed: %s; restore the store, or run `tenet cluster accept-empty`",
                      switch_id, why)  # fmt: skip
        self.withheld[switch_id] = why
        raise Withheld(f"switch {switch_id}: {why}")

    def accept(self) -> None:
        """Operator's consent: program the switches from the model as it is.  For this member only."""
        self._accept = True
        self._before = self._count()
        self._mastery.frozen = BEING_RESTORED if self._restoring else ""
        self.withheld.clear()
        log.warning("an operator accepted the model: %d networks and ports", self._before)
        self._mastery.tell()

    def _count(self) -> int:
        return len(self._model.rows(Network)) + len(self._model.rows(Port))

    @property
    def _restoring(self) -> bool:
        return RESTORING in self._model.taken

    def _changed(self, touched: set[Dependency]) -> None:
        before, now = self._before, self._count()
        self._before = now
        if self._restoring or self._mastery.frozen == BEING_RESTORED:
            self._follow_restore(now)
        elif self._mastery.frozen:
            if now * 2 >= self._full and now:
                log.warning("the model is complete again: %d networks and ports; switches are programmed again", now)
                self._mastery.frozen = ""
                self._mastery.tell()
        elif not self._accept and (why := self._suspicious(before, now, touched)):
            self._full = before
            self.trips += 1
            self._mastery.frozen = why
            log.error("%s: no switch is programmed; restore the store, or run `tenet cluster accept-empty`", why)

    def _follow_restore(self, now: int) -> None:
        if self._restoring and self._mastery.frozen != BEING_RESTORED:
            self._mastery.frozen = BEING_RESTORED
            log.warning("%s: no switch is programmed until it is done", BEING_RESTORED)
            self._mastery.tell()
        elif not self._restoring:
            self._mastery.frozen = ""
            log.warning("the store is restored: %d networks and ports; switches are programmed again", now)
            self._mastery.tell()

    def _suspicious(self, before: int, now: int, touched: set[Dependency]) -> str:
        me = self._mastery.me
        if now * 2 < before and (Member, me) in touched and self._model.get(Member, me) is None:
            return f"the store was emptied: {now} of {before} networks and ports are left, this member's row is gone"
        if before - now >= MANY and now * 2 < before:
            return f"{before - now} of {before} networks and ports disappeared at once"
        return ""
