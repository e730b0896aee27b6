"""Address ranges of the subnet pools of each address scope, in order: does another pool hold one of these addresses?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from socket import AF_INET, AF_INET6, inet_pton

from sortedcontainers import SortedList  # type: ignore[import-untyped]

from .rows import SubnetPool

Range = tuple[int, int]  # the first and the last address of a prefix, as integers


@lru_cache(maxsize=4096)
def ranges_of(prefixes: tuple[str, ...]) -> tuple[Range, ...]:
    """Ranges of canonical prefixes, in their order; parsed once a pool."""
    return tuple(_range(*prefix.split("/")) for prefix in prefixes)


def _range(address: str, length: str) -> Range:
    family, bits = (AF_INET6, 128) if ":" in address else (AF_INET, 32)
    first = int.from_bytes(inet_pton(family, address), "big")
    return first, first + (1 << (bits - int(length))) - 1


class ScopeRanges:
    """Address ranges of the pools of each address scope.

    The rules keep those of one scope disjoint, so a look-up of n ranges costs n log m in a scope of m.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[str, SortedList] = {}  # scope id -> (first, last, pool id)

    def change(self, old: SubnetPool | None, new: SubnetPool | None) -> None:
        """Take in a pool that was added, changed or deleted."""
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

    def overlaps(self, scope_id: str, wanted: Sequence[Range], besides: str) -> bool:
        """Whether another pool of the scope than `besides` overlaps these ranges."""
        held = self._held.get(scope_id)
        if held is None:
            return False
        for first, last in wanted:
            start = max(held.bisect_right((first, -1, "")) - 1, 0)
            stop = held.bisect_right((last, float("inf"), ""))
            if any(high >= first and pool_id != besides for _, high, pool_id in held.islice(start, stop)):
                return True
        return False


def _same(old: SubnetPool, new: SubnetPool) -> bool:
    return old.address_scope_id == new.address_scope_id and old.prefixes == new.prefixes
