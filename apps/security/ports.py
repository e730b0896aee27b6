"""The security groups of a port, on the switch that it is on: one flow a port, whatever its groups hold."""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Action, Flow, resubmit
from controller.model.reader import Reader
from controller.model.rows import Port

from ..pipeline import GROUP, JUDGE, JUDGED_GROUP, JUDGED_PORT, USUAL
from .kinds import numbers


def asking(groups: tuple[int, ...]) -> tuple[Action, ...]:
    """Ask the rules of each group in turn; a group that comes after one that allows is passed over."""
    return tuple(action for number in groups for action in (JUDGED_GROUP.put(number), resubmit(GROUP.number)))


def port(port: Port, see: Reader) -> Iterator[Flow]:
    at = see.binding(port)
    if at is None or not port.filtered:
        return
    if asked := asking(numbers(port, see)):
        yield Flow(JUDGE, USUAL, (JUDGED_PORT.match(at.port_key),), asked)


ON_SWITCH = {"port": port}
