"""What one switch holds and what it is to hold: the difference is all that is ever sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from controller.compile.sheet import Step
from controller.flow import Flow, Group


class Batch(NamedTuple):
    """One bundle: groups to add first, flows to add, cookies to delete, and last the numbers of groups to delete."""

    put: list[Flow]
    drop: set[int]
    groups: tuple[Group, ...] = ()
    groups_gone: frozenset[int] = frozenset()

    @property
    def empty(self) -> bool:
        return not any(self)


class Target:
    """`installed`: the cookies that the switch has confirmed, or showed in a dump.  `refused`: what it would not
    take.  Groups have no owners of their own: a switch is to hold those that its flows use.
    """

    __slots__ = (
        "_foreign",
        "_grouped",
        "_groups_due",
        "_groups_held",
        "_groups_right",
        "_pending",
        "installed",
        "refused",
    )

    def __init__(self) -> None:
        self.installed: set[int] = set()
        self.refused: dict[int, str] = {}  # cookie -> reason
        self._pending: dict[int, Flow | None] = {}  # cookie -> the flow to add, or None to delete it
        self._foreign: set[int] = set()  # cookies on the switch that are nobody's
        self._grouped: dict[int, list[Group]] = {}  # cookie of an installed or pending flow -> the groups that it uses
        self._groups_held: set[int] = set()  # numbers of the groups on the switch
        self._groups_right: set[int] = set()  # of those, the ones that are what their number says
        self._groups_due = False

    @property
    def right(self) -> bool:
        """Nothing is waiting to be sent."""
        return not self._pending and not self._foreign and not self._groups_due

    def take_in(self, steps: Iterable[Step]) -> None:
        """A round's changes; a later word on a flow overrides an earlier one that was not sent yet."""
        changes = list(steps)
        for old, _ in changes:
            if old is not None:
                self._pending[old.cookie] = None
                self.refused.pop(old.cookie, None)
        for _, new in changes:  # after all that goes: a flow may leave one sheet and come into another
            if new is not None:
                self._want(new)

    def _want(self, flow: Flow) -> None:
        self._pending[flow.cookie] = flow
        if groups := flow.groups:
            self._grouped[flow.cookie] = groups

    def groups_seen(self, right: set[int], wrong: set[int]) -> None:
        """The groups on the switch: which are what their number says, and which are not.  Before `compare`."""
        self._groups_held, self._groups_right = right | wrong, set(right)
        self._groups_due = bool(self._groups_held)

    def compare(self, right: set[int], wrong: set[int], wanted: Iterable[Flow]) -> int:
        """Begin anew from what a dump showed; the number of flows that are not as they should be.

        `right`: cookies of flows that are what their cookie says; `wrong`: all others.  What the switch refused
        before is tried again.
        """
        wish = {flow.cookie: flow for flow in wanted}
        self.installed = right & wish.keys()
        self.refused.clear()
        self._foreign = wrong | (right - wish.keys())
        self._pending = {cookie: flow for cookie, flow in wish.items() if cookie not in self.installed}
        self._grouped = {cookie: groups for cookie, flow in wish.items() if (groups := flow.groups)}
        self._groups_due = self._groups_due or bool(self._grouped)
        return len(self._pending) + len(self._foreign - self._pending.keys())

    def take_out(self) -> Batch:
        """What to send now.  Until `confirm` or `restore`, `take_in` may go on."""
        put = [flow for cookie, flow in self._pending.items() if flow is not None and cookie not in self.installed]
        drop = {cookie for cookie, flow in self._pending.items() if flow is None and cookie in self.installed}
        drop |= self._foreign
        self._pending, self._foreign = {}, set()
        if not self._grouped and not self._groups_held:
            return Batch(put, drop)
        self._groups_due = False
        return Batch(put, drop, *self._groups(put, drop))

    def _groups(self, put: list[Flow], drop: set[int]) -> tuple[tuple[Group, ...], frozenset[int]]:
        """The groups to add and to delete, so that the switch holds those that its flows will use."""
        cookies = self._grouped.keys() & ((self.installed - drop) | {flow.cookie for flow in put})
        used = {group.number: group for cookie in sorted(cookies) for group in self._grouped[cookie]}
        missing = tuple([group for number, group in used.items() if number not in self._groups_right])
        return missing, frozenset(self._groups_held - used.keys())

    def confirm(self, batch: Batch, refusals: Mapping[int, str] = {}) -> None:
        """The switch has committed it, but for the flows that it refused."""
        for flow in batch.put if refusals else ():
            if flow.cookie in refusals:
                self._refuse(flow, refusals[flow.cookie])
        self.installed -= batch.drop
        self.installed.update([flow.cookie for flow in batch.put if flow.cookie not in refusals])
        added = {group.number for group in batch.groups}
        self._groups_right = (self._groups_right | added) - batch.groups_gone
        self._groups_held = (self._groups_held | added) - batch.groups_gone
        for cookie in self._grouped.keys() & batch.drop:
            if cookie not in self.installed and cookie not in self._pending:
                del self._grouped[cookie]
        if self.refused:
            for flow in batch.put:
                if flow.cookie not in refusals:
                    self.refused.pop(flow.cookie, None)

    def _refuse(self, flow: Flow, why: str) -> None:
        if self._pending.get(flow.cookie, flow) is not None:  # else it is not wanted any more
            self.refused[flow.cookie] = why

    def restore(self, batch: Batch, refusals: dict[int, str]) -> None:
        """The switch took nothing of it: all but what was refused is to be sent again."""
        self._groups_due = bool(batch.groups or batch.groups_gone)
        for flow in batch.put:
            if flow.cookie in refusals:
                self._refuse(flow, refusals[flow.cookie])
            else:
                self._pending.setdefault(flow.cookie, flow)
        # where a cookie was put and dropped, what was refused is the flow, not that its tampered copy goes
        for cookie in batch.drop - (refusals.keys() - {flow.cookie for flow in batch.put}):
            if cookie in self.installed:
                self._pending.setdefault(cookie, None)
            else:
                self._foreign.add(cookie)
