"""Addresses of all members, for the managers and controllers of hypervisors (`controller.ovsdb.cluster.Cluster`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from controller.cluster.mastery import Shared
from controller.model.model import Model
from controller.model.rows import Member


class Roster:
    """Member addresses in the same order at every member: a new master does not rewrite a bridge's controllers."""

    def __init__(self, model: Model, mastery: Shared) -> None:
        self._model = model
        self._mastery = mastery

    def owns(self, system_id: str) -> bool:
        return self._mastery.owns(system_id)

    def database(self, system_id: str, connected: bool) -> None:
        self._mastery.database(system_id, connected)

    def controllers(self) -> Sequence[str]:
        return [f"{_scheme(member)}:{member.openflow}" for member in self._members()]

    def managers(self) -> Sequence[str]:
        return [f"{_scheme(member)}:{member.ovsdb}" for member in self._members()]

    def listen(self, moved: Callable[[], None]) -> None:
        self._mastery.listen(moved)

    def _members(self) -> list[Member]:
        return [member for _, member in sorted(self._model.rows(Member).items())]


def _scheme(member: Member) -> str:
    return "ssl" if member.tls else "tcp"
