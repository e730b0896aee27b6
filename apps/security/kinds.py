"""Kind of a port's filter, and the numbers of the security groups that it asks."""

from __future__ import annotations

from typing import Protocol

from controller.model.reader import Reader
from controller.model.rows import SecurityGroup

from ..pipeline import STATEFUL, STATELESS, UNFILTERED


class Filtered(Protocol):
    """A port, or what a copy of a flood tells of it."""

    @property
    def filtered(self) -> bool: ...

    @property
    def security_groups(self) -> tuple[str, ...] | None: ...


def filter_of(port: Filtered, see: Reader) -> int:
    """UNFILTERED, STATEFUL or STATELESS.  A port is stateless where all of its groups are, and it has one."""
    if not port.filtered:
        return UNFILTERED
    return _kind(_groups(port, see))


def numbers(port: Filtered, see: Reader) -> tuple[int, ...]:
    """The groups whose rules the port's filter asks, in ascending order.

    The API lets no port have groups of both kinds.  Where it has, the stateless ones allow it nothing.
    """
    groups = _groups(port, see)
    stateful = _kind(groups) == STATEFUL
    return tuple(sorted([group.number for group in groups if group.stateful == stateful]))


def _kind(groups: list[SecurityGroup]) -> int:
    return STATELESS if groups and not any(group.stateful for group in groups) else STATEFUL


def _groups(port: Filtered, see: Reader) -> list[SecurityGroup]:
    found = [see.view(SecurityGroup, group_id) for group_id in port.security_groups or ()]
    return [group for group in found if group is not None]
