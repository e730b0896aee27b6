"""Revision of every key and prefix, to check a commit's `read` without waiting."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

PREFIXES = 10_000  # prefixes remembered with a revision of their own


class Undo(NamedTuple):
    """A key and its revision before a write; 0: it did not exist."""

    key: str
    revision: int


def prefixes(key: str) -> Iterator[str]:
    """Prefixes of a key: `a/` and `a/b/` for `a/b/c`."""
    end = key.find("/") + 1
    while end:
        yield key[:end]
        end = key.find("/", end) + 1


class Revisions:
    """Revision of each existing key, and of the last write or delete below each prefix.

    Only the prefixes written last are remembered.  All others count as written at `_floor`, which is never too early: a
    commit that read one of them long ago is refused without need and runs again, but no conflict is missed.
    """

    def __init__(self, keys: dict[str, int], revision: int) -> None:
        """`keys`: existing keys with their revisions.  `revision`: of the newest commit."""
        self._keys = keys
        self._prefixes: OrderedDict[str, int] = OrderedDict()
        self._floor = revision

    def stale(self, read: Mapping[str, int]) -> list[str]:
        """Keys and prefixes of `read` that have changed since they were read."""
        keys = self._keys
        return [
            key
            for key, revision in read.items()
            if (keys.get(key, 0) != revision or key[-1] == "/") and not self._holds(key, revision)
        ]

    def _holds(self, key: str, revision: int) -> bool:
        if key.endswith("/"):
            return self._prefixes.get(key, self._floor) <= revision
        return self._keys.get(key, 0) == revision

    def write(self, write: Mapping[str, bytes | None], revision: int) -> list[Undo]:
        """Record `write` at `revision`; returns what `restore` needs to undo it."""
        keys = self._keys
        undo = [Undo(key, keys.get(key, 0)) for key in write]
        for key, value in write.items():
            if value is None:
                keys.pop(key, None)
            else:
                keys[key] = revision
        for parent in dict.fromkeys([key[: key.rfind("/") + 1] for key in write]):  # of a bulk's keys they are few
            for prefix in prefixes(parent):
                self._prefixes[prefix] = revision
                self._prefixes.move_to_end(prefix)
        while len(self._prefixes) > PREFIXES:
            self._floor = self._prefixes.popitem(last=False)[1]
        return undo

    def share(self, keys: Iterable[str]) -> None:
        """Hold these texts instead of equal ones: whoever read everything keeps them, too."""
        known = self._keys
        for key in keys:
            revision = known.pop(key, 0)
            if revision:
                known[key] = revision

    def restore(self, undo: Iterable[Undo], revision: int) -> None:
        """Undo writes, the newest first; `revision`: of the newest remaining commit."""
        for key, before in undo:
            if before:
                self._keys[key] = before
            else:
                self._keys.pop(key, None)
        self._prefixes.clear()
        self._floor = revision
