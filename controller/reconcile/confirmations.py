"""Confirmations of switches kept over a restart, so that ports do not return to BUILD.  For a single process only.

Which switches are up to date is stored a second after the last change, and when the process ends.  It is used only when
nothing at all was written after it: then every flow of such a switch is the one it confirmed (docs/decisions/0004).
"""

from __future__ import annotations

import logging

from controller.model.rows import Confirmed, Switch
from controller.reconcile.progress import Progress
from controller.runtime import hub
from controller.runtime.errors import Changed, Unavailable
from controller.store.codec import encode
from controller.store.replica import Replica
from controller.store.store import Store

log = logging.getLogger("tenet.reconcile")

RHYTHM = 1.0  # seconds between two writes
_ALL = "all"


class Confirmations:
    """Stored confirmations.  For the only process on its store, whose revisions grow by one with each commit."""

    def __init__(self, store: Store, replica: Replica, progress: Progress) -> None:
        self._store = store
        self._replica = replica
        self._progress = progress
        self._written = Confirmed(id=_ALL, after=-1)
        self._dirty = hub.Signal()
        self._thread: hub.GreenThread | None = None

    def start(self) -> None:
        """Read what was stored, then keep it up to date.  Call when the replica is loaded."""
        model = self._replica.model
        row = model.get(Confirmed, _ALL)
        if row is not None and row.after + 1 == model.revisions[row.key] == model.revision:
            self._written = row
            self._progress.believe(model.rows(Switch).keys() - set(row.but), model.content)
        self._replica.listen(lambda _: self._dirty.set())
        self._progress.listen(self._dirty.set)
        self._thread = hub.keep(self._follow)

    def finish(self) -> None:
        """Store the final state.  Call at the process's end, when nobody writes any more."""
        if self._thread is not None:
            hub.kill(self._thread)
            self._write()

    def _follow(self) -> None:
        while True:
            self._dirty.wait()
            hub.sleep(RHYTHM)
            self._dirty.clear()
            self._write()

    def _write(self) -> None:
        model = self._replica.model
        wrong = self._progress.unconfirmed(model.rows(Switch).keys(), model.content)
        now = Confirmed(id=_ALL, after=model.revision, but=tuple(sorted(wrong)))
        if now.but == self._written.but and self._written.after + 1 == model.revision:
            return
        try:
            self._store.commit({}, {now.key: encode(now)})
            self._written = now
        except (Unavailable, Changed) as error:
            log.warning("confirmations of switches are not stored: %s", error)
