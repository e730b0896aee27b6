"""Pending commits to etcd, and their grouping into transactions."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from itertools import chain, islice

from controller.runtime import hub
from controller.store.etcd_keys import Json, Keys, parent
from controller.store.etcd_txn import OPERATIONS, compares, depth, writes

TOGETHER = 16  # commits in one transaction
SMALL = OPERATIONS - TOGETHER - 1  # compares or operations of a commit that can be grouped
LIGHT = 256 * 1024  # bytes of grouped commits; etcd takes 1.5 MiB in a request by default
ALONE = OPERATIONS - 2  # operations of a commit that is alone in its transaction


class Commit:
    """One commit and, once `done` is set, its outcome: a revision, the keys it was refused for, or an error."""

    __slots__ = ("done", "error", "lease", "read", "revision", "size", "stale", "write")

    def __init__(self, read: Mapping[str, int], write: Mapping[str, bytes | None], lease: int = 0) -> None:
        for key, value in write.items():
            check_entry(key, value)
        self.read = dict(read)
        self.write = dict(write)
        self.lease = lease
        self.size = sum(len(key) + len(value or b"") for key, value in write.items()) + sum(map(len, read))
        self.done = hub.Signal()
        self.revision = 0
        self.stale: list[str] = []
        self.error: Exception | None = None

    def compares(self, keys: Keys) -> list[Json]:
        return compares(keys, self.read)

    def writes(self, keys: Keys, slot: int, marks_lease: int) -> list[Json]:
        return writes(keys, self.write, slot, self.lease, marks_lease)

    @property
    def compared(self) -> int:
        return sum(2 if key.endswith("/") else 1 for key in self.read)

    @property
    def operations(self) -> int:
        return len(self.write) + len({parent(key) for key, value in self.write.items() if value is None})

    @property
    def deletes(self) -> bool:
        return None in self.write.values()

    @property
    def small(self) -> bool:
        """Whether it can be grouped.  Not with a lease: if that has lapsed, the whole group would be refused."""
        return not self.lease and self.compared <= SMALL and self.operations <= SMALL

    @property
    def fits(self) -> bool:
        """Whether etcd can check and write it in one transaction."""
        return depth(self.compared, self.operations, ALONE) > 0


def check_entry(key: str, value: bytes | None) -> None:
    """Check of one entry.  A bad one would make other commits of its transaction fail, too."""
    if not key or key.endswith("/"):
        raise ValueError(f"not a key: {key!r}")
    key.encode()  # UnicodeEncodeError is a ValueError
    if value is not None and type(value) is not bytes:
        raise ValueError(f"{key}: a value is bytes, not {type(value).__name__}")


def together(queue: deque[Commit]) -> list[Commit]:
    """The first commit of the queue and those after it that can share its transaction, in order.

    They share a revision and do not see each other, so none may write a key that another reads or writes.
    """
    chosen = [queue[0]]
    if not queue[0].small:
        return chosen
    size = queue[0].size
    written, read, areas = set(queue[0].write), set(queue[0].read), _areas(queue[0])
    for commit in islice(queue, 1, None):
        if len(chosen) == TOGETHER:
            break
        size += commit.size
        if not commit.small or size > LIGHT or _clash(commit, written, read, areas):
            break
        chosen.append(commit)
        written.update(commit.write)
        read.update(commit.read)
        areas += _areas(commit)
    return chosen


def _areas(commit: Commit) -> list[str]:
    return [key for key in commit.read if key.endswith("/")]


def _clash(commit: Commit, written: set[str], read: set[str], areas: list[str]) -> bool:
    if not written.isdisjoint(commit.write) or not written.isdisjoint(commit.read) or not read.isdisjoint(commit.write):
        return True
    return any(key.startswith(area) for area in areas for key in commit.write) or any(
        key.startswith(area) for area in _areas(commit) for key in chain(written)
    )
