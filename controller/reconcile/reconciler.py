"""From the change feed to the switches: compile what changed, hand every connected switch its share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from controller.compile.compiler import Compiler
from controller.compile.flow_set import FlowChange
from controller.model.model import Dependency
from controller.model.rows import Switch
from controller.openflow.session import Session
from controller.runtime import hub
from controller.runtime.errors import Unreachable
from controller.store.replica import Replica

from .audits import AuditIntervals
from .programmer import Programmer
from .progress import Progress
from .recovery import NO_RECOVERY, Recovery
from .target import Steps, Target

log = logging.getLogger("tenet.reconcile")

SLICE = 0.005  # seconds of computing after which other green threads get their turn
TOGETHER = 64  # switches that are dumped and compared at a time
PATIENCE = 20.0  # seconds that a switch waits for its turn at it


Check = Callable[[str, int, int], None]  # (switch, flows held, flows wanted) raises `Withheld` to leave it as it is


def _unchecked(switch_id: str, held: int, wanted: int) -> None:
    """No condition: every switch is programmed as the model says."""


class Reconciler:
    """Driver of the compiler.  Rounds run in one green thread; each connected switch has a programmer in its session's
    own.
    """

    def __init__(
        self,
        replica: Replica,
        compiler: Compiler,
        progress: Progress,
        audits: AuditIntervals,
        check: Check = _unchecked,
        recovery: Recovery = NO_RECOVERY,
    ) -> None:
        self.compiler = compiler
        self.programmers: dict[str, Programmer] = {}
        self.rounds = 0
        self._model = replica.model
        self._progress = progress
        self._audits = audits
        self._check = check
        self._recovery = recovery
        self._wake = hub.Signal()
        self._working = False
        self._turns = hub.Semaphore(TOGETHER)
        self._round_over = hub.Signal()
        self._included: set[str] = set()  # switches that no round has compiled yet
        self._refused: dict[str, frozenset[int]] = {}  # switch -> cookies that it refuses, as last logged
        replica.listen(self._changed)

    def start(self) -> None:
        """Start rounds once the replica is loaded.  The first has no switches: at its end statuses are known."""
        self._round()
        hub.keep(self._run)

    # --- switches ---

    def attend(self, switch_id: str, session: Session) -> None:
        """Program a connected switch until its connection ends, in the session's own green thread."""
        programmer = Programmer(switch_id, session, self, self._audits, self._recovery)
        before = self.programmers.get(switch_id)
        if before is not None:
            before.end()
        self.programmers[switch_id] = programmer
        self._progress.arrived(switch_id)
        self.compiler.include(switch_id)
        self._included.add(switch_id)
        self._wake.set()
        try:
            programmer.run()
        except Unreachable as gone:
            log.info("switch %s: %s", switch_id, gone)
        finally:
            if self.programmers.get(switch_id) is programmer:
                del self.programmers[switch_id]
                self._progress.away(switch_id)

    def lost(self, session: Session) -> None:
        """End the programmer of a connection that has ended."""
        for programmer in self.programmers.values():
            if programmer.session is session:
                programmer.end()

    def forget(self, switch_id: str) -> None:
        """Forget a switch that was removed, or that another member took over."""
        self.compiler.exclude(switch_id)
        self._included.discard(switch_id)
        self._refused.pop(switch_id, None)
        self._progress.forget(switch_id)
        self._round_over.set()  # wakes programmers that wait for its flows

    # --- what a programmer asks (`programmer.Plan`) ---

    @property
    def revision(self) -> int:
        return self._progress.compiled

    @contextmanager
    def comparing(self, switch_id: str) -> Iterator[None]:
        """Turn of a switch at dump and comparison, once its flows are compiled: TOGETHER at a time, because dumps take
        memory.  After PATIENCE seconds a switch proceeds without a turn, so that slow switches delay nobody.
        """
        self._await_round(switch_id)
        has_turn = self._turns.acquire(timeout=PATIENCE)
        try:
            yield
        finally:
            if has_turn:
                self._turns.release()

    def compare(self, switch_id: str, target: Target, right: set[int], wrong: set[int]) -> int:
        self._await_round(switch_id)
        wanted = list(self.compiler.wanted(switch_id))
        self._check(switch_id, len(right), len(wanted))
        return target.compare(right, wrong, wanted, self.compiler.using(switch_id))

    def confirmed(self, switch_id: str, revision: int, current: bool) -> None:
        self._progress.confirmed(switch_id, revision, current=current)

    def refused(self, switch_id: str, refusals: dict[int, str]) -> None:
        by_object: dict[str, dict[int, str]] = {}
        origins = self.compiler.origins(switch_id, refusals) if refusals else {}
        for cookie, objects in origins.items():
            for key in objects:
                by_object.setdefault(key, {})[cookie] = refusals[cookie]
        self._progress.refusing(switch_id, by_object)
        before, self._refused[switch_id] = self._refused.get(switch_id, frozenset()), frozenset(refusals)
        for cookie in self._refused[switch_id] - before:
            log.error("switch %s refused flow %#018x of %s: %s",
                      switch_id, cookie, ", ".join(origins[cookie]), refusals[cookie])  # fmt: skip

    # --- rounds ---

    def _await_round(self, switch_id: str) -> None:
        """Never diff against a half-compiled state."""
        while self._working or switch_id in self._included:
            self._round_over.clear()
            self._round_over.wait()
        if not self.compiler.includes(switch_id):
            raise Unreachable(f"switch {switch_id} was removed")

    def _changed(self, touched: set[Dependency]) -> None:
        if touched and self._model.content <= self._progress.compiled:
            return  # rows of members' progress must not cause new rounds
        for dependency in touched:
            if dependency[0] is Switch and len(dependency) == 2:
                self._forget_gone(str(dependency[1]))
        self.compiler.mark(touched)
        self._wake.set()

    def _forget_gone(self, switch_id: str) -> None:
        """Forget a switch that was removed without a connection: nothing else reports that it will not return."""
        if self._model.get(Switch, switch_id) is None and switch_id not in self.programmers:
            self._progress.forget(switch_id)

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            try:
                self._round()
            except Exception:
                # one exception must not stop later rounds: a failed unit is computed again when what it read changes
                log.exception("a round failed")
                hub.sleep(1.0)
                self._wake.set()  # programmers may wait for a complete round

    def _distribute(self, shares: Mapping[str, Sequence[list[FlowChange]]]) -> None:
        """Give each compared switch its changes.  Others have their turns: of what is sent in between of this round
        nothing is told, as its revision is not the compiled one yet.
        """
        steps: dict[int, Steps] = {}  # by the identity of a list of changes: many switches have the same
        for switch_id, parts in hub.taking_turns(shares.items(), SLICE):
            programmer = self.programmers.get(switch_id)
            if programmer is None or not programmer.compared:
                continue
            for part in parts:
                if id(part) not in steps:
                    steps[id(part)] = Steps.of(part)
            programmer.target.take_in_steps([steps[id(part)] for part in parts])

    def _round(self) -> None:
        self._working = True
        self._round_over.clear()
        included = set(self._included)
        try:
            for _ in hub.taking_turns(self.compiler.work(), SLICE):
                pass
            revision = self._model.revision
            for _ in hub.taking_turns(self.compiler.settle_sets(), SLICE):
                pass
            compiled = self.compiler.settle()
            self._progress.failing(self.compiler.failures())
            self._distribute(compiled.shares)
            self._progress.round(revision, compiled.shares)
            for switch_id in hub.taking_turns(compiled.shares, SLICE):
                if switch_id in self.programmers:
                    self.programmers[switch_id].wake()
            self.rounds += 1
            self._included -= included
            for conflict in compiled.conflicts:
                log.warning("%s want the same match to do different things; chosen: %s", conflict.owners, conflict.flow)
        finally:
            self._working = False
            self._round_over.set()
