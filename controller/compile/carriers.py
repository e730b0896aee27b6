"""Flow sets of each switch: its own, and all that those ask for in turn.

A set may ask for others, in circles too: what a switch carries is the closure.  It is computed again for a switch only
when a set that it carries asks for other sets than before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from controller.compile.flow_set import FlowSetKey


class Moves(NamedTuple):
    """Flow sets that each switch begins or ceases to carry in a round; no switch has none."""

    joined: dict[str, Collection[FlowSetKey]]
    left: dict[str, Collection[FlowSetKey]]


class Carriers:
    def __init__(self) -> None:
        self._carried: dict[str, tuple[FlowSetKey, ...]] = {}  # switch -> its sets, as of the last round
        self._carriers: dict[FlowSetKey, set[str]] = {}
        self._asks: dict[FlowSetKey, tuple[FlowSetKey, ...]] = {}  # of the sets that ask for any
        self._due: set[str] = set()  # switches that may carry others now
        self._closures: dict[str, tuple[FlowSetKey, ...]] = {}  # of some of these
        self._loose: set[FlowSetKey] = set()  # sets that may have no carrier

    def enter(self, switch_id: str) -> None:
        self._carried[switch_id] = ()
        self._due.add(switch_id)

    def leave(self, switch_id: str) -> None:
        self._due.discard(switch_id)
        for key in self._carried.pop(switch_id):
            self._carriers[key].discard(switch_id)
            self._loose.add(key)
        self._asks.pop(FlowSetKey("switch", switch_id), None)
        self._closures.pop(switch_id, None)

    def begin(self, key: FlowSetKey) -> None:
        """Add a new set, which is dropped if no switch carries it at the end of the round."""
        self._loose.add(key)

    def ask(self, key: FlowSetKey, asked: tuple[FlowSetKey, ...]) -> None:
        """Set the flow sets that `key` asks for."""
        if asked == self._asks.get(key, ()):
            return
        if asked:
            self._asks[key] = asked
        else:
            del self._asks[key]
        self._due.update(self._carriers.get(key, ()))
        self._closures.clear()

    def needed(self) -> Iterator[Iterable[FlowSetKey]]:
        """Sets that each switch of this round may carry: those whose closure is to be recomputed.  A switch a step; the
        caller may do anything in between.
        """
        for switch_id in list(self._due):
            yield self._closure(switch_id)

    def of(self, switch_id: str) -> tuple[FlowSetKey, ...]:
        """Sets that a switch carries as of the last round, its own first, in the same order in every process."""
        return self._carried.get(switch_id, ())

    def carrying(self, key: FlowSetKey) -> Iterable[str]:
        """Switches that carry a set as of the last round."""
        return self._carriers.get(key, ())

    def settle(self) -> Moves:
        """End a round: recompute the closure of each switch that may have changed."""
        moves = Moves({}, {})
        carriers = self._carriers
        for switch_id in self._due:
            before, now = self._carried[switch_id], self._closure(switch_id)
            if before == now:
                continue
            self._carried[switch_id] = now
            was, be = set(before), set(now)
            if joined := dict.fromkeys([key for key in now if key not in was]):
                moves.joined[switch_id] = joined
                for key in joined:
                    carriers.setdefault(key, set()).add(switch_id)
            if left := [key for key in before if key not in be]:
                moves.left[switch_id] = left
                for key in left:
                    carriers[key].discard(switch_id)
                self._loose.update(left)
        self._due.clear()
        self._closures.clear()
        return moves

    def loose(self) -> set[FlowSetKey]:
        """Drop and return the sets that no switch carries."""
        loose, self._loose = {key for key in self._loose if not self._carriers.get(key)}, set()
        for key in loose:
            self._carriers.pop(key, None)
            self._asks.pop(key, None)
        return loose

    def __bool__(self) -> bool:
        """Whether any switch or flow set is kept."""
        return bool(self._carried or self._carriers or self._asks or self._due or self._loose)

    def _closure(self, switch_id: str) -> tuple[FlowSetKey, ...]:
        closure = self._closures.get(switch_id)
        if closure is None:
            closure = self._closures[switch_id] = self._found(switch_id)
        return closure

    def _found(self, switch_id: str) -> tuple[FlowSetKey, ...]:
        root = FlowSetKey("switch", switch_id)
        found: dict[FlowSetKey, None] = {root: None}
        todo = [root]
        while todo:
            for key in self._asks.get(todo.pop(), ()):
                if key not in found:
                    found[key] = None
                    todo.append(key)
        return tuple(found)
