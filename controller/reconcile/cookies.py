"""Cookies of the flows on a switch, in 8 bytes each: there are millions on a thousand switches."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Set
from typing import Any

FEW = 8  # cookies that are put into their places one by one; of more a new array is made


class CookieSet(Set[int]):
    """A set of 64-bit numbers as a sorted array: a sixth of the memory of a `set`, which it compares with."""

    __slots__ = ("_sorted",)

    def __init__(self, cookies: Iterable[int] = ()) -> None:
        self._sorted = array("Q", sorted(cookies if isinstance(cookies, Set) else set(cookies)))

    def __contains__(self, cookie: object) -> bool:
        numbers: Any = self._sorted  # which only numbers are looked for in
        at = bisect_left(numbers, cookie)
        return at < len(numbers) and bool(numbers[at] == cookie)

    def __iter__(self) -> Iterator[int]:
        return iter(self._sorted)

    def __len__(self) -> int:
        return len(self._sorted)

    def __repr__(self) -> str:
        return f"CookieSet({list(self._sorted)})"

    def update(self, cookies: Collection[int]) -> None:
        """Costs a copy of the array and a search for each of the new ones, not a sort of all."""
        held = self._sorted
        if len(cookies) > len(held):
            self._sorted = array("Q", sorted({*cookies, *held}))
        elif len(cookies) > FEW:
            made, start = array("Q"), 0
            for cookie in sorted(set(cookies)):
                at = bisect_left(held, cookie, start)
                made += held[start:at]
                made.append(cookie)
                start = at + (at < len(held) and held[at] == cookie)
            self._sorted = made + held[start:]
        else:
            for cookie in cookies:
                at = bisect_left(held, cookie)
                if at == len(held) or held[at] != cookie:
                    held.insert(at, cookie)

    def difference_update(self, cookies: Collection[int]) -> None:
        held = self._sorted
        if len(cookies) > FEW:
            made, start = array("Q"), 0
            for cookie in sorted(set(cookies)):
                at = bisect_left(held, cookie, start)
                if at < len(held) and held[at] == cookie:
                    made += held[start:at]
                    start = at + 1
            self._sorted = made + held[start:]
            return
        for cookie in cookies:
            at = bisect_left(held, cookie)
            if at < len(held) and held[at] == cookie:
                del held[at]
