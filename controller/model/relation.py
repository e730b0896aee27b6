"""Counted relation: key -> the values that at least one reason relates to it."""

from __future__ import annotations

from collections.abc import Hashable, KeysView, MutableMapping
from typing import Any, Generic, TypeVar

from .layer import Layer

K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Hashable)
_NONE: dict[Any, int] = {}


class Relation(Generic[K, V]):
    """Counted relation of keys to values: a pair is related while it was added more often than removed."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: MutableMapping[K, dict[V, int]] = {}

    @classmethod
    def over(cls, base: Relation[K, V]) -> Relation[K, V]:
        """A copy on write of `base`."""
        made = cls()
        made._counts = Layer(base._counts, dict)
        return made

    def __bool__(self) -> bool:
        """Whether it has any pair."""
        return bool(self._counts)

    def add(self, key: K, value: V) -> bool:
        """Count a pair once more; True when it is new."""
        counts = self._counts.setdefault(key, {})
        counts[value] = counts.get(value, 0) + 1
        return counts[value] == 1

    def remove(self, key: K, value: V) -> bool:
        """Count a pair once less; True when that was the last time."""
        counts = self._counts[key]
        counts[value] -= 1
        if counts[value]:
            return False
        del counts[value]
        if not counts:
            del self._counts[key]
        return True

    def of(self, key: K) -> list[V]:
        """The values of `key`, in ascending order, so that every process sees the same."""
        counts = self._counts.get(key)
        return sorted(counts) if counts else []  # type: ignore[type-var]

    def some(self, key: K) -> KeysView[V]:
        """The values of `key` in no order; not to be kept across a change."""
        return self._counts.get(key, _NONE).keys()

    def counted(self, key: K) -> list[tuple[V, int]]:
        """The values of `key`, in ascending order, with how often each is counted."""
        return sorted(self._counts.get(key, _NONE).items())

    def keys(self) -> KeysView[K]:
        """The keys that have values; not to be kept across a change."""
        return self._counts.keys()

    def holds(self, key: K, value: V) -> bool:
        return value in self._counts.get(key, ())

    def has(self, key: K) -> bool:
        return key in self._counts
