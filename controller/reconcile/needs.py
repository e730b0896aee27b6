"""Groups and meters that flows refer to by number: reference counts and differences.

They have no owners: a switch holds those that its flows use.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from controller.flow import Flow


class Numbered(Protocol):
    @property
    def number(self) -> int: ...


T = TypeVar("T", bound=Numbered)


class Difference(NamedTuple, Generic[T]):
    """Changes of groups or meters.  `missing`: to be added or corrected; `gone`: numbers that no flow uses any more;
    `clashing`: cookies of flows whose number another object has already.
    """

    missing: tuple[T, ...] = ()
    gone: frozenset[int] = frozenset()
    clashing: frozenset[int] = frozenset()


NONE: Difference[Any] = Difference()


class Needs(Generic[T]):
    """Groups or meters of one switch.  `held`: numbers on the switch; `right`: those of them with the right content."""

    __slots__ = ("_users", "due", "held", "right", "used")

    def __init__(self) -> None:
        self.used: dict[int, Sequence[T]] = {}  # cookie of an installed or pending flow -> what it uses
        self.held: set[int] = set()
        self.right: set[int] = set()
        self.due = False  # compare even if no flow changes
        self._users: dict[int, set[int]] = {}  # number -> cookies of the flows on the switch that use it

    def seen(self, right: set[int], wrong: set[int]) -> None:
        """Take over the result of a dump."""
        self.held, self.right = right | wrong, set(right)
        self.due = bool(self.held)

    def begin(self, used: Mapping[int, Sequence[T]], installed: set[int]) -> None:
        """Start again with exactly what the wanted flows use; `installed`: cookies of the flows on the switch."""
        self.used = dict(used)
        self.due = self.due or bool(used)
        self._users = {}
        self._add_users(used.keys() & installed)

    def difference(self, put: Iterable[Flow], drop: set[int]) -> Difference[T]:
        """Changes needed when the flows of `put` are added and those of `drop` are deleted.

        Of two objects with one number, the one of an installed flow wins, then that of the lowest cookie.
        """
        adders: dict[int, list[int]] = {}
        for cookie in self.used.keys() & {flow.cookie for flow in put}:
            for number in self._numbers(cookie):
                adders.setdefault(number, []).append(cookie)
        affected = {number for cookie in self.used.keys() & drop for number in self._numbers(cookie)} | adders.keys()
        if self.due:
            affected |= self.held | self._users.keys()
        self.due = False
        missing, gone, clashing = [], set(), set()
        for number in sorted(affected):
            users = [*sorted(self._users.get(number, set()) - drop), *sorted(adders.get(number, ()))]
            if not users:
                gone.add(number)
                continue
            chosen = self._thing(users[0], number)
            clashing.update([cookie for cookie in adders.get(number, ()) if self._thing(cookie, number) != chosen])
            if number not in self.right:
                missing.append(chosen)
        return Difference(tuple(missing), frozenset(gone & self.held), frozenset(clashing))

    def confirm(self, difference: Difference[T], put: Iterable[Flow], drop: set[int], kept: Container[int]) -> None:
        """The switch has committed `difference`.  Of the flows in `drop` those in `kept` are still wanted."""
        self.have(difference.missing)
        self.right -= difference.gone
        self.held -= difference.gone
        for cookie in self.used.keys() & drop:
            for number in self._numbers(cookie):
                self._users.get(number, set()).discard(cookie)
            if cookie not in kept:
                del self.used[cookie]
        self._add_users(self.used.keys() & {flow.cookie for flow in put})

    def have(self, added: Iterable[T]) -> None:
        """The switch has accepted these."""
        numbers = {one.number for one in added}
        self.right |= numbers
        self.held |= numbers

    def _add_users(self, cookies: Iterable[int]) -> None:
        for cookie in cookies:
            for number in self._numbers(cookie):
                self._users.setdefault(number, set()).add(cookie)

    def _numbers(self, cookie: int) -> list[int]:
        return [one.number for one in self.used[cookie]]

    def _thing(self, cookie: int, number: int) -> T:
        return next(one for one in self.used[cookie] if one.number == number)
