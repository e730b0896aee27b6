"""Dict layered over another one, which stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Layer(MutableMapping[K, V]):
    """Copy-on-write mapping over `base`; it costs as much as is written to it.

    `copy` copies a value of the base before it is handed out for changes: `[]` and `setdefault` return such a
    copy, `get` returns the base's own value, which must not be changed.  Without it values are never changed in place.
    """

    __slots__ = ("_base", "_copy", "_gone", "_own")

    def __init__(self, base: Mapping[K, V], copy: Callable[[V], V] | None = None) -> None:
        self._base = base
        self._copy = copy
        self._own: dict[K, V] = {}
        self._gone: set[K] = set()

    def get(self, key: K, default: Any = None) -> Any:
        if key in self._own:
            return self._own[key]
        return default if key in self._gone else self._base.get(key, default)

    def __getitem__(self, key: K) -> V:
        if key in self._own:
            return self._own[key]
        if key in self._gone:
            raise KeyError(key)
        value = self._base[key]
        if self._copy is not None:
            value = self._own[key] = self._copy(value)
        return value

    def __setitem__(self, key: K, value: V) -> None:
        self._own[key] = value
        self._gone.discard(key)

    def __delitem__(self, key: K) -> None:
        if key not in self:
            raise KeyError(key)
        self._own.pop(key, None)
        self._gone.add(key)

    def __contains__(self, key: object) -> bool:
        return key in self._own or (key not in self._gone and key in self._base)

    def __iter__(self) -> Iterator[K]:
        for key in self._base:
            if key not in self._gone:
                yield key
        for key in self._own:
            if key not in self._base:
                yield key

    def __len__(self) -> int:
        gone = sum(1 for key in self._gone if key in self._base)
        return len(self._base) - gone + sum(1 for key in self._own if key not in self._base)
