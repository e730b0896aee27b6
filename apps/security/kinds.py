"""Kind of a port's filter, and the numbers of the security groups that it asks."""

from __future__ import annotations

from controller.model.reader import Reader
from controller.model.rows import Port, SecurityGroup

from ..pipeline import STATEFUL, STATELESS, UNFILTERED


def filter_of(port: Port, see: Reader) -> int:
    """UNFILTERED, STATEFUL or STATELESS.  A port is stateless where all of its groups are, and it has one."""
    if not port.filtered:
        return UNFILTERED
    groups = _groups(port, see)
    return STATELESS if groups and not any(group.stateful for group in groups) else STATEFUL


def numbers(port: Port, see: Reader) -> tuple[int, ...]:
    """The groups whose rules the port's filter asks, in ascending order.

    The API lets no port have groups of both kinds.  Where it has, the stateless ones allow it nothing.
    """
    stateful = filter_of(port, see) == STATEFUL
    return tuple(sorted(group.number for group in _groups(port, see) if group.stateful == stateful))


def _groups(port: Port, see: Reader) -> list[SecurityGroup]:
    found = [see.view(SecurityGroup, group_id) for group_id in port.security_groups or ()]
    return [group for group in found if group is not None]
