"""A store that lost its content must not empty the switches: whoever follows such a model waits for an operator.

Two sights betray it.  A process that runs sees the model shrink at once, or its own row go.  A process that starts
finds switches that hold far more flows than the model asks for.  (A pipeline of another version asks for other flows,
not for fewer.)

A restore that takes several commits is no accident: while it is under way nobody writes to a switch, and at its end all
that is other than before goes there at once.
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

MANY = 64  # rows or flows; half of few is lost easily
BEING_RESTORED = "the store is being restored"
SOME = 16  # flows that a switch of an empty model may hold without a question


class Guard:
    """`accept`: an operator has said beforehand that whatever the model says is meant."""

    def __init__(self, replica: Replica, mastery: Shared, accept: bool) -> None:
        self.withheld: dict[str, str] = {}  # switch -> why its flows are left as they are
        self.trips = 0
        self._model = replica.model
        self._mastery = mastery
        self._accept = accept
        self._before = 0  # networks and ports, at the last change
        self._full = 0  # and before the change that made us stop
        replica.listen(self._changed)

    def check(self, switch_id: str, held: int, wanted: int) -> None:
        """Raise `Withheld` when a switch that holds so many flows should not be left with so few."""
        many = MANY if self._model.rows(Network) else SOME
        if self._accept or held < many or wanted * 2 >= held:
            self.withheld.pop(switch_id, None)
            return
        why = f"it holds {held} flows of ours, and the model asks for {wanted}"
        if switch_id not in self.withheld:
            self.trips += 1
            log.error("switch %s is left as it is: %s; restore the store, or `tenet cluster accept-empty`",
                      switch_id, why)  # fmt: skip
        self.withheld[switch_id] = why
        raise Withheld(f"switch {switch_id}: {why}")

    def accept(self) -> None:
        """An operator says that the model is as it should be, now and at this member."""
        self._accept = True
        self._before = self._count()
        self._mastery.frozen = BEING_RESTORED if self._restoring else ""
        self.withheld.clear()
        log.warning("the model is accepted as it is: %d networks and ports", self._before)
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
                log.warning("the model is back: %d networks and ports; going on", now)
                self._mastery.frozen = ""
                self._mastery.tell()
        elif not self._accept and (why := self._suspicious(before, now, touched)):
            self._full = before
            self.trips += 1
            self._mastery.frozen = why
            log.error("%s: no switch is written to; restore the store, or `tenet cluster accept-empty`", why)

    def _follow_restore(self, now: int) -> None:
        if self._restoring and self._mastery.frozen != BEING_RESTORED:
            self._mastery.frozen = BEING_RESTORED
            log.warning("%s: no switch is written to until it is done", BEING_RESTORED)
            self._mastery.tell()
        elif not self._restoring:
            self._mastery.frozen = ""
            log.warning("the store is restored: %d networks and ports; going on", now)
            self._mastery.tell()

    def _suspicious(self, before: int, now: int, touched: set[Dependency]) -> str:
        me = self._mastery.me
        if now * 2 < before and (Member, me) in touched and self._model.get(Member, me) is None:
            return f"the store was emptied: of {before} networks and ports {now} are left, and our own row is gone"
        if before - now >= MANY and now * 2 < before:
            return f"of {before} networks and ports {before - now} are gone at once"
        return ""
