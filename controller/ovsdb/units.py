"""Repairs of database rows: what differs from the rows that units want, and the transactions that put it right; pure.

One row a transaction, so that what the database refuses costs that row alone.  A row that refers to one which is not
there yet waits for it; one that is referred to is deleted after what refers to it.  Rows of ours are marked in their
external_ids; so are the columns that are ours in rows of others, to be cleared when nothing wants them any more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from controller.ovsdb import operations as op
from controller.ovsdb.describe import interfaces
from controller.ovsdb.operations import Operation, Repair
from controller.ovsdb.own_ports import KEY, port_repairs
from controller.ovsdb.replica import DatabaseReplica
from controller.ovsdb.schema import COLUMNS, SCHEMA
from controller.ovsdb.settings import datapath_id
from controller.ovsdb.wanted import (
    AtLeast,
    BridgeOf,
    InterfaceAt,
    InterfaceNamed,
    OwnPort,
    OwnRow,
    PortAt,
    RowPlace,
    WantedRow,
)  # fmt: skip

SET = "tenet-columns"  # in those of others' rows: columns, and keys of maps (column:key), that Tenet maintains, as JSON
OWN = ("QoS", "Queue", "Mirror")  # tables with Tenet's rows, referring ones first
OTHERS = ("Bridge", "Port", "Interface")


class DatabaseUnits(Protocol):
    """What the OVSDB side asks of the compiler of rows."""

    def of(self, dpid: int) -> Sequence[WantedRow] | None:
        """Rows wanted in the database of a datapath; None if the datapath is unknown."""
        ...

    def listen(self, moved: Callable[[Sequence[int]], None]) -> None:
        """Have `moved` called with the datapaths whose wanted rows may have changed.  It must not wait."""
        ...


class UnitRepairs(NamedTuple):
    """Repairs of rows, independent of each other.  `remarks`: faults of units, for the log."""

    repairs: list[Repair]
    remarks: list[str]


def datapaths(replica: DatabaseReplica) -> dict[int, str]:
    """Uuids of the bridges, by datapath id."""
    return {
        int(found, 16): bridge.uuid
        for bridge in replica.bridges.values()
        if (found := datapath_id(bridge.datapath_id))
    }  # fmt: skip


def has(replica: DatabaseReplica, dpids: Iterable[int]) -> bool:
    """Whether the database has a bridge with one of these datapath ids."""
    return not datapaths(replica).keys().isdisjoint(dpids)


def repairs_of(replica: DatabaseReplica, units: DatabaseUnits) -> UnitRepairs:
    """Differences from the rows that units want for the database's bridges.

    If no bridge is known, nothing is changed: an emptied store removes no rows.
    """
    known = [rows for dpid in sorted(datapaths(replica)) if (rows := units.of(dpid)) is not None]
    return unit_repairs(replica, [row for rows in known for row in rows]) if known else UnitRepairs([], [])


def unit_repairs(replica: DatabaseReplica, wanted: Iterable[WantedRow]) -> UnitRepairs:
    every, remarks = _merged(wanted)
    rows = [row for row in every if not isinstance(row.place, OwnPort)]
    diff = _Diff(replica)
    found = [*diff.right(rows), *diff.unwanted({row.place for row in rows})]
    ports, taken = port_repairs(replica, datapaths(replica), every)
    return UnitRepairs([repair for repair in (*found, *ports) if repair.operations], [*remarks, *taken])


def _merged(wanted: Iterable[WantedRow]) -> tuple[list[WantedRow], list[str]]:
    """One row for each place, in the same order in every process; of two values for a column the least counts."""
    merged: dict[RowPlace, WantedRow] = {}
    remarks = []
    for row in sorted(wanted, key=repr):
        table = table_of(row.place)
        if unknown := sorted(set(row.columns) - set(COLUMNS.get(table, ()))):
            remarks.append(f"a unit wants columns of {table} that are not known: {', '.join(unknown)}")
            continue
        held = merged.setdefault(row.place, row)
        if held is row:
            continue
        columns = dict(held.columns)
        for column, value in row.columns.items():
            before: Any = columns.get(column, value)
            if isinstance(before, Mapping) and isinstance(value, Mapping):
                columns[column] = {**value, **before}
                disagree = any(before.get(key, each) != each for key, each in value.items())
            else:
                columns[column], disagree = before, before != value
            if disagree:
                remarks.append(f"units want {column} of {row.place} differently")
        merged[row.place] = WantedRow(row.place, columns, held.held_by or row.held_by)
    return list(merged.values()), remarks


def table_of(place: RowPlace) -> str:
    if isinstance(place, OwnRow):
        return place.table
    return {BridgeOf: "Bridge", PortAt: "Port"}.get(type(place), "Interface")


class _Missing(Exception):
    """Reference to a row that does not exist yet."""


class _Diff:
    def __init__(self, replica: DatabaseReplica) -> None:
        self._replica = replica
        self._bridges = datapaths(replica)
        self._own: dict[OwnRow, Any] = {}
        self._twins: list[tuple[str, Any]] = []  # rows whose key another row has already
        for table in OWN:
            for uuid, row in sorted(replica.table(table).items()):
                if (key := row.external_ids.get(KEY)) is None:
                    continue
                if self._own.setdefault(OwnRow(table, key), row).uuid != uuid:
                    self._twins.append((table, row))
        self._at: dict[int, dict[int, Any]] = {}  # interfaces by OpenFlow port, of the bridges asked for so far
        self._port_of: dict[str, Any] = {}  # rows of Port by their interfaces' uuids, from the first use on

    # --- wanted rows ---

    def right(self, wanted: Iterable[WantedRow]) -> Iterator[Repair]:
        for want in wanted:
            row = self._find(want.place)
            try:
                if isinstance(want.place, OwnRow):
                    yield self._own_row(want, want.place, row)
                elif row is not None:
                    yield self._others_row(want, row)
            except _Missing:
                continue  # repaired once the row that it refers to exists

    def _own_row(self, want: WantedRow, place: OwnRow, row: Any) -> Repair:
        table, subject = place.table, f"{place.table} {place.key}"
        columns = {column: _default(table, column) for column in COLUMNS[table]}
        columns |= {column: self._resolved(value) for column, value in want.columns.items()}
        columns["external_ids"] = {**columns["external_ids"], KEY: place.key}
        holder: Any = self._find(want.held_by[0]) if want.held_by else None
        if want.held_by and holder is None:
            raise _Missing
        if row is None:
            filled = {name: value for name, value in columns.items() if value != _default(table, name)}
            made = [op.insert(table, "made", _json_row(table, filled))]
            reference = op.new("made")
            why = "missing"
        else:
            wrong = {name: value for name, value in columns.items() if getattr(row, name) != value}
            made = [op.update(table, row.uuid, _json_row(table, wrong))] if wrong else []
            reference = op.stored(row.uuid)
            why = f"wrong {' '.join(wrong)}" if wrong else "not held"
        if want.held_by and (row is None or row.uuid not in getattr(holder, want.held_by[1])):
            holding = table_of(want.held_by[0])
            made.append(op.mutate(holding, holder.uuid, [[want.held_by[1], "insert", reference]]))
        return Repair(subject, why, tuple(made))

    def _others_row(self, want: WantedRow, row: Any) -> Repair:
        table = table_of(want.place)
        update: dict[str, Any] = {}
        mutations: list[op.Value] = []
        wrong: list[str] = []
        ours: set[str] = set()
        for column, value in want.columns.items():
            held = getattr(row, column)
            if isinstance(value, AtLeast):
                if 0 < getattr(row, value.actual) < value.value and held < value.value:
                    update[column] = value.value
                    wrong.append(f"{column}: {value.actual} is {getattr(row, value.actual)}, {value.value} needed")
                continue
            resolved = self._resolved(value)
            if isinstance(resolved, dict):
                ours |= {f"{column}:{key}" for key in resolved}
                if differs := {key: each for key, each in resolved.items() if held.get(key) != each}:
                    mutations += op.put(column, differs)
                    wrong.append(f"{column} {' '.join(map(str, differs))}")
            else:
                ours.add(column)
                if held != resolved:
                    update[column] = _json(table, column, resolved)
                    wrong.append(column)
        return self._settled(table, row, ours, update, mutations, wrong)

    def _settled(
        self, table: str, row: Any, ours: set[str], update: dict[str, Any], mutations: list[op.Value], wrong: list[str]
    ) -> Repair:
        """Repair of a row, with the reset of columns that are not wanted any more, and the note of those that are."""
        before = row.external_ids.get(SET, "")
        for each in sorted(_noted(table, before) - ours):
            column, colon, key = each.partition(":")
            if colon:
                mutations.append([column, "delete", op.many([key])])
            else:
                update[column] = _json(table, column, _default(table, column))
            wrong.append(f"{each} not wanted")
        note = json.dumps(sorted(ours)) if ours else ""
        if note != before:
            mutations += op.put("external_ids", {SET: note}) if note else [["external_ids", "delete", op.many([SET])]]
        operations: list[Operation] = [op.update(table, row.uuid, update)] if update else []
        operations += [op.mutate(table, row.uuid, mutations)] if mutations else []
        return Repair(f"{table} {row.name}", ", ".join(wrong) or "note of columns", tuple(operations))

    # --- rows and columns that are not wanted any more ---

    def unwanted(self, places: set[RowPlace]) -> Iterator[Repair]:
        kept = {row.uuid for place in places if (row := self._find(place)) is not None}
        for table in OTHERS:
            for row in self._replica.table(table).values():
                if SET in row.external_ids and row.uuid not in kept:
                    yield self._settled(table, row, set(), {}, [], [])
        gone = [(place.table, row) for place, row in self._own.items() if place not in places]
        for table, row in [*gone, *self._twins]:
            yield Repair(f"{table} {row.external_ids[KEY]}", "not wanted", tuple(self._removal(table, row.uuid)))

    def _removal(self, table: str, uuid: str) -> list[Operation]:
        """Operations that remove a row: none while another refers to it; a mirror goes when its bridge drops it."""
        replica = self._replica
        if table == "Mirror":
            holders = [bridge for bridge in replica.bridges.values() if uuid in bridge.mirrors]
            return [op.mutate("Bridge", each.uuid, [["mirrors", "delete", op.stored(uuid)]]) for each in holders]
        if table == "QoS":
            used = any(port.qos == uuid for port in replica.ports.values())
        else:
            used = any(uuid in qos.queues.values() for qos in replica.table("QoS").values())
        return [] if used else [op.delete(table, uuid)]

    # --- rows by their places ---

    def _find(self, place: RowPlace) -> Any:
        replica = self._replica
        if isinstance(place, OwnRow):
            return self._own.get(place)
        if isinstance(place, OwnPort):
            return None  # see own_ports.py
        if isinstance(place, BridgeOf):
            return replica.bridges.get(self._bridges.get(place.dpid, ""))
        if isinstance(place, InterfaceNamed):
            return next((row for row in replica.interfaces.values() if row.name == place.name), None)
        if place.dpid not in self._at:
            bridge = replica.bridges.get(self._bridges.get(place.dpid, ""))
            held = interfaces(replica, bridge) if bridge else ()
            self._at[place.dpid] = {row.ofport: row for row in held if row.ofport > 0}
        interface = self._at[place.dpid].get(place.ofport)
        if isinstance(place, InterfaceAt) or interface is None:
            return interface
        if not self._port_of:
            self._port_of = {uuid: port for port in replica.ports.values() for uuid in port.interfaces}
        return self._port_of.get(interface.uuid)

    def _resolved(self, value: Any) -> Any:
        """Value in the replica's form, with references as uuids.  Raises `_Missing`."""
        if isinstance(value, BridgeOf | PortAt | InterfaceAt | InterfaceNamed | OwnRow):
            row = self._find(value)
            if row is None:
                raise _Missing
            return row.uuid
        if isinstance(value, Mapping):
            return {key: self._resolved(each) for key, each in value.items()}
        if isinstance(value, frozenset):
            return frozenset(map(self._resolved, value))
        return value


def _noted(table: str, note: str) -> set[str]:
    """Columns that a note lists as Tenet's, without those that cannot have come from here."""
    try:
        said = json.loads(note) if note else []
    except ValueError:
        return set()
    names = [each for each in said if isinstance(each, str)] if isinstance(said, list) else []
    return {each for each in names if each.partition(":")[0] in COLUMNS[table].keys() - {"name", "external_ids"}}


def _default(table: str, column: str) -> Any:
    """Value of a column in a new row, in the replica's form."""
    kind = SCHEMA.tables[table].columns[column].type
    if kind.is_map():
        return {}
    if kind.n_max > 1:
        return frozenset()
    return {"string": "", "uuid": "", "boolean": False}.get(kind.key.type.name, 0)


def _json_row(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {column: _json(table, column, value) for column, value in row.items()}


def _json(table: str, column: str, value: Any) -> Any:
    """JSON form of a column's value (RFC 7047, section 5.1), from the replica's form."""
    kind = SCHEMA.tables[table].columns[column].type
    atom: Callable[[Any], Any] = lambda each: each  # noqa: E731
    if (kind.value if kind.is_map() else kind.key).type.name == "uuid":
        atom = op.stored
    if kind.is_map():
        return ["map", [[key, atom(each)] for key, each in value.items()]]
    if kind.n_max > 1:
        return op.many([atom(each) for each in sorted(value)])
    return op.many([]) if not kind.n_min and value == _default(table, column) else atom(value)
