"""VIFs that interfaces of several switches claim: who has each, when another gets it, and what operators see of it.

A VIF stays where it is while its switch is there.  It moves when the interface goes and when a binding says so, which
follows from the rows at once; and, here, when its switch has been away for so long that nobody waits for it
(`Levels.is_away`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec import structs

from controller.model.model import Dependency
from controller.model.rows import Interface, Port
from controller.runtime import hub
from controller.runtime.errors import Refused, Unavailable
from controller.store.replica import Replica
from controller.store.store import Store
from controller.store.transaction import Transaction, transact

log = logging.getLogger("tenet.observe")

LOOK = 1.0  # seconds between looks at contested VIFs
TURN = 0.005  # seconds of work before other green threads get a turn


class Claim(NamedTuple):
    """A VIF that interfaces of several switches claim.  `holder`: the switch that has it, "": none."""

    port_id: str
    vif: str
    holder: str
    claimants: tuple[str, ...]


class Vifs:
    """Contested VIFs.  `is_away`: a switch has been away for long.  `speaks`: this process acts for the switch."""

    def __init__(
        self, store: Store, replica: Replica, is_away: Callable[[str], bool], speaks: Callable[[str], bool]
    ) -> None:
        self.moves = 0  # VIFs that changed switches while both claimed them
        self._store = store
        self._replica = replica
        self._is_away = is_away
        self._speaks = speaks
        self._changed_vifs: set[str] = set()
        self._contested: dict[str, Claim] = {}  # by port
        self._news = hub.Signal()
        replica.listen(self._changed)

    def start(self) -> None:
        self._changed_vifs.update(row.vif for row in self._replica.model.rows(Interface).values())
        self._news.set()
        hub.keep(self._watch)

    def contested(self) -> list[dict[str, Any]]:
        """Contested VIFs by port, for operators."""
        return [
            {"port": each.port_id, "vif": each.vif, "switch": each.holder or None, "claimed_by": list(each.claimants)}
            for _, each in sorted(self._contested.items())
        ]

    @property
    def count(self) -> int:
        """Number of contested VIFs."""
        return len(self._contested)

    def _changed(self, touched: set[Dependency]) -> None:
        for dependency in touched:
            if dependency[0] is Interface and dependency[1] == "vif" and len(dependency) == 3:
                self._changed_vifs.add(str(dependency[2]))
            elif dependency[0] == "binding":
                port = self._replica.model.get(Port, str(dependency[1]))
                if port is not None:
                    self._changed_vifs.add(port.vif)
                else:
                    self._contested.pop(str(dependency[1]), None)
        if self._changed_vifs:
            self._news.set()

    def _watch(self) -> None:
        while True:
            self._news.wait(LOOK if self._contested else None)
            self._news.clear()
            changed, self._changed_vifs = self._changed_vifs, set()
            for vif in hub.taking_turns(changed, TURN):
                for port in self._replica.model.find(Port, "vif", vif):
                    self._examine(port)
            for claim in list(self._contested.values()):
                self._release(claim)

    def _examine(self, port: Port) -> None:
        """Update a port's claims and log changes."""
        model = self._replica.model
        switches = {interface.switch_id for interface in model.find(Interface, "vif", port.vif)}
        at = model.placement.bindings.get(port.id)
        holder = at.switch_id if at is not None else ""
        before = self._contested.pop(port.id, None)
        if before is not None and before.holder and holder and before.holder != holder:
            self.moves += 1
            log.warning("port %s: its VIF %s went from switch %s to %s", port.id, port.vif, before.holder, holder)
        if len(switches) < 2:
            return
        claim = Claim(port.id, port.vif, holder, tuple(sorted(switches - {holder})))
        self._contested[port.id] = claim
        if before is None or before.claimants != claim.claimants:
            log.warning("port %s: its VIF %s is on switch %s, and on %s as well, which does not get it",
                        port.id, port.vif, holder or "none", ", ".join(claim.claimants))  # fmt: skip

    def _release(self, claim: Claim) -> None:
        """Give a VIF to the next claimant when its holder has been away for long."""
        present = [each for each in claim.claimants if not self._is_away(each)]
        if not claim.holder or not present or not self._is_away(claim.holder) or not self._speaks(present[0]):
            return
        try:
            transact(self._store, self._replica, lambda tx: hand_over(tx, claim, present[0]))
        except (Refused, Unavailable) as error:
            log.warning("port %s: its VIF cannot move: %s", claim.port_id, error)


def hand_over(tx: Transaction, claim: Claim, switch_id: str) -> None:
    """Give a VIF to another switch, if `holder` still holds it."""
    at = tx.model.placement.bindings.get(claim.port_id)
    candidates = tx.find(Interface, "vif", claim.vif)
    if at is None or at.switch_id != claim.holder:
        return
    for interface in candidates:
        if interface.switch_id == switch_id:
            tx.put(structs.replace(interface, since=tx.model.revision + 1))
            return
