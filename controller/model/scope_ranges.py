"""Address ranges of the subnet pools of each address scope, in order: which other pool holds one of these addresses?"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from functools import lru_cache

from sortedcontainers import SortedList  # type: ignore[import-untyped]

from .kinds import SubnetPool

Range = tuple[int, int]  # the first and the last address of a prefix, as integers
_LAST_ID = "\uffff"  # after every pool id


@lru_cache(maxsize=4096)
def ranges_of(prefixes: tuple[str, ...]) -> tuple[Range, ...]:
    """Canonical prefixes as ranges, in their order; parsed once for each pool."""
    return tuple(_range(*prefix.split("/")) for prefix in prefixes)


def _range(address: str, length: str) -> Range:
    family, bits = (socket.AF_INET6, 128) if ":" in address else (socket.AF_INET, 32)
    first = int.from_bytes(socket.inet_pton(family, address), "big")
    return first, first + (1 << (bits - int(length))) - 1


class ScopeRanges:
    """Ranges of one scope are disjoint, because the rules keep them so: a look-up costs n log n of what is asked for,
    however many pools the scope has.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[str, SortedList] = {}  # scope id -> (first, last, pool id)

    def change(self, old: SubnetPool | None, new: SubnetPool | None) -> None:
        """A pool came, changed or went."""
        if old is not None and new is not None and _same(old, new):
            return
        if old is not None and old.address_scope_id:
            held = self._held[old.address_scope_id]
            for first, last in ranges_of(old.prefixes):
                held.discard((first, last, old.id))
            if not held:
                del self._held[old.address_scope_id]
        if new is not None and new.address_scope_id:
            held = self._held.setdefault(new.address_scope_id, SortedList())
            held.update((first, last, new.id) for first, last in ranges_of(new.prefixes))

    def holder(self, scope_id: str, wanted: Sequence[Range], besides: Iterable[str] = ()) -> str | None:
        """The id of a pool in the scope that holds an address of these ranges; not one of `besides`."""
        held = self._held.get(scope_id)
        if held is None:
            return None
        others = frozenset(besides)
        for first, last in wanted:
            start = max(held.bisect_right((first, -1, "")) - 1, 0)
            stop = held.bisect_right((last, float("inf"), _LAST_ID))
            for _, high, pool_id in held.islice(start, stop):
                if high >= first and pool_id not in others:
                    return str(pool_id)
        return None


def _same(old: SubnetPool, new: SubnetPool) -> bool:
    return old.address_scope_id == new.address_scope_id and old.prefixes == new.prefixes
