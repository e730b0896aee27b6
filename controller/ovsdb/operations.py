"""OVSDB operations in their JSON form (RFC 7047, sections 5.1 and 5.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Operation = dict[str, Any]
Value = list[Any]


class Repair(NamedTuple):
    """One transaction.  `subject`: a stable name for the back-off of retries; `why`: what was wrong."""

    subject: str
    why: str
    operations: tuple[Operation, ...]


def stored(uuid: str) -> Value:
    """Reference to a stored row."""
    return ["uuid", uuid]


def new(name: str) -> Value:
    """Reference to a row that the same transaction inserts under `name`."""
    return ["named-uuid", name]


def many(values: Iterable[Any]) -> Value:
    return ["set", list(values)]


def mapping(values: Mapping[str, str]) -> Value:
    return ["map", [[key, value] for key, value in values.items()]]


def insert(table: str, name: str, row: Mapping[str, Any]) -> Operation:
    return {"op": "insert", "table": table, "uuid-name": name, "row": dict(row)}


def update(table: str, uuid: str, row: Mapping[str, Any]) -> Operation:
    return {"op": "update", "table": table, "where": [["_uuid", "==", stored(uuid)]], "row": dict(row)}


def delete(table: str, uuid: str) -> Operation:
    return {"op": "delete", "table": table, "where": [["_uuid", "==", stored(uuid)]]}


def mutate(table: str, uuid: str, mutations: Iterable[Value]) -> Operation:
    where = [["_uuid", "==", stored(uuid)]]
    return {"op": "mutate", "table": table, "where": where, "mutations": list(mutations)}


def put(column: str, values: Mapping[str, str]) -> list[Value]:
    """Mutations that set these keys of a map and keep its others; `insert` alone would not replace a value."""
    return [[column, "delete", many(values)], [column, "insert", mapping(values)]]
