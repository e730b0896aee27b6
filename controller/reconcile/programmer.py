"""Programming of one connected switch: synchronised, then sent every change, then audited now and again.

Start, reconnect, take-over, repair and audit are one thing: dump, compare, send the difference.  Between the audits of
content the flows are only counted: a count that differs brings the audit at once, as does a change by somebody else
that the switch tells of.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Protocol

from controller.flow import Flow
from controller.flow.group import removal as group_removal
from controller.flow.meter import is_ours
from controller.openflow.session import Session
from controller.openflow.wire import meter_mod
from controller.runtime import hub
from controller.runtime.errors import Rejected

from .audits import AuditIntervals, AuditSchedule
from .cutting import cut
from .foreign import ForeignChanges
from .recovery import NO_RECOVERY, Recovery
from .target import Batch, Target

log = logging.getLogger("tenet.switch")

GATHER = 0.02  # seconds between two bundles: after each, Open vSwitch looks at every port of the bridge again
REST = 3  # times what the last bundle took, until the next: a switch with much to do is sent fewer and larger ones
LONGEST = 0.1  # seconds that the next one waits at most
TABLE_FULL = "OFPFMFC_TABLE_FULL"
SLICE = 0.005  # seconds of encoding after which other green threads get their turn
MANY = 200  # flows, of which fewer are encoded without a turn
KEPT = 4096  # encoded flows
SLACK = 2.0  # seconds after its timeout within which Open vSwitch has removed a flow
RETRY = 2.0  # seconds until a bundle is tried again that was refused without a flow being named


class Plan(Protocol):
    """What the programmer asks of the reconciler, by switch id."""

    def comparing(self, switch_id: str) -> AbstractContextManager[None]:
        """A turn at being dumped and compared; may wait."""
        ...

    def compare(self, switch_id: str, target: Target, right: set[int], wrong: set[int]) -> int:
        """`target.compare` with the flows that are wanted, of a whole round; may wait for its end."""
        ...

    @property
    def revision(self) -> int:
        """The revision of the last whole round."""
        ...

    def confirmed(self, switch_id: str, revision: int, current: bool) -> None: ...

    def refused(self, switch_id: str, refusals: dict[int, str]) -> None: ...


class Programmer:
    """Runs in the session's green thread until the session ends."""

    def __init__(
        self, switch_id: str, session: Session, plan: Plan, audits: AuditIntervals, recovery: Recovery = NO_RECOVERY
    ) -> None:
        self.switch_id = switch_id
        self.session = session
        self.target = Target()
        self.compared = False  # with what the switch holds, once; before that no change is of interest
        self.synchronised = False
        self.last_applied = 0.0  # Unix time of the last commit, 0 when there was none
        self.repaired = 0  # flows that a comparison found missing, foreign or changed
        self.foreign = ForeignChanges(audits.counts)
        self._plan = plan
        self._unlimited = ""  # as the log was told
        self._audits = audits
        self._recovery = recovery
        self._recovered_at = 0.0  # monotonic time when the last flow of the recovery is gone
        self._told: dict[int, str] | None = None  # refusals, as the plan knows them; None: those of another connection
        self._wake = hub.Signal()
        self._again_from = 0.0  # monotonic time from which on the next bundle may be sent
        self._took = 0.0  # seconds that the last bundle took
        self._ended = False

    def wake(self) -> None:
        """There is something in the target to be sent."""
        self._wake.set()

    def end(self) -> None:
        self._ended = True
        self._wake.set()

    def run(self) -> None:
        """Until `end`; raises `Unreachable` when the connection ended first."""
        self.session.flow_monitor.begin(self._changed_by_others)  # before the dump, so that no change is missed
        try:
            self._synchronise("connected")
            self.synchronised = True
            self._keep_right(AuditSchedule(self._audits))
        finally:
            self.session.flow_monitor.end()

    def _keep_right(self, schedule: AuditSchedule) -> None:
        while not self._ended:
            self._send()
            left = min(schedule.left, self.foreign.due - time.monotonic())
            if left > 0:
                self._wake.wait(left)
            elif self._changed_or_due(schedule):
                self._synchronise("audit")
                schedule.dumped()
            else:
                schedule.counted()

    def _changed_or_due(self, schedule: AuditSchedule) -> bool:
        """Whether all is to be compared now; if not, the flows have been counted."""
        changed = self.foreign.due <= time.monotonic()
        return changed or schedule.content_due or self.target.retried_at_audits or self._miscounted()

    def _changed_by_others(self, count: int) -> None:
        """Called by the session's reader: never waits."""
        if self.foreign.seen(count, time.monotonic()):
            self._wake.set()

    def _miscounted(self) -> bool:
        """Whether the switch holds more or fewer flows than it confirmed; also where it cannot tell."""
        try:
            more = self.session.flow_count() - len(self.target.installed)
            return more != 0 and not (0 < more <= len(self._recovery.flows) and time.monotonic() < self._recovered_at)
        except Rejected:
            return True

    def _synchronise(self, why: str) -> None:
        with self._plan.comparing(self.switch_id):
            changes = self.foreign.comparing(time.monotonic())
            self._see_meters()
            groups = self.session.held_groups()
            held = self.session.held()
            left = self._recovery.left(self.session.flows_age, held)
            held = self._recovery.without(held)
            self.target.groups.seen(groups.right, groups.wrong)
            confirmed = self.target.installed
            differing = self._plan.compare(self.switch_id, self.target, held.right, held.wrong)
            self.compared = True
            wrong = len(held.right.symmetric_difference(confirmed) | held.wrong) if why == "audit" else 0
            del held  # of a large switch as much as all else here
            self.repaired += wrong
            if why != "audit":
                log.info("switch %s: %s, %d flows right, %d to change",
                         self.switch_id, why, len(self.target.installed), differing)  # fmt: skip
                self._recover(left)
            elif changes:
                log.warning("switch %s: %d changes of flows by others; %d flows missing, foreign or changed are put "
                            "right", self.switch_id, changes, wrong)  # fmt: skip
            elif wrong:
                log.warning("switch %s: audit found %d flows missing, foreign or changed", self.switch_id, wrong)
            self._send_once()  # a first install is as large as a dump: it has the same turn
        self._send()

    def _recover(self, left: int) -> None:
        """Where all flows are new, ovs-vswitchd has begun anew, and knows no connection any more."""
        if left:
            try:
                self.session.apply([flow.passing(left) for flow in self._recovery.flows], [])
            except Rejected as refused:
                log.warning("switch %s: TCP connections are not picked up: %s", self.switch_id, refused)
                return
            self._recovered_at = time.monotonic() + left + SLACK
            log.info("switch %s: began anew: TCP connections are picked up for %d s", self.switch_id, left)

    def _see_meters(self) -> None:
        try:
            held = {one.number: one for one in self.session.held_meters() if is_ours(one.number)}
        except Rejected as none:
            self.target.see_meters({}, none.reason)
        else:
            self.target.see_meters(held)

    def _send(self) -> None:
        """Send until nothing is left to be sent."""
        while not self._send_once():
            pass

    def _send_once(self) -> bool:
        """Send what there is; whether nothing is left to be sent."""
        if self._ended:
            return True
        self._pause()
        self._wake.clear()
        revision = self._plan.revision
        if not self._send_parts(self._parts(self.target.take_out())):
            return False
        self._tell_refusals()
        self._tell_unlimited()
        current = self.target.right
        self._plan.confirmed(self.switch_id, revision, current)
        return current

    def _parts(self, batch: Batch) -> list[Batch]:
        """One bundle for a switch that holds none of our flows: nothing passes it that a long bundle could hold up."""
        return cut(batch, self.target.leaving) if self.target.installed else [batch]

    def _send_parts(self, parts: list[Batch]) -> bool:
        """Whether the switch took all of them; what it has not taken is in the target again."""
        for index, part in enumerate(parts):
            try:
                self._apply(part)
            except Rejected as rejected:
                for rest in parts[index + 1 :]:
                    self.target.restore(rest, {})
                self._set_aside(rejected, part)
                return False
            self._confirm(part)
        return True

    def _apply(self, batch: Batch) -> None:
        known = self.target.meters.held
        began = time.monotonic()
        self.session.apply(
            _encoded_all(batch.put),
            batch.drop,
            [group.wire for group in batch.groups.missing],
            [group_removal(number) for number in sorted(batch.groups.gone)],
            [meter_mod(one.number, one, one.number in known) for one in batch.meters.missing],
            batch.zones.begun,
        )
        self.session.flush_zones(batch.zones.ended)
        self.session.remove_meters(sorted(batch.meters.gone))
        self._took = time.monotonic() - began

    def _confirm(self, batch: Batch, refusals: Mapping[int, str] = {}, lacking: Mapping[int, str] = {}) -> None:
        self.target.confirm(batch, refusals, lacking)
        if not batch.empty:
            self.last_applied = time.time()
            self._again_from = time.monotonic() + max(GATHER, min(REST * self._took, LONGEST))
            log.debug("switch %s: +%d -%d flows", self.switch_id, len(batch.put), len(batch.drop))

    def _pause(self) -> None:
        """Let changes gather where they come thick and fast; the first after a while goes at once."""
        left = self._again_from - time.monotonic()
        if left > 0 and not self.target.right:
            hub.sleep(left)

    def _set_aside(self, rejected: Rejected, batch: Batch) -> None:
        """Go on without what the switch refuses, so that one bad object cannot starve a switch."""
        refusals = dict(rejected.refusals)
        for flow in batch.put if rejected.groups else ():
            why = [rejected.groups[group.number] for group in flow.groups if group.number in rejected.groups]
            if why:
                refusals.setdefault(flow.cookie, f"its group: {why[0]}")
        lacking = rejected.meters
        for flow in batch.put if lacking else ():
            if flow.meter is not None and flow.meter.number in lacking and not flow.service:
                refusals.pop(flow.cookie, None)  # it is left out, and nothing is wrong with it
        _add_crowded_out(batch.put, refusals)
        if rejected.rest:
            self.session.remove_meters(sorted(batch.meters.gone))
            self.session.flush_zones(batch.zones.ended)
            self._confirm(batch, refusals, lacking)
        else:
            self.target.restore(batch, refusals, lacking)
        if refusals or lacking:
            self._tell_refusals()
        else:
            log.error("switch %s refused a bundle: %s", self.switch_id, rejected.reason)
            hub.sleep(RETRY)

    def _tell_unlimited(self) -> None:
        why = self.target.unlimited
        if why and not self._unlimited:
            log.warning("switch %s: what its ports send to many is not limited: %s", self.switch_id, why)
        elif self._unlimited and not why:
            log.info("switch %s: what its ports send to many is limited again", self.switch_id)
        self._unlimited = why

    def _tell_refusals(self) -> None:
        if self._told != self.target.refused:
            self._told = dict(self.target.refused)
            self._plan.refused(self.switch_id, self._told)


def _encoded_all(put: Sequence[Flow]) -> list[bytes]:
    """With turns for others where they are many."""
    encoded = map(_encoded, put)
    return list(encoded if len(put) < MANY else hub.taking_turns(encoded, SLICE))


@lru_cache(KEPT)
def _encoded(flow: Flow) -> bytes:
    """The message that adds a flow: made once for many switches that are sent it at about the same time."""
    return flow.wire


def _add_crowded_out(put: Iterable[Flow], refusals: dict[int, str]) -> None:
    """Treat flows of a table as refused after one hit TABLE_FULL there: Open vSwitch names the first only."""
    full: dict[int, str] = {}
    for flow in put:
        if (why := refusals.get(flow.cookie, "")).startswith(TABLE_FULL):
            full[flow.table.number] = why
        elif flow.table.number in full:
            refusals.setdefault(flow.cookie, full[flow.table.number])
