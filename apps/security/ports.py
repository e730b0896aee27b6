"""The security groups of a port, on the switch that it is on: one flow a port, whatever its groups hold."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from controller.flow import Action, Flow, resubmit
from controller.flow.fields import MEMO
from controller.model.reader import Reader
from controller.model.rows import Port

from ..pipeline import GROUP, JUDGE, JUDGED_GROUP, JUDGED_PORT, USUAL
from .kinds import numbers


@lru_cache(MEMO)
def asking(groups: tuple[int, ...]) -> tuple[Action, ...]:
    """Ask the rules of each group in turn; a group that comes after one that allows is passed over."""
    return tuple(action for number in groups for action in (JUDGED_GROUP.put(number), resubmit(GROUP.number)))


def port(port: Port, see: Reader) -> Iterator[Flow]:
    at = see.binding(port)
    if at is None or not port.filtered:
        return
    if asked := numbers(port, see):
        yield _judged(at.port_key, asked)


@lru_cache(MEMO)
def _judged(key: int, groups: tuple[int, ...]) -> Flow:
    """One value for all switches on which a port with these groups has this key."""
    return Flow(JUDGE, USUAL, (JUDGED_PORT.match(key),), asking(groups))


ON_SWITCH = {"port": port}
