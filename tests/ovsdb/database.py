"""A database in memory: what ovsdb-server does with the operations that Tenet sends (RFC 7047, section 5)."""

from __future__ import annotations

import itertools
from typing import Any

from controller.ovsdb.replica import DatabaseReplica
from controller.ovsdb.schema import COLUMNS

ZERO: dict[str, Any] = {"string": "", "integer": 0, "boolean": False}


class Database:
    """Rows as JSON.  `replica` follows every change, the way the monitor's updates would make it."""

    def __init__(self, **external_ids: str) -> None:
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}
        self.replica = DatabaseReplica()
        self._numbers = itertools.count(1)
        self.root = self.insert("Open_vSwitch", external_ids=pairs(external_ids))

    def insert(self, table: str, **row: Any) -> str:
        uuid = f"00000000-0000-4000-8000-{next(self._numbers):012x}"
        whole = {column: _default(kind) for column, kind in COLUMNS[table].items()} | row
        self.rows[table, uuid] = whole
        self.replica.apply({table: {uuid: {"new": whole}}})
        return uuid

    def update(self, table: str, uuid: str, **row: Any) -> None:
        old = self.rows[table, uuid]
        changed = {column: old[column] for column in row}
        self.rows[table, uuid] = old | row
        self.replica.apply({table: {uuid: {"old": changed, "new": self.rows[table, uuid]}}})

    def delete(self, table: str, uuid: str) -> None:
        old = self.rows.pop((table, uuid))
        self.replica.apply({table: {uuid: {"old": old}}})

    def find(self, table: str, name: str) -> str:
        return next(uuid for (kind, uuid), row in self.rows.items() if kind == table and row["name"] == name)

    def row(self, table: str, name: str) -> dict[str, Any]:
        return self.rows[table, self.find(table, name)]

    def plug(self, bridge: str, name: str, **columns: Any) -> str:
        """A port with one interface; the interface's uuid."""
        interface = self.insert("Interface", name=name, **columns)
        port = self.insert("Port", name=name, interfaces=["uuid", interface])
        self.mutate("Bridge", self.find("Bridge", bridge), [["ports", "insert", ["uuid", port]]])
        return interface

    def transact(self, operations: Any) -> None:
        named: dict[str, str] = {}
        for operation in operations:
            table = operation["table"]
            if operation["op"] == "insert":
                row = {column: _resolve(value, named) for column, value in operation["row"].items()}
                named[operation["uuid-name"]] = self.insert(table, **row)
                continue
            [[column, function, [_, uuid]]] = operation["where"]
            assert (column, function) == ("_uuid", "==")
            if operation["op"] == "delete":
                self.delete(table, uuid)
            elif operation["op"] == "update":
                self.update(table, uuid, **{k: _resolve(v, named) for k, v in operation["row"].items()})
            else:
                assert operation["op"] == "mutate"
                self.mutate(table, uuid, [[c, how, _resolve(value, named)] for c, how, value in operation["mutations"]])
        self._collect()

    def mutate(self, table: str, uuid: str, mutations: Any) -> None:
        for column, how, value in mutations:
            held = _elements(self.rows[table, uuid][column])
            given = _elements(value)
            is_map = self.rows[table, uuid][column][0] == "map"
            if how == "delete":
                left = [e for e in held if (e[0] if is_map and value[0] == "set" else e) not in given]
            else:
                keys = [e[0] for e in held]
                left = held + [e for e in given if (e[0] not in keys if is_map else e not in held)]
            self.update(table, uuid, **{column: ["map" if is_map else "set", left]})

    def _collect(self) -> None:
        """Delete what nothing refers to any more, as ovsdb-server does with rows of tables that are not roots."""
        for table, holder, column in (
            ("Bridge", "Open_vSwitch", "bridges"),
            ("Port", "Bridge", "ports"),
            ("Interface", "Port", "interfaces"),
            ("Controller", "Bridge", "controller"),
            ("Mirror", "Bridge", "mirrors"),
        ):
            held = {e[1] for (kind, _), row in self.rows.items() if kind == holder for e in _elements(row[column])}
            for kind, uuid in list(self.rows):
                if kind == table and uuid not in held:
                    self.delete(table, uuid)


def pairs(values: dict[str, str]) -> list[Any]:
    return ["map", [[key, value] for key, value in values.items()]]


def _default(kind: Any) -> Any:
    if isinstance(kind, str):
        return ZERO[kind]
    return ["map", []] if "value" in kind else ["set", []]


def _elements(value: Any) -> list[Any]:
    return value[1] if value[0] in ("set", "map") else [value]


def _resolve(value: Any, named: dict[str, str]) -> Any:
    if isinstance(value, list):
        if value[0] == "named-uuid":
            return ["uuid", named[value[1]]]
        if value[0] == "set":
            return ["set", [_resolve(element, named) for element in value[1]]]
    return value
