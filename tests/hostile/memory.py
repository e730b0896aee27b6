"""Bytes that an object holds: itself and all that it refers to, each once."""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Iterable

import msgspec

_NOT_HELD = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType)


def retained(root: object, besides: Iterable[object] = ()) -> int:
    """Bytes of the object and of what it refers to, but for what `besides` refers to."""
    seen: dict[int, object] = {}
    for other in besides:
        _walk(other, seen)
    before = sum(map(sys.getsizeof, seen.values()))
    _walk(root, seen)
    return sum(map(sys.getsizeof, seen.values())) - before


def _walk(root: object, seen: dict[int, object]) -> None:
    todo = [root]
    while todo:
        one = todo.pop()
        if id(one) in seen or isinstance(one, _NOT_HELD):
            continue
        seen[id(one)] = one
        if isinstance(one, msgspec.Struct):  # which the collector is not told of
            todo += [getattr(one, name) for name in one.__struct_fields__]
        else:
            todo += gc.get_referents(one)
