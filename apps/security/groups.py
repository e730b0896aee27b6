"""What a security group asks: its rules for any address, then each address set that its rules name.

These flows are the same on every switch with a port of the group.  A rule that allows a packet ends the search: what
comes later is not looked up, so the datapath need not distinguish packets by it.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Flow, resubmit
from controller.model.reader import Reader
from controller.model.rows import SecurityGroup, SecurityGroupRule

from ..matches import bits
from ..pipeline import (
    ALLOWED,
    DIRECTION,
    GROUP,
    INWARD,
    JUDGED_GROUP,
    MEMBERS,
    OUTWARD,
    PLAIN_MEMBERS,
    REMOTE_SET,
    REMOTES,
    RULES,
    USUAL,
)
from .remotes import ANY, number_of


def group(group: SecurityGroup, see: Reader) -> Iterator[Flow]:
    rules = see.find(SecurityGroupRule, "security_group_id", group.id)
    for direction, name in ((OUTWARD, "egress"), (INWARD, "ingress")):
        found = {number_of(rule, see) for rule in rules if rule.direction == name}
        yield from _of_direction(group, direction, {number for number in found if number is not None})


def _of_direction(group: SecurityGroup, direction: int, remotes: set[int]) -> Iterator[Flow]:
    match = (JUDGED_GROUP.match(group.number), bits((DIRECTION, direction), (ALLOWED, 0)))
    sets = sorted(remotes - {ANY})
    members = resubmit((MEMBERS if group.stateful else PLAIN_MEMBERS).number)
    asked = tuple(action for number in sets for action in (REMOTE_SET.put(number), members))
    if ANY not in remotes:
        if asked:
            yield Flow(GROUP, USUAL, match, asked)
        return
    more = (resubmit(REMOTES.number),) if asked else ()
    yield Flow(GROUP, USUAL, match, (REMOTE_SET.put(ANY), resubmit(RULES.number), *more))
    if asked:
        yield Flow(REMOTES, USUAL, match, asked)


IN_GROUP = {"security_group": group}
