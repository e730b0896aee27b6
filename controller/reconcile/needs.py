"""Groups and meters that flows refer to by number: reference counts and differences.

They have no owners: a switch holds those that its flows use.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Sequence, Set
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
    """Groups or meters of one switch.  `held`: numbers on the switch; `wrong`: those of them with another content."""

    __slots__ = ("_of", "_users", "due", "held", "used", "wrong")

    def __init__(self, of: Callable[[Flow], Sequence[T]]) -> None:
        """`of`: what a flow uses; asked again and again, and not kept."""
        self.used: dict[int, Flow] = {}  # by cookie the installed and pending flows that use any
        self.held: set[int] = set()
        self.wrong: set[int] = set()
        self.due = False  # compare even if no flow changes
        self._of = of
        self._users: dict[int, int | set[int]] = {}  # number -> cookies of the flows on the switch that use it

    @property
    def any_right(self) -> bool:
        """Whether the switch has any that is what it should be."""
        return len(self.held) > len(self.wrong)

    def seen(self, right: Collection[int], wrong: Collection[int]) -> None:
        """Take over the result of a dump."""
        self.held, self.wrong = {*right, *wrong}, set(wrong)
        self.due = bool(self.held)

    def begin(self, used: dict[int, Flow], installed: Set[int]) -> None:
        """Start again with exactly what the wanted flows use; `installed`: cookies of the flows on the switch."""
        self.used = used
        self.due = self.due or bool(used)
        self._users = {}
        self._add_users(used.keys() & installed)

    def difference(self, put: Iterable[Flow], drop: set[int]) -> Difference[T]:
        """Changes needed when the flows of `put` are added and those of `drop` are deleted.

        Of two objects with one number, the one of an installed flow wins, then that of the lowest cookie.
        """
        adders: dict[int, list[int]] = {}
        for cookie in self._using(flow.cookie for flow in put):
            for number in self._numbers(cookie):
                adders.setdefault(number, []).append(cookie)
        affected = {number for cookie in self._using(drop) for number in self._numbers(cookie)} | adders.keys()
        if self.due:
            affected |= self.held | self._users.keys()
        self.due = False
        if not affected:
            return NONE
        missing, gone, clashing = [], set(), set()
        for number in sorted(affected):
            adding = adders.get(number, ())
            user = self._user_of(number, drop)
            if user is None:
                if not adding:
                    gone.add(number)
                    continue
                user = min(adding)
            chosen = self._thing(user, number)
            clashing.update([cookie for cookie in adding if self._thing(cookie, number) != chosen])
            if number not in self.held or number in self.wrong:
                missing.append(chosen)
        return Difference(tuple(missing), frozenset(gone & self.held), frozenset(clashing))

    def confirm(self, difference: Difference[T], put: Iterable[Flow], drop: set[int], kept: Container[int]) -> None:
        """The switch has committed `difference`.  Of the flows in `drop` those in `kept` are still wanted."""
        self.have(difference.missing)
        self.wrong -= difference.gone
        self.held -= difference.gone
        for cookie in self._using(drop):
            for number in self._numbers(cookie):
                self._drop_user(number, cookie)
            if cookie not in kept:
                del self.used[cookie]
        self._add_users(self._using(flow.cookie for flow in put))

    def have(self, added: Iterable[T]) -> None:
        """The switch has accepted these."""
        numbers = {one.number for one in added}
        self.held |= numbers
        self.wrong -= numbers

    def _using(self, cookies: Iterable[int]) -> list[int]:
        """Those of `cookies` whose flows use any."""
        used = self.used
        return [cookie for cookie in cookies if cookie in used] if used else []

    def _user_of(self, number: int, drop: set[int]) -> int | None:
        """An installed flow that uses it and stays, of maybe thousands: they all use the same."""
        users = self._users.get(number, ())
        return next((cookie for cookie in ((users,) if isinstance(users, int) else users) if cookie not in drop), None)

    def _add_users(self, cookies: Iterable[int]) -> None:
        for cookie in cookies:
            for number in self._numbers(cookie):
                users = self._users.setdefault(number, cookie)
                if isinstance(users, set):
                    users.add(cookie)
                elif users != cookie:
                    self._users[number] = {users, cookie}

    def _drop_user(self, number: int, cookie: int) -> None:
        users = self._users.get(number)
        if isinstance(users, set):
            users.discard(cookie)
        if not users or users == cookie:
            self._users.pop(number, None)

    def _numbers(self, cookie: int) -> list[int]:
        return [one.number for one in self._of(self.used[cookie])]

    def _thing(self, cookie: int, number: int) -> T:
        return next(one for one in self._of(self.used[cookie]) if one.number == number)
