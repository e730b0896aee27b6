"""Flow sets of each switch: its own, and all that those ask for in turn.

A set may ask for others, in circles too: what a switch carries is the closure.  It is computed again for a switch only
when a set that it carries asks for other sets than before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from controller.compile.flow_set import FlowSetKey


class Moves(NamedTuple):
    """Flow sets that each switch begins or ceases to carry in a round."""

    joined: list[tuple[str, FlowSetKey]]
    left: list[tuple[str, FlowSetKey]]


class Carriers:
    def __init__(self) -> None:
        self._carried: dict[str, tuple[FlowSetKey, ...]] = {}  # switch -> its sets, as of the last round
        self._carriers: dict[FlowSetKey, set[str]] = {}
        self._asks: dict[FlowSetKey, tuple[FlowSetKey, ...]] = {}  # of the sets that ask for any
        self._due: set[str] = set()  # switches that may carry others now
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

    def needed(self) -> Iterator[FlowSetKey]:
        """Sets that the switches of this round may carry: those whose closure is to be recomputed."""
        for switch_id in self._due:
            yield from self._closure(switch_id)

    def of(self, switch_id: str) -> tuple[FlowSetKey, ...]:
        """Sets that a switch carries as of the last round, its own first, in the same order in every process."""
        return self._carried.get(switch_id, ())

    def carrying(self, key: FlowSetKey) -> Iterable[str]:
        """Switches that carry a set as of the last round."""
        return self._carriers.get(key, ())

    def settle(self) -> Moves:
        """End a round: recompute the closure of each switch that may have changed."""
        moves = Moves([], [])
        for switch_id in self._due:
            before, now = self._carried[switch_id], self._closure(switch_id)
            self._carried[switch_id] = now
            was, be = set(before), set(now)
            moves.joined.extend((switch_id, key) for key in now if key not in was)
            moves.left.extend((switch_id, key) for key in before if key not in be)
        self._due.clear()
        for switch_id, key in moves.left:
            self._carriers[key].discard(switch_id)
            self._loose.add(key)
        for switch_id, key in moves.joined:
            self._carriers.setdefault(key, set()).add(switch_id)
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
        root = FlowSetKey("switch", switch_id)
        found: dict[FlowSetKey, None] = {root: None}
        todo = [root]
        while todo:
            for key in self._asks.get(todo.pop(), ()):
                if key not in found:
                    found[key] = None
                    todo.append(key)
        return tuple(found)
