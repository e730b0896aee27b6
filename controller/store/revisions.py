"""Which revision every key and prefix is at: what a commit's `read` is checked against, without waiting."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

PREFIXES = 10_000  # how many prefixes are remembered each with its own revision


class Undo(NamedTuple):
    """A key and the revision that it had before a write; 0: it did not exist."""

    key: str
    revision: int


def prefixes(key: str) -> Iterator[str]:
    """`a/b/c` is below `a/` and `a/b/`."""
    end = key.find("/") + 1
    while end:
        yield key[:end]
        end = key.find("/", end) + 1


class Revisions:
    """The revision of each key that exists, and of the last write or delete below each prefix.

    Only the prefixes written last are remembered.  All others are taken to have been written at `_floor`, which is not
    before they were: who read one of them long ago is refused for nothing and reads again, and nobody slips through.
    """

    def __init__(self, keys: dict[str, int], revision: int) -> None:
        """`keys`: each existing key's revision.  `revision`: that of the newest commit."""
        self._keys = keys
        self._prefixes: OrderedDict[str, int] = OrderedDict()
        self._floor = revision

    def stale(self, read: Mapping[str, int]) -> list[str]:
        """The keys and prefixes of `read` that are no longer as they were read."""
        return [key for key, revision in read.items() if not self._holds(key, revision)]

    def _holds(self, key: str, revision: int) -> bool:
        if key.endswith("/"):
            return self._prefixes.get(key, self._floor) <= revision
        return self._keys.get(key, 0) == revision

    def write(self, write: Mapping[str, bytes | None], revision: int) -> list[Undo]:
        """Note that `write` is at `revision`; returns what `restore` needs to take it back."""
        undo = [Undo(key, self._keys.get(key, 0)) for key in write]
        for key, value in write.items():
            if value is None:
                self._keys.pop(key, None)
            else:
                self._keys[key] = revision
            for prefix in prefixes(key):
                self._prefixes[prefix] = revision
                self._prefixes.move_to_end(prefix)
        while len(self._prefixes) > PREFIXES:
            self._floor = self._prefixes.popitem(last=False)[1]
        return undo

    def restore(self, undo: Iterable[Undo], revision: int) -> None:
        """Take writes back, the newest first; `revision` is that of the newest commit that remains."""
        for key, before in undo:
            if before:
                self._keys[key] = before
            else:
                self._keys.pop(key, None)
        self._prefixes.clear()
        self._floor = revision
