"""A switch's pipeline, interpreted: where a frame goes and what it is when it leaves.

Exact for the actions of `controller.flow`, as Open vSwitch does them (ofproto-dpif-xlate.c).  A frame is a map from
field to number, without the fields that are 0; what is below a label has names that begin with `below.`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

from .action import Action
from .actions import CONTROLLER, IN_PORT
from .fields import FIELDS, Field, Subfield
from .flow import Flow
from .group import Group
from .spec import FRAME, SWITCH, TRACKED

Frame = dict[str, int]

MOST_LOOKUPS = 4096  # MAX_RESUBMITS of Open vSwitch; goto counts, too
DEEPEST = 64  # MAX_DEPTH
_OWN = frozenset(spec.name for spec in FIELDS.values() if spec.home in (SWITCH, TRACKED))  # does not leave the switch
_OUTSIDE = frozenset(spec.name for spec in FIELDS.values() if spec.home != FRAME)  # no part of the frame itself
_LABEL = ("mpls_label", "mpls_tc", "mpls_ttl")
BELOW = "below."


class Sent(NamedTuple):
    """A frame that left by a port: the fields that it has outside the switch, and a tunnel's."""

    port: int
    frame: Frame


class Step(NamedTuple):
    """A frame was looked up in a table and met a flow, or none."""

    table: int
    flow: Flow | None


class _Dropped(Exception):
    """A meter has ended a frame's way."""


class Ambiguous(Exception):
    """Two flows of one priority match and differ in what they do: which is taken is the switch's choice."""


class Pipeline:
    """Flows, by table and priority.

    `down`: ports that have no carrier.  `chance` stands for the hash of a select group: it picks a bucket.
    `exhausted`: meters that let nothing through; what has been done with a frame before it meets one is done.
    """

    def __init__(
        self,
        flows: Iterable[Flow],
        down: frozenset[int] = frozenset(),
        chance: int = 0,
        exhausted: frozenset[int] = frozenset(),
    ) -> None:
        self.down = down
        self.exhausted = exhausted
        self.chance = chance
        self._tables: dict[int, dict[int, list[Flow]]] = {}
        for flow in flows:
            self._tables.setdefault(flow.table.number, {}).setdefault(flow.priority, []).append(flow)

    def send(self, frame: Frame) -> list[Sent]:
        """All that leaves because of a frame, in order; to the controller as port CONTROLLER."""
        return _Walk(self, frame).sent

    def trace(self, frame: Frame) -> tuple[list[Step], list[Sent]]:
        """The same, with every lookup on the way."""
        walk = _Walk(self, frame)
        return walk.steps, walk.sent

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
        self.steps: list[Step] = []
        self.visited: list[Flow] = []
        self._pipeline = pipeline
        self._frame = dict(frame)
        self._lookups = 0
        with suppress(_Dropped):
            self._visit(0, 1)

    def _visit(self, table: int, depth: int) -> None:
        self._lookups += 1
        assert self._lookups <= MOST_LOOKUPS and depth <= DEEPEST, "Open vSwitch would give up"
        flow = self._pipeline.lookup(table, self._frame)
        self.steps.append(Step(table, flow))
        if flow is None:
            return
        self.visited.append(flow)
        if flow.meter in self._pipeline.exhausted:
            raise _Dropped
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
        self._leave(self._read(action.args[0]))

    def _to_controller(self, action: Action, depth: int) -> None:
        self._leave(CONTROLLER)

    def _set(self, action: Action, depth: int) -> None:
        what = action.args[0]
        assert isinstance(what, Field)
        self._frame[what.name] = int.from_bytes(what.value, "big")

    def _move(self, action: Action, depth: int) -> None:
        self._write(action.args[1], self._read(action.args[0]))

    def _load(self, action: Action, depth: int) -> None:
        self._write(action.args[1], _number(action.args[0]))

    def _read(self, part: object) -> int:
        assert isinstance(part, Subfield)
        return self._frame.get(part.spec.name, 0) >> part.first & (1 << part.bits) - 1

    def _write(self, part: object, value: int) -> None:
        assert isinstance(part, Subfield)
        mask = (1 << part.bits) - 1 << part.first
        self._frame[part.spec.name] = self._frame.get(part.spec.name, 0) & ~mask | value << part.first & mask

    def _clone(self, action: Action, depth: int) -> None:
        self._on_a_copy([one for one in action.args if isinstance(one, Action)], depth)

    def _group(self, action: Action, depth: int) -> None:
        group = action.args[0]
        assert isinstance(group, Group)
        alive = [bucket for bucket in group.buckets if bucket.watch not in self._pipeline.down]
        if alive:
            chosen = alive[self._pipeline.chance % len(alive)] if group.kind == "select" else alive[0]
            self._on_a_copy(chosen.actions, depth)

    def _on_a_copy(self, actions: Iterable[Action], depth: int) -> None:
        kept = dict(self._frame)
        for action in actions:
            _DO[action.kind](self, action, depth)
        self._frame = kept

    def _encap(self, action: Action, depth: int) -> None:
        if action.args[0] == "mpls":
            outside = {name: value for name, value in self._frame.items() if name in _OUTSIDE}
            below = {BELOW + name: value for name, value in self._frame.items() if name not in _OUTSIDE}
            self._frame = {**outside, **below, "eth_type": 0x8847, "mpls_ttl": 64}

    def _decap(self, action: Action, depth: int) -> None:
        if action.args[0] == "mpls":
            self._pop(action, depth)
        else:
            for name in ("eth_src", "eth_dst"):
                self._frame.pop(name, None)

    def _push(self, action: Action, depth: int) -> None:
        frame = {BELOW + name if name.startswith(BELOW) else name: value for name, value in self._frame.items()}
        self._frame = {**frame, **{BELOW + name: frame[name] for name in _LABEL if name in frame}}

    def _pop(self, action: Action, depth: int) -> None:
        frame = {
            name: value for name, value in self._frame.items() if name not in _LABEL and not name.startswith(BELOW)
        }
        below = {name: value for name, value in self._frame.items() if name.startswith(BELOW)}
        self._frame = {**frame, **{name.removeprefix(BELOW): value for name, value in below.items()}}

    def _push_vlan(self, action: Action, depth: int) -> None:
        assert not self._frame.get("vlan_vid"), "a second tag is not interpreted"
        self._frame["vlan_vid"] = 0x1000

    def _pop_vlan(self, action: Action, depth: int) -> None:
        self._frame.pop("vlan_vid", None)

    def _label_ttl(self, action: Action, depth: int) -> None:
        self._frame["mpls_ttl"] = _number(action.args[0])

    def _leave(self, port: int) -> None:
        in_port = self._frame["in_port"]
        if port == in_port or port in self._pipeline.down:
            return  # OpenFlow 1.3.5, 4.5: only IN_PORT sends a frame back
        frame = {name: value for name, value in self._frame.items() if value and name not in _OWN}
        self.sent.append(Sent(in_port if port == IN_PORT else port, frame))


_DO: dict[str, Callable[[_Walk, Action, int], None]] = {
    "resubmit": _Walk._resubmit,
    "output": _Walk._output,
    "output_reg": _Walk._output_register,
    "controller": _Walk._to_controller,
    "set_field": _Walk._set,
    "load": _Walk._load,
    "move": _Walk._move,
    "clone": _Walk._clone,
    "group": _Walk._group,
    "encap": _Walk._encap,
    "decap": _Walk._decap,
    "push_vlan": _Walk._push_vlan,
    "pop_vlan": _Walk._pop_vlan,
    "push_mpls": _Walk._push,
    "pop_mpls": _Walk._pop,
    "set_mpls_ttl": _Walk._label_ttl,
}


def _doing(flow: Flow) -> object:
    return tuple(action.wire for action in flow.actions), flow.metadata, flow.goto, flow.meter


def _matches(field: Field, frame: Frame) -> bool:
    value = frame.get(field.name, 0)
    mask = (1 << 128) - 1 if field.mask is None else int.from_bytes(field.mask, "big")
    return value & mask == int.from_bytes(field.value, "big") & mask


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value
