"""What one switch holds and what it is to hold: the difference is all that is ever sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

from controller.compile.flow_set import FlowChange
from controller.flow import Flow, Group
from controller.flow.meter import Meter

from .cookies import CookieSet
from .needs import NONE, Difference, Needs
from .zones import ZoneChanges, ZoneOwners

_groups, _meters = attrgetter("groups"), attrgetter("meters")


class Batch(NamedTuple):
    """One bundle: groups that are missing, flows to add, cookies to delete, and last the groups that are to go.

    Meters are to be there before it, and to go after it: Open vSwitch takes none in bundles.  Of zones, those that have
    another owner are to be emptied before it, and those that have none any more after it.
    """

    put: list[Flow]
    drop: set[int]
    groups: Difference[Group] = NONE
    meters: Difference[Meter] = NONE
    zones: ZoneChanges = ZoneChanges()

    @property
    def empty(self) -> bool:
        return not (self.put or self.drop or any(self.groups) or any(self.meters))


class Steps(NamedTuple):
    """Changes of flows as targets take them in: made once for all switches that are told of the same ones."""

    gone: dict[int, int]  # cookie -> the number of the meter that its packets had to pass, or 0
    old: dict[int, Flow]  # the same flows
    new: dict[int, Flow]
    grouped: dict[int, Flow]  # of the new ones those that use groups
    metered: dict[int, Flow]
    services: dict[int, str]

    @classmethod
    def of(cls, changes: Iterable[FlowChange]) -> Steps:
        steps = cls({}, {}, {}, {}, {}, {})
        for old, new in changes:
            if old is not None:
                steps.gone[old.cookie] = 0 if old.meter is None else old.meter.number
                steps.old[old.cookie] = old
            if new is not None:
                cookie = new.cookie
                steps.new[cookie] = new
                if not new.actions and new.meter is None:  # half of all flows
                    continue
                if new.groups:
                    steps.grouped[cookie] = new
                if new.meters:
                    steps.metered[cookie] = new
                    if service := new.service:
                        steps.services[cookie] = service
        return steps


class Target:
    """`installed`: the cookies that the switch has confirmed, or showed in a dump.  `refused`: what it would not
    take.  `lacking`: why the switch does not take a meter, by its number: flows whose packets must pass it are left
    out, and nothing else is.  `services`: cookie -> the service that the flow hands frames over to.  `leaving`: the
    flows that rounds took away, by cookie, until the switch has confirmed that they are gone.
    """

    __slots__ = (
        "_foreign", "_held_meters", "_pending", "groups", "installed", "lacking", "leaving", "meterless", "meters",
        "refused", "services", "zones",
    )  # fmt: skip

    def __init__(self) -> None:
        self.installed = CookieSet()
        self.refused: dict[int, str] = {}  # cookie -> reason
        self.lacking: dict[int, str] = {}
        self.meterless = ""  # why the switch takes no meter at all
        self.groups: Needs[Group] = Needs(_groups)
        self.meters: Needs[Meter] = Needs(_meters)
        self.services: dict[int, str] = {}
        self.leaving: dict[int, Flow] = {}
        self.zones = ZoneOwners()
        self._held_meters: dict[int, Meter] = {}  # result of the last dump, until it is compared
        self._pending: dict[int, Flow | None] = {}  # cookie -> the flow to add, or None to delete it
        self._foreign: set[int] = set()  # cookies of foreign flows on the switch

    @property
    def unlimited(self) -> str:
        """Number of ports without a meter, and why; "" if there are none."""
        return f"{len(self.lacking)} ports have no meter: {next(iter(self.lacking.values()))}" if self.lacking else ""

    @property
    def right(self) -> bool:
        """Whether nothing waits to be sent."""
        return not (self._pending or self._foreign or self.groups.due or self.meters.due)

    @property
    def retried_at_audits(self) -> bool:
        """Whether a refused flow or meter is to be tried again; never on a switch without meters."""
        return bool(self.refused or (self.lacking and not self.meterless))

    def take_in(self, flow_changes: Iterable[FlowChange]) -> None:
        """Take in a round's changes; a later change of a flow replaces an earlier one that was not sent yet."""
        self.take_in_steps([Steps.of(flow_changes)])

    def take_in_steps(self, parts: Sequence[Steps]) -> None:
        """Take in a round's changes, in any number of parts."""
        for part in parts:
            self.leaving.update(part.old)
            for cookie, meter in part.gone.items():
                self._pending[cookie] = None
                self.refused.pop(cookie, None)
                self.services.pop(cookie, None)
                if meter:
                    self.lacking.pop(meter, None)
        for part in parts:  # after all removals: a flow may move from one flow set to another
            self._pending.update(part.new)
            self.groups.used.update(part.grouped)
            self.meters.used.update(part.metered)
            self.services.update(part.services)

    def compare(
        self, right: set[int], wrong: set[int], wanted: Iterable[Flow], using: Iterable[Flow] | None = None
    ) -> int:
        """Start again from the result of a dump; returns the number of flows to change.

        `right`: cookies of flows that are what their cookie says; `wrong`: all others.  `using`: of `wanted` at least
        those that use groups, meters or zones, where they are known.  What the switch refused before is tried again.
        Before this, `groups.seen` and `see_meters` are told what was dumped of them.
        """
        desired = {flow.cookie: flow for flow in wanted}
        there = desired.keys() & right
        self.installed = CookieSet(there)
        self.refused.clear()
        self.lacking.clear()
        self.leaving.clear()
        self._foreign = set(wrong) if len(there) == len(right) else wrong | (right - there)
        self._pending = {}
        if len(there) < len(desired):
            self._pending = {cookie: flow for cookie, flow in desired.items() if cookie not in there}
        users = list(desired.values() if using is None else using)
        groups: dict[int, Flow] = {}
        meters: dict[int, Flow] = {}
        want: dict[int, Meter] = {}
        self.services = {}
        for flow in users:
            if flow.groups:
                groups[flow.cookie] = flow
            if found := flow.meters:
                meters[flow.cookie] = flow
                want.update([(one.number, one) for one in found])
                if service := flow.service:
                    self.services[flow.cookie] = service
        as_wanted = {number for number, one in self._held_meters.items() if want.get(number) == one}
        self.meters.seen(as_wanted, self._held_meters.keys() - as_wanted)
        self._held_meters = {}
        self.groups.begin(groups, right)
        self.meters.begin(meters, right)
        self.zones.seen(flow for flow in users if flow.cookie in there)
        return len(self._pending) + len(self._foreign - self._pending.keys())

    def see_meters(self, held: Mapping[int, Meter], meterless: str = "") -> None:
        """Take over the result of a meter dump; `meterless`: why the switch takes no meters at all."""
        self._held_meters = dict(held)
        self.meterless = meterless

    def take_out(self) -> Batch:
        """Take out all that is to be sent now.  `take_in` may be called before `confirm` or `restore`."""
        there = self.installed.among(self._pending.keys())
        put = [flow for cookie, flow in self._pending.items() if flow is not None and cookie not in there]
        drop = {cookie for cookie, flow in self._pending.items() if flow is None and cookie in there}
        drop |= self._foreign
        self._pending, self._foreign = {}, set()
        self.leaving = {cookie: self.leaving[cookie] for cookie in drop & self.leaving.keys()}
        put = self._with_meters(put)
        groups = self.groups.difference(put, drop)
        if groups.clashing:
            put = self._without_clashes(put, groups.clashing)
        meters = self.meters.difference(put, drop)
        if self.lacking or self.meterless:  # tried in vain: until the next audit
            able = tuple([one for one in meters.missing if not self.meterless and one.number not in self.lacking])
            meters = meters._replace(missing=able)
        return Batch(put, drop, groups, meters, self.zones.changes(put, drop))

    def _with_meters(self, put: list[Flow]) -> list[Flow]:
        """`put` without the flows whose meters the switch does not take."""
        if not (self.lacking or self.meterless):
            return put
        if self.meterless:
            self.lacking.update({flow.meter.number: self.meterless for flow in put if flow.meter})
        return [flow for flow in put if flow.meter is None or flow.meter.number not in self.lacking]

    def _without_clashes(self, put: list[Flow], clashing: frozenset[int]) -> list[Flow]:
        """`put` without flows whose group has another group's number: they count as refused until the next audit."""
        for flow in put:
            if flow.cookie in clashing:
                self.refused[flow.cookie] = "its group has the number of another one"
        return [flow for flow in put if flow.cookie not in clashing]

    def confirm(self, batch: Batch, refusals: Mapping[int, str] = {}, lacking: Mapping[int, str] = {}) -> None:
        """Record a commit of `batch`, except for refused flows and those whose meters are `lacking`."""
        put = batch.put
        if refusals or lacking:
            put = [flow for flow in put if not self._left_out(flow, refusals, lacking)]
            self._look_again()
        there = {flow.cookie for flow in put}
        self.installed.difference_update(batch.drop)
        self.installed.update(there)
        self.zones.confirm(put, batch.drop)
        kept = there | self._pending.keys()
        taken = tuple([one for one in batch.meters.missing if one.number not in lacking])
        self.groups.confirm(batch.groups, put, batch.drop, kept)
        self.meters.confirm(batch.meters._replace(missing=taken), put, batch.drop, kept)
        self._note_lacking(batch, lacking)
        self._see_meterless(lacking)
        for cookie in self.leaving.keys() & batch.drop:
            del self.leaving[cookie]
        if self.refused:
            for cookie in there:
                self.refused.pop(cookie, None)

    def _left_out(self, flow: Flow, refusals: Mapping[int, str], lacking: Mapping[int, str]) -> bool:
        """Record why the switch does not hold a flow; False if it is neither refused nor lacks its meter."""
        without = flow.meter is not None and flow.meter.number in lacking
        if not without and flow.cookie not in refusals:
            return False
        if self._pending.get(flow.cookie, flow) is None:
            return True  # it is not wanted any more
        if flow.meter is not None and without:
            self.lacking[flow.meter.number] = lacking[flow.meter.number]
        else:
            self.refused[flow.cookie] = refusals[flow.cookie]
        return True

    def restore(self, batch: Batch, refusals: Mapping[int, str], lacking: Mapping[int, str] = {}) -> None:
        """Record that the switch took nothing of `batch` but meters that are not `lacking`.  The rest is to be sent
        again, without what was refused.
        """
        self._look_again()
        self.meters.have([one for one in batch.meters.missing if one.number not in lacking])
        self._note_lacking(batch, lacking)
        self._see_meterless(lacking)
        for flow in batch.put:
            if not self._left_out(flow, refusals, lacking):
                self._pending.setdefault(flow.cookie, flow)
        # where a cookie was put and dropped, what was refused is the flow, not that its tampered copy goes
        for cookie in batch.drop - (refusals.keys() - {flow.cookie for flow in batch.put}):
            if cookie in self.installed:
                self._pending.setdefault(cookie, None)
            else:
                self._foreign.add(cookie)

    def _note_lacking(self, batch: Batch, lacking: Mapping[int, str]) -> None:
        """Record missing meters, which are not tried again, also those of packet-ins, whose flows stay."""
        self.lacking.update({one.number: lacking[one.number] for one in batch.meters.missing if one.number in lacking})

    def _look_again(self) -> None:
        """Compare groups and meters again: a flow that was left out may have been the only user of some."""
        self.groups.due = self.groups.due or bool(self.groups.held or self.groups.used)
        self.meters.due = self.meters.due or bool(self.meters.held or self.meters.used)

    def _see_meterless(self, lacking: Mapping[int, str]) -> None:
        if lacking and not self.meters.any_right:
            self.meterless = next(iter(lacking.values()))
