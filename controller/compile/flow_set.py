"""Flow set: the claims of several owners, merged into at most one flow a match where the protocol merges them.

A set belongs to a switch, or to an object that many switches need the same flows for, as a network: then each of them
carries it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from controller.flow import Flow
from controller.flow.merging import merge

Owner = tuple[str, ...]  # ("port", id), ("network", id), ("block", network id, number), ...


class FlowSetKey(NamedTuple):
    """Object that a flow set belongs to.  A table holds flows of one `kind` of set only (`Table.flow_set`)."""

    kind: str
    id: str


class FlowChange(NamedTuple):
    """Replacement of one flow by another; None: no flow."""

    old: Flow | None
    new: Flow | None


class FlowConflict(NamedTuple):
    """Conflict of owners that want different actions for one match; every process chooses the same `flow`."""

    flow: Flow
    owners: tuple[Owner, ...]


class FlowSet:
    """Claims of owners, settled into at most one flow a key."""

    __slots__ = ("_held", "_touched", "_using", "claims")

    def __init__(self) -> None:
        self._using: tuple[Flow, ...] | None = None
        self.claims: dict[Owner, tuple[Flow, ...]] = {}
        self._held: dict[bytes, Flow | _Shared] = {}  # by key; shared where several owners claim it
        self._touched: dict[bytes, Flow | None] = {}  # key -> its flow at the last settlement

    def __len__(self) -> int:
        return len(self._held)

    def claim(self, owner: Owner, flows: tuple[Flow, ...]) -> None:
        """Set the flows that `owner` claims; none retires it.  Costs as much as there are flows."""
        old = self.claims.get(owner, ())
        if old == flows:
            return
        self._using = None
        flows = _one_a_key(flows)
        kept = set(old).intersection(flows) if old else ()
        for flow in old:
            if flow not in kept:
                self._leave(owner, flow)
        held, touched = self._held, self._touched
        for flow in flows:
            if kept and flow in kept:
                continue
            key = flow.key
            if key in held:
                self._share(owner, flow)
            else:
                held[key] = flow
                touched.setdefault(key, None)
        if flows:
            self.claims[owner] = flows
        else:
            del self.claims[owner]

    def _share(self, owner: Owner, flow: Flow) -> None:
        key = flow.key
        held = self._held[key]
        self._touch(key, held)
        if not isinstance(held, _Shared):
            held = self._held[key] = _Shared(held)
        held.put(owner, flow)

    def _leave(self, owner: Owner, flow: Flow) -> None:
        key = flow.key
        held = self._held[key]
        self._touch(key, held)
        if isinstance(held, _Shared):
            held.drop(owner)
            if len(held.flows) == 1:
                (self._held[key],) = held.flows.values()
        else:
            del self._held[key]

    @property
    def using(self) -> tuple[Flow, ...]:
        """The flows that use groups, meters or zones, which are few; found once for all switches that carry the set."""
        if self._using is None:
            self._using = tuple([flow for flow in self.flows() if flow.refers])
        return self._using

    def _touch(self, key: bytes, held: Flow | _Shared) -> None:
        if key not in self._touched:
            self._touched[key] = _flow(held)

    def settle(self) -> tuple[list[FlowChange], list[FlowConflict]]:
        """Changes since the last settlement, after all owners have claimed."""
        changes, conflicting = [], []
        every = self._held
        for key, old in self._touched.items():
            held = every.get(key)
            if old is None and type(held) is Flow:  # as nearly all, while a set is being filled
                changes.append(FlowChange(None, held))
                continue
            new = None if held is None else _flow(held)
            if isinstance(held, _Shared) and not held.agrees:
                conflicting.append(held)
            if old is not new and (old is None or new is None or old != new):
                changes.append(FlowChange(old, new))
        self._touched.clear()
        self._name([shared for shared in conflicting if _FIRST in shared.flows])
        return changes, [FlowConflict(shared.flow, tuple(sorted(shared.flows))) for shared in conflicting]

    def _name(self, conflicting: Collection[_Shared]) -> None:
        """Find the unnamed first owners.  Looks at every claim, once in a round with a new conflict."""
        unnamed = {shared.flow.key: shared for shared in conflicting}
        if not unnamed:
            return
        for owner, flows in self.claims.items():
            for flow in flows:
                shared = unnamed.get(flow.key)
                if shared is not None and owner not in shared.flows:
                    shared.flows[owner] = shared.flows.pop(_FIRST)

    def flows(self) -> Iterator[Flow]:
        """Present flow of every key."""
        return map(_flow, self._held.values())

    def explained(self, cookies: Collection[int] | None = None) -> Iterator[tuple[Flow, list[Owner]]]:
        """Flows, or those with these cookies, each with its owners.  Looks at every claim."""
        why: dict[bytes, list[Owner]] = {}
        wanted = [held for held in self._held.values() if cookies is None or _flow(held).cookie in cookies]
        chosen = {(flow := _flow(held)).key: (flow, isinstance(held, _Shared) and held.agrees) for held in wanted}
        for owner, flows in self.claims.items():
            for flow in flows:
                found = chosen.get(flow.key)
                if found is not None and (found[1] or found[0] == flow):
                    why.setdefault(flow.key, []).append(owner)
        for key, (flow, _) in chosen.items():
            yield flow, why[key]


class _Shared:
    """A key that several owners claim: what each wants, and the one flow that comes of it.

    The first of them is not named: whoever leaves and has no name here is that one.  So nobody has to be looked for
    when a second owner comes, and a key that one owner claims, as nearly all, costs nothing but its flow.
    """

    __slots__ = ("_merged", "flows")

    def __init__(self, first: Flow) -> None:
        self.flows: dict[Owner, Flow] = {_FIRST: first}
        self._merged: tuple[Flow, bool] | None = None

    def put(self, owner: Owner, flow: Flow) -> None:
        self.flows[owner] = flow
        self._merged = None

    def drop(self, owner: Owner) -> None:
        del self.flows[owner if owner in self.flows else _FIRST]
        self._merged = None

    @property
    def flow(self) -> Flow:
        return self._settled()[0]

    @property
    def agrees(self) -> bool:
        """Whether the flow does what each owner claims."""
        return self._settled()[1]

    def _settled(self) -> tuple[Flow, bool]:
        if self._merged is None:
            merged = merge(self.flows.values())
            self._merged = (_least(self.flows.values()), False) if merged is None else (merged, True)
        return self._merged


_FIRST: Owner = ()


def _flow(held: Flow | _Shared) -> Flow:
    return held.flow if isinstance(held, _Shared) else held


def _least(flows: Iterable[Flow]) -> Flow:
    """Choice among flows that differ, the same in every process."""
    return min(flows, key=lambda flow: flow.wire)


def _one_a_key(flows: tuple[Flow, ...]) -> tuple[Flow, ...]:
    """An owner's flows, no key twice: merged, or of several that do different things the one that is always chosen."""
    if len(flows) < 2 or len({flow.key for flow in flows}) == len(flows):
        return flows
    by_key: dict[bytes, list[Flow]] = {}
    for flow in flows:
        by_key.setdefault(flow.key, []).append(flow)
    return tuple([merge(some) or _least(some) for some in by_key.values()])
