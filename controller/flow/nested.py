"""Actions inside actions: in a clone, in the buckets of a group, in what conntrack sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from .action import Action
from .actions import Punt
from .group import Group
from .meter import Meter
from .tracking import Track

_HOLDERS = frozenset(("clone", "group", "ct"))
_PUNTING = _HOLDERS | {"controller"}
_MEMO = 1024  # lists of actions: few hand packets over, and each is asked about again and again


def every(actions: Iterable[Action]) -> Iterator[Action]:
    """Each action, before those that are inside it."""
    for action in actions:
        yield action
        if action.kind in _HOLDERS:
            yield from every(_inside(action))


def _inside(action: Action) -> Iterator[Action]:
    for held in action.args:
        if isinstance(held, Action):
            yield held
        elif isinstance(held, Group):
            for bucket in held.buckets:
                yield from bucket.actions
        elif isinstance(held, Track):
            yield from held.marks


def groups(actions: tuple[Action, ...]) -> list[Group]:
    """The groups that actions use, each once, one that another's bucket uses before that one."""
    for action in actions:  # asked of every flow that is compiled, and mostly there are none
        if action.spec.kind in _HOLDERS:
            break
    else:
        return []
    found = [held for action in every(actions) for held in action.args if isinstance(held, Group)]
    return list(dict.fromkeys(reversed(found)))


def punts(actions: tuple[Action, ...]) -> tuple[Punt, ...]:
    """How packets go to the controller."""
    for action in actions:  # asked of every flow that a switch is sent, and mostly there are none
        if action.spec.kind in _PUNTING:
            return _punts(actions)
    return ()


@lru_cache(_MEMO)
def _punts(actions: tuple[Action, ...]) -> tuple[Punt, ...]:
    return tuple([held for action in every(actions) for held in action.args if isinstance(held, Punt)])


def meters(actions: tuple[Action, ...]) -> list[Meter]:
    """The meters that packets pass on their way to the controller, each once."""
    found = punts(actions)
    if len(found) == 1:
        return [found[0].meter] if found[0].meter else []
    return list(dict.fromkeys([punt.meter for punt in found if punt.meter])) if found else []


def tables(actions: tuple[Action, ...]) -> set[int]:
    """The numbers of the tables that actions look the packet up in: by resubmit, and by ct."""
    found: set[int] = set()
    for action in every(actions):
        for held in action.args:
            if isinstance(held, Track) and held.table is not None:
                found.add(held.table)
            elif action.kind == "resubmit" and isinstance(held, int):
                found.add(held)
    return found
