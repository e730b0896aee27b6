"""The flow that a frame meets in a table, found as Open vSwitch's classifier finds it.

Flows of one priority that look at the same bits of the same fields are one map from those bits to the flow: a lookup
costs as many steps as there are such shapes, however many flows there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from ..fields import Field
from ..flow import Flow
from .frame import Frame

Shape = tuple[tuple[str, int], ...]  # fields and masks; -1: every bit


class Ambiguous(Exception):
    """Two flows of one priority match and differ in what they do: which is taken is the switch's choice."""


class _Map(NamedTuple):
    """Flows of one priority and shape, by the values that they want."""

    priority: int
    shape: Shape
    flows: dict[tuple[int, ...], list[Flow]]

    def find(self, frame: Frame) -> list[Flow]:
        return self.flows.get(tuple([frame.get(name, 0) & mask for name, mask in self.shape]), [])


class TableIndex:
    """The flows of one table; `shapes`: how many maps a lookup may have to ask."""

    def __init__(self, flows: Iterable[Flow]) -> None:
        maps: dict[tuple[int, Shape], _Map] = {}
        for flow in flows:
            shape = tuple((one.name, _mask(one)) for one in flow.match)
            values = tuple(_value(one) for one in flow.match)
            found = maps.setdefault((flow.priority, shape), _Map(flow.priority, shape, {}))
            found.flows.setdefault(values, []).append(flow)
        self.shapes = len(maps)
        ordered = sorted(maps.values(), key=lambda one: -one.priority)
        self._levels = [list(same) for _, same in groupby(ordered, key=lambda one: one.priority)]

    def find(self, frame: Frame) -> Flow | None:
        """Raises `Ambiguous` where the switch's choice decides."""
        for found in self._by_priority(frame):
            plain = [flow for flow in found if not flow.conjunctions]
            if plain:
                return _same(plain, frame)
            if (flow := self._conjunctive(found, frame)) is not None:
                return flow
        return None

    def _by_priority(self, frame: Frame) -> Iterator[list[Flow]]:
        """What matches, highest priority first."""
        for level in self._levels:
            if found := [flow for one in level for flow in one.find(frame)]:
                yield found

    def _conjunctive(self, clauses: list[Flow], frame: Frame) -> Flow | None:
        """What the frame meets with the `conj_id` of a conjunction whose clauses are all fulfilled at one priority.

        That second lookup is a whole one, so a flow of another kind may win it.
        """
        fulfilled: dict[int, set[int]] = {}
        totals: dict[int, int] = {}
        for flow in clauses:
            for number, clause, total in flow.conjunctions:
                fulfilled.setdefault(number, set()).add(clause)
                totals[number] = total
        numbers = [number for number, done in fulfilled.items() if len(done) == totals[number]]
        met = [self._plain({**frame, "conj_id": number}) for number in numbers]
        if len({flow and _doing(flow) for flow in met}) > 1:
            raise Ambiguous(f"{frame} fulfils conjunctions {sorted(numbers)}: only one of them is looked up")
        return met[0] if met else None

    def _plain(self, frame: Frame) -> Flow | None:
        for found in self._by_priority(frame):
            if plain := [flow for flow in found if not flow.conjunctions]:
                return _same(plain, frame)
        return None


def _same(found: list[Flow], frame: Frame) -> Flow:
    if len(found) > 1 and len({_doing(flow) for flow in found}) > 1:
        raise Ambiguous(f"{frame} matches {found}")
    return found[0]


def _doing(flow: Flow) -> object:
    return tuple(action.wire for action in flow.actions), flow.metadata, flow.goto, flow.meter


def _mask(one: Field) -> int:
    return -1 if one.mask is None else int.from_bytes(one.mask, "big")


def _value(one: Field) -> int:
    return int.from_bytes(one.value, "big") & _mask(one)
