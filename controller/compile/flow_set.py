"""A flow set: the claims of several owners, merged into at most one flow a match.

A set belongs to a switch, or to an object that many switches need the same flows for, as a network: then each of them
carries it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from controller.flow import Flow

Owner = tuple[str, ...]  # ("port", id), ("network", id), ("block", network id, number), ...


class FlowSetKey(NamedTuple):
    """The object that a flow set belongs to.  A table holds flows of one `kind` of set only (`Table.flow_set`)."""

    kind: str
    id: str


class FlowChange(NamedTuple):
    """One flow that replaces another; None stands for no flow."""

    old: Flow | None
    new: Flow | None


class Conflict(NamedTuple):
    """Owners that want the same match to do different things; `flow` was chosen, by every process alike."""

    flow: Flow
    owners: tuple[Owner, ...]


class FlowSet:
    """Claims of owners, settled into at most one flow a key."""

    __slots__ = ("_holders", "_touched", "claims")

    def __init__(self) -> None:
        self.claims: dict[Owner, tuple[Flow, ...]] = {}
        # key -> its flow, or where several owners claim the key, what each wants
        self._holders: dict[bytes, Flow | dict[Owner, Flow]] = {}
        self._touched: dict[bytes, Flow | None] = {}  # key -> its flow at the last settlement

    def __len__(self) -> int:
        return len(self._holders)

    def claim(self, owner: Owner, flows: tuple[Flow, ...]) -> None:
        """Make `flows` exactly what `owner` wants; none at all retires it."""
        old = self.claims.get(owner, ())
        if old == flows:
            return
        flows = _one_a_key(flows)
        self.claims.pop(owner, None)  # in between it holds nothing that `_hold` could find
        kept = set(old).intersection(flows) if old else ()
        for flow in old:
            if flow not in kept:
                self._leave(owner, flow)
        for flow in flows:
            if flow not in kept:
                self._hold(owner, flow)
        if flows:
            self.claims[owner] = flows

    def _hold(self, owner: Owner, flow: Flow) -> None:
        key = flow.key
        held = self._holders.get(key)
        if held is None:
            self._touched.setdefault(key, None)
            self._holders[key] = flow
            return
        self._touch(key, held)
        if isinstance(held, dict):
            held[owner] = flow
        else:
            holder = next(who for who, flows in self.claims.items() if held in flows)
            self._holders[key] = {holder: held, owner: flow}

    def _leave(self, owner: Owner, flow: Flow) -> None:
        key = flow.key
        held = self._holders[key]
        self._touch(key, held)
        if isinstance(held, dict):
            del held[owner]
            if len(held) == 1:
                self._holders[key] = next(iter(held.values()))
        else:
            del self._holders[key]

    def _touch(self, key: bytes, held: Flow | dict[Owner, Flow]) -> None:
        if key not in self._touched:
            self._touched[key] = _agreed(held) if isinstance(held, dict) else held

    def settle(self) -> tuple[list[FlowChange], list[Conflict]]:
        """What changed since the last settlement, once everybody has spoken."""
        changes, conflicts = [], []
        for key, old in self._touched.items():
            held = self._holders.get(key)
            new = _agreed(held) if isinstance(held, dict) else held
            if isinstance(held, dict) and len(set(held.values())) > 1 and new is not None:
                conflicts.append(Conflict(new, tuple(sorted(held))))
            if old is not new and (old is None or new is None or old != new):
                changes.append(FlowChange(old, new))
        self._touched.clear()
        return changes, conflicts

    def flows(self) -> Iterator[Flow]:
        """The flow of every key, as of now."""
        for held in self._holders.values():
            yield _agreed(held) if isinstance(held, dict) else held

    def owners(self, cookies: Collection[int]) -> Iterator[tuple[int, Owner]]:
        """Who wants the flows with these cookies, each with the cookie.  Looks at every claim."""
        for owner, flows in self.claims.items():
            for flow in flows:
                if flow.cookie in cookies:
                    yield flow.cookie, owner


def _one_a_key(flows: tuple[Flow, ...]) -> tuple[Flow, ...]:
    """An owner's flows, no key twice; of several that do different things the one that `_agreed` would take."""
    keys = {flow.key for flow in flows}
    if len(keys) == len(flows):
        return flows
    least: dict[bytes, Flow] = {}
    for flow in sorted(flows, key=lambda flow: flow.wire):
        least.setdefault(flow.key, flow)
    return tuple(least.values())


def _agreed(held: dict[Owner, Flow]) -> Flow:
    return min(held.values(), key=lambda flow: flow.wire)
