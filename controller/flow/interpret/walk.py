"""One frame on its way through a pipeline: what each action does to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from ..action import Action
from ..actions import CONTROLLER, IN_PORT, Punt, Spread
from ..fields import Field, Subfield, subfield
from ..flow import Flow
from ..group import Group
from ..tracking import Track
from .frame import BELOW, HIDDEN, LABEL, OF_TRACKER, OUTSIDE, STATE, Frame, of_datapath, outside, read, write
from .tracker import Tracker, TrackRequest

if TYPE_CHECKING:
    from .pipeline import Pipeline

MOST_LOOKUPS = 4096  # MAX_RESUBMITS of Open vSwitch; goto counts, too
DEEPEST = 64  # MAX_DEPTH: lookups inside lookups, of which each goes back to a table or stays in it


class Sent(NamedTuple):
    """A frame that left by a port: the fields that it has outside the switch, and a tunnel's."""

    port: int
    frame: Frame


class Step(NamedTuple):
    """A frame was looked up in a table and met a flow, or none."""

    table: int
    flow: Flow | None


class _Dropped(Exception):
    """A frame's way has ended: a meter, a fragment that waits for others, or it was looked up too deep."""


class Walk:
    """All changes to the frame stay, those made after a resubmit too."""

    def __init__(self, pipeline: Pipeline, frame: Frame, tracker: Tracker) -> None:
        self.sent: list[Sent] = []
        self.steps: list[Step] = []
        self.tracker = tracker
        self._pipeline = pipeline
        self._frame = dict(frame)
        self._lookups = 0
        self._table = -1
        self._stack: list[int] = []
        with suppress(_Dropped):
            self._visit(0, 0)

    def _visit(self, table: int, depth: int) -> None:
        """Look the frame up from a table on.  `depth`: in how many lookups this one is, of which each goes back."""
        before = self._table
        found: int | None = table
        while found is not None:
            self._lookups += 1
            assert self._lookups <= MOST_LOOKUPS, "Open vSwitch would give up"
            if depth >= DEEPEST:  # as where routers send packets in circles: all that was to be done is not
                self.sent.clear()
                raise _Dropped
            depth += found <= self._table
            self._table = found
            found = self._meet(found, depth)
        self._table = before

    def _meet(self, table: int, depth: int) -> int | None:
        """Do as the flow says that the frame meets; the table where it goes on."""
        flow = self._pipeline.lookup(table, self._frame)
        self.steps.append(Step(table, flow))
        if flow is None:
            return None
        if flow.meter is not None and flow.meter.number in self._pipeline.exhausted:
            raise _Dropped
        if not self._do(flow.actions, depth):
            return None
        if flow.metadata is not None:
            value, mask = flow.metadata
            self._frame["metadata"] = self._frame.get("metadata", 0) & ~mask | value & mask
        return None if flow.goto is None else flow.goto.number

    def _do(self, actions: Iterable[Action], depth: int) -> bool:
        """Whether all was done: a TTL that has run out ends a list of actions."""
        for action in actions:
            if action.kind == "dec_ttl" and not self._dec_ttl(action):
                return False
            DO[action.kind](self, action, depth)
        return True

    # --- where to ---

    def _resubmit(self, action: Action, depth: int) -> None:
        self._visit(_number(action.args[0]), depth)

    def _output(self, action: Action, depth: int) -> None:
        self._leave(_number(action.args[0]))

    def _output_register(self, action: Action, depth: int) -> None:
        self._leave(read(self._frame, _part(action.args[0])))

    def _to_controller(self, action: Action, depth: int) -> None:
        punt = action.args[0]
        assert isinstance(punt, Punt)
        if punt.meter is None or punt.meter.number not in self._pipeline.exhausted:
            self._leave(CONTROLLER)

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
        self._do(actions, depth)
        self._frame = kept

    def _leave(self, port: int) -> None:
        in_port = self._frame["in_port"]
        if port == in_port or port in self._pipeline.down:
            return  # OpenFlow 1.3.5, 4.5: only IN_PORT sends a frame back
        self.sent.append(Sent(in_port if port == IN_PORT else port, outside(self._frame)))

    # --- the connection tracker ---

    def _ct(self, action: Action, depth: int) -> None:
        """The datapath tracks and translates; who is to be looked up again is, knowing the answer; what follows the
        action knows neither answer nor translation, though what leaves is translated.
        """
        track = action.args[0]
        assert isinstance(track, Track)
        zone = track.zone if isinstance(track.zone, int) else read(self._frame, subfield(track.zone))
        mark, label = self._marks(track.marks, depth)
        request = TrackRequest(zone, track.commit, track.force, track.nat, mark, label)
        known = of_datapath(self._frame)
        verdict = self.tracker.track(known, request)
        if verdict is None:
            raise _Dropped
        self.tracker = verdict.tracker
        state = {HIDDEN + name: verdict.tracked[name] for name in ("ct_state", "ct_zone")}
        now = {name: value for name, value in known.items() if name not in OF_TRACKER} | verdict.translated | state
        kept = {name: value for name, value in self._frame.items() if name not in OF_TRACKER}
        kept |= {HIDDEN + name: value for name, value in verdict.translated.items()} | state
        if track.table is not None:
            lookups, self._lookups, self._frame = self._lookups, 0, now | verdict.tracked
            here, self._table = self._table, -1
            with suppress(_Dropped):
                self._visit(track.table, 0)
            self._lookups, self._table = lookups, here
        self._frame = kept

    def _marks(self, actions: tuple[Action, ...], depth: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """What actions set mark and label to: values and masks."""
        kept, masks = dict(self._frame), {"ct_mark": 0, "ct_label": 0}
        for action in actions:
            DO[action.kind](self, action, depth)
            held = action.args[-1]  # a field that is set whole, or where a load or a move goes
            if isinstance(held, Field):
                masks[held.name] = (1 << 8 * len(held.value)) - 1
            else:
                part = _part(held)
                masks[part.spec.name] |= (1 << part.bits) - 1 << part.first
        done, self._frame = self._frame, kept
        return (done.get("ct_mark", 0), masks["ct_mark"]), (done.get("ct_label", 0), masks["ct_label"])

    def _ct_clear(self, action: Action, depth: int) -> None:
        for name in (*OF_TRACKER, *STATE):
            self._frame.pop(name, None)

    # --- what is in the frame ---

    def _set(self, action: Action, depth: int) -> None:
        what = action.args[0]
        assert isinstance(what, Field)
        write(self._frame, subfield(what.name), int.from_bytes(what.value, "big"))

    def _move(self, action: Action, depth: int) -> None:
        write(self._frame, _part(action.args[1]), read(self._frame, _part(action.args[0])))

    def _load(self, action: Action, depth: int) -> None:
        write(self._frame, _part(action.args[1]), _number(action.args[0]))

    def _push_field(self, action: Action, depth: int) -> None:
        self._stack.append(read(self._frame, _part(action.args[0])))

    def _pop_field(self, action: Action, depth: int) -> None:
        if self._stack:
            write(self._frame, _part(action.args[0]), self._stack.pop())

    def _dec_ttl(self, action: Action) -> bool:
        """Whether the frame goes on.  One that does not say its TTL has enough."""
        ttl = self._frame.get("ip_ttl")
        if ttl is None:
            return True
        if ttl <= 1:
            for _ in action.args or (0,):
                self._leave(CONTROLLER)
            return False
        write(self._frame, subfield("ip_ttl"), ttl - 1)
        return True

    def _check_length(self, action: Action, depth: int) -> None:
        larger = self._frame.get("length", 0) > _number(action.args[0])
        write(self._frame, _part(action.args[1]), int(larger))

    def _spread(self, action: Action, depth: int) -> None:
        spread = action.args[0]
        assert isinstance(spread, Spread)
        write(self._frame, spread.target, self._pipeline.chance % spread.links)

    def _nothing(self, action: Action, depth: int) -> None:
        """For a reader, the classifier or a queue: the frame is the same."""

    # --- headers ---

    def _encap(self, action: Action, depth: int) -> None:
        if action.args[0] == "mpls":
            apart = {name: value for name, value in self._frame.items() if name in OUTSIDE}
            below = {BELOW + name: value for name, value in self._frame.items() if name not in OUTSIDE}
            self._frame = {**apart, **below, "eth_type": 0x8847, "mpls_ttl": 64}

    def _decap(self, action: Action, depth: int) -> None:
        if action.args[0] == "mpls":
            self._pop_label(action, depth)
        else:
            for name in ("eth_src", "eth_dst"):
                self._frame.pop(name, None)

    def _push_label(self, action: Action, depth: int) -> None:
        frame = {BELOW + name if name.startswith(BELOW) else name: value for name, value in self._frame.items()}
        self._frame = {**frame, **{BELOW + name: frame[name] for name in LABEL if name in frame}}

    def _pop_label(self, action: Action, depth: int) -> None:
        frame = {name: value for name, value in self._frame.items() if name not in LABEL and not name.startswith(BELOW)}
        below = {name: value for name, value in self._frame.items() if name.startswith(BELOW)}
        self._frame = {**frame, **{name.removeprefix(BELOW): value for name, value in below.items()}}

    def _label_ttl(self, action: Action, depth: int) -> None:
        self._frame["mpls_ttl"] = _number(action.args[0])

    def _push_vlan(self, action: Action, depth: int) -> None:
        assert not self._frame.get("vlan_vid"), "a second tag is not interpreted"
        self._frame["vlan_vid"] = 0x1000

    def _pop_vlan(self, action: Action, depth: int) -> None:
        self._frame.pop("vlan_vid", None)
        self._frame.pop("vlan_pcp", None)


# What each kind of the tables of actions does; a test compares the names.
DO: dict[str, Callable[[Walk, Action, int], None]] = {
    "resubmit": Walk._resubmit,
    "output": Walk._output,
    "output_cut": Walk._output,
    "output_reg": Walk._output_register,
    "controller": Walk._to_controller,
    "set_field": Walk._set,
    "load": Walk._load,
    "move": Walk._move,
    "push": Walk._push_field,
    "pop": Walk._pop_field,
    "clone": Walk._clone,
    "group": Walk._group,
    "ct": Walk._ct,
    "ct_clear": Walk._ct_clear,
    "dec_ttl": Walk._nothing,  # it may end the list that it is in: see Walk._do
    "check_pkt_larger": Walk._check_length,
    "multipath": Walk._spread,
    "conjunction": Walk._nothing,
    "note": Walk._nothing,
    "set_queue": Walk._nothing,
    "pop_queue": Walk._nothing,
    "encap": Walk._encap,
    "decap": Walk._decap,
    "push_vlan": Walk._push_vlan,
    "pop_vlan": Walk._pop_vlan,
    "push_mpls": Walk._push_label,
    "pop_mpls": Walk._pop_label,
    "set_mpls_ttl": Walk._label_ttl,
}


def _part(value: object) -> Subfield:
    assert isinstance(value, Subfield)
    return value


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value
