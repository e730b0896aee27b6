"""Conntrack zones of a switch and their owners: a zone whose owner is another one is emptied.

An address in a zone may have an owner of its own: of a floating IP, say, the port that it is associated with.

A flow names the owner (`Flow.zone`), so what the switch's zones hold follows from its flows: who takes over, or starts
again, empties none whose flow is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from controller.flow import Flow, OwnedConnections


class ZoneChanges(NamedTuple):
    """`begun`: zones that get an owner, who may find no connection of another; `ended`: those that have none left, and
    addresses whose owner is another one: until the flows are there, packets would make the old connections again.
    """

    begun: tuple[OwnedConnections, ...] = ()
    ended: tuple[OwnedConnections, ...] = ()


class ZoneOwners:
    """Which zones have owners, by the cookies of the flows that say so."""

    __slots__ = ("_zones",)

    def __init__(self) -> None:
        self._zones: dict[int, OwnedConnections] = {}  # by cookie

    def seen(self, installed: Iterable[Flow]) -> None:
        """These flows are on the switch; what was known of others counts still: an audit restores them."""
        self._zones.update([(flow.cookie, zone) for flow in _naming(installed) if (zone := flow.zone) is not None])

    def changes(self, put: Iterable[Flow], drop: Iterable[int]) -> ZoneChanges:
        """What follows from adding and deleting flows; nothing for a flow that only comes back as it was."""
        begun = {zone for flow in _naming(put) if (zone := flow.zone) is not None and flow.cookie not in self._zones}
        ended = {self._zones[cookie] for cookie in drop if cookie in self._zones} if self._zones else set()
        addresses = {one for one in begun if one.address}
        return ZoneChanges(tuple(sorted(begun - addresses)), tuple(sorted(ended - begun | addresses)))

    def confirm(self, put: Iterable[Flow], drop: Iterable[int]) -> None:
        """The switch has them."""
        if self._zones:
            for cookie in drop:
                self._zones.pop(cookie, None)
        self.seen(put)


def _naming(flows: Iterable[Flow]) -> list[Flow]:
    """The flows that name a zone's owner, which few do."""
    return [flow for flow in flows if flow.table.owns_zones]
