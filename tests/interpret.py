"""A switch's pipeline, interpreted: where a frame goes and what it is when it leaves.

Exact for the actions of `controller.flow`, as Open vSwitch does them (ofproto-dpif-xlate.c).  A frame is a map from
field to number, without the fields that are 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from controller.flow import CONTROLLER, IN_PORT, Action, Field, Flow
from controller.flow.fields import HEADERS

Frame = dict[str, int]

MOST_LOOKUPS = 4096  # MAX_RESUBMITS of Open vSwitch; goto counts, too
DEEPEST = 64  # MAX_DEPTH
_OWN = ("in_port", "metadata", "reg7", "reg8", "reg9")  # what does not leave the switch


class Sent(NamedTuple):
    """A frame that left by a port: the fields that it has outside the switch, and a tunnel's."""

    port: int
    frame: Frame


class Ambiguous(Exception):
    """Two flows of one priority match and differ in what they do: which is taken is the switch's choice."""


class Pipeline:
    """Flows, by table and priority."""

    def __init__(self, flows: Iterable[Flow]) -> None:
        self._tables: dict[int, dict[int, list[Flow]]] = {}
        for flow in flows:
            self._tables.setdefault(flow.table.number, {}).setdefault(flow.priority, []).append(flow)

    def send(self, frame: Frame) -> list[Sent]:
        """All that leaves because of a frame, in order; to the controller as port CONTROLLER."""
        return _Walk(self, frame).sent

    def visited(self, frame: Frame) -> list[Flow]:
        """The flows that a frame meets, in order."""
        return _Walk(self, frame).visited

    def lookup(self, table: int, frame: Frame) -> Flow | None:
        """The flow that a frame meets."""
        priorities = self._tables.get(table, {})
        for priority in sorted(priorities, reverse=True):
            found = [flow for flow in priorities[priority] if all(_matches(one, frame) for one in flow.match)]
            if len({_doing(flow) for flow in found}) > 1:
                raise Ambiguous(f"{frame} matches {found}")
            if found:
                return found[0]
        return None


class _Walk:
    """One frame on its way; all changes to it stay, those made after a resubmit too."""

    def __init__(self, pipeline: Pipeline, frame: Frame) -> None:
        self.sent: list[Sent] = []
        self.visited: list[Flow] = []
        self._pipeline = pipeline
        self._frame = dict(frame)
        self._lookups = 0
        self._visit(0, 1)

    def _visit(self, table: int, depth: int) -> None:
        self._lookups += 1
        assert self._lookups <= MOST_LOOKUPS and depth <= DEEPEST, "Open vSwitch would give up"
        flow = self._pipeline.lookup(table, self._frame)
        if flow is None:
            return
        self.visited.append(flow)
        for action in flow.actions:
            _DO[action.kind](self, action, depth)
        if flow.metadata is not None:
            value, mask = flow.metadata
            self._frame["metadata"] = self._frame.get("metadata", 0) & ~mask | value & mask
        if flow.goto is not None:
            self._visit(flow.goto.number, depth + 1)

    def _resubmit(self, action: Action, depth: int) -> None:
        self._visit(_number(action.args[0]), depth + 1)

    def _output(self, action: Action, depth: int) -> None:
        self._leave(_number(action.args[0]))

    def _output_register(self, action: Action, depth: int) -> None:
        self._leave(self._frame.get(str(action.args[0]), 0))

    def _to_controller(self, action: Action, depth: int) -> None:
        self._leave(CONTROLLER)

    def _set(self, action: Action, depth: int) -> None:
        what = action.args[0]
        assert isinstance(what, Field)
        self._frame[what.name] = int.from_bytes(what.value, "big")

    def _move(self, action: Action, depth: int) -> None:
        source, target, bits = str(action.args[0]), str(action.args[1]), _number(action.args[2])
        mask = (1 << bits) - 1
        self._frame[target] = self._frame.get(target, 0) & ~mask | self._frame.get(source, 0) & mask

    def _leave(self, port: int) -> None:
        in_port = self._frame["in_port"]
        if port == in_port:
            return  # OpenFlow 1.3.5, 4.5: only IN_PORT sends a frame back
        frame = {name: value for name, value in self._frame.items() if value and name not in _OWN}
        self.sent.append(Sent(in_port if port == IN_PORT else port, frame))


_DO: dict[str, Callable[[_Walk, Action, int], None]] = {
    "resubmit": _Walk._resubmit,
    "output": _Walk._output,
    "output_reg": _Walk._output_register,
    "controller": _Walk._to_controller,
    "set_field": _Walk._set,
    "move": _Walk._move,
}


def _doing(flow: Flow) -> object:
    return tuple(action.wire for action in flow.actions), flow.metadata, flow.goto


def _matches(field: Field, frame: Frame) -> bool:
    value = frame.get(field.name, 0)
    mask = (1 << HEADERS[field.name][2] * 8) - 1 if field.mask is None else int.from_bytes(field.mask, "big")
    return value & mask == int.from_bytes(field.value, "big") & mask


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value
