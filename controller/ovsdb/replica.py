"""Replica of a hypervisor's database: typed rows, changed only by the monitor's updates (RFC 7047, section 4.1.6).

Values are read through `ovs.db.data.Datum`, which checks them against the schema's types.  A row that changes is
replaced by a new value with only its changed columns read again, so the cost of an update follows its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from ovs.db import error
from ovs.db.data import Datum
from ovs.ovsuuid import is_valid_string

from controller.ovsdb.framing import MalformedJson
from controller.ovsdb.schema import SCHEMA

ROWS_LIMIT = 24_000  # rows of all tables; a hypervisor has two for each interface


class OpenVSwitch(msgspec.Struct, frozen=True, kw_only=True):
    uuid: str
    bridges: frozenset[str] = frozenset()
    manager_options: frozenset[str] = frozenset()
    external_ids: dict[str, str] = {}


class BridgeRow(msgspec.Struct, frozen=True, kw_only=True):
    uuid: str
    name: str
    datapath_type: str = ""
    datapath_id: str = ""
    fail_mode: str = ""
    protocols: frozenset[str] = frozenset()
    ports: frozenset[str] = frozenset()
    controller: frozenset[str] = frozenset()
    mirrors: frozenset[str] = frozenset()
    other_config: dict[str, str] = {}
    external_ids: dict[str, str] = {}


class PortRow(msgspec.Struct, frozen=True, kw_only=True):
    uuid: str
    name: str
    interfaces: frozenset[str] = frozenset()
    qos: str = ""
    external_ids: dict[str, str] = {}


class InterfaceRow(msgspec.Struct, frozen=True, kw_only=True):
    """`ofport` is 0 while OVS has not given a number, and -1 when it could not add the interface (`error` says why);
    `link_speed`, in bits a second, is 0 where nobody knows; `link_state`: `up`, `down` or "".
    `bfd_status` is empty without a BFD session.
    """

    uuid: str
    name: str
    type: str = ""
    ofport: int = 0
    ofport_request: int = 0
    mtu: int = 0
    mtu_request: int = 0
    options: dict[str, str] = {}
    bfd: dict[str, str] = {}
    bfd_status: dict[str, str] = {}
    external_ids: dict[str, str] = {}
    error: str = ""
    link_speed: int = 0
    link_state: str = ""


class ControllerRow(msgspec.Struct, frozen=True, kw_only=True):
    uuid: str
    target: str
    connection_mode: str = ""
    max_backoff: int = 0
    inactivity_probe: int = 0


class Manager(msgspec.Struct, frozen=True, kw_only=True):
    uuid: str
    target: str
    external_ids: dict[str, str] = {}


class QoS(msgspec.Struct, frozen=True, kw_only=True):
    uuid: str
    type: str = ""
    queues: dict[int, str] = {}
    other_config: dict[str, str] = {}
    external_ids: dict[str, str] = {}


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    uuid: str
    dscp: int = 0
    other_config: dict[str, str] = {}
    external_ids: dict[str, str] = {}


class Mirror(msgspec.Struct, frozen=True, kw_only=True):
    uuid: str
    name: str
    select_all: bool = False
    select_src_port: frozenset[str] = frozenset()
    select_dst_port: frozenset[str] = frozenset()
    select_vlan: frozenset[int] = frozenset()
    output_port: str = ""
    output_vlan: int = 0
    snaplen: int = 0
    external_ids: dict[str, str] = {}


Row = OpenVSwitch | BridgeRow | PortRow | InterfaceRow | ControllerRow | Manager | QoS | Queue | Mirror
Change = tuple[str, str, Row | None]  # table, uuid, current row

_KINDS: dict[str, type[Row]] = {
    "Open_vSwitch": OpenVSwitch,
    "Bridge": BridgeRow,
    "Port": PortRow,
    "Interface": InterfaceRow,
    "Controller": ControllerRow,
    "Manager": Manager,
    "QoS": QoS,
    "Queue": Queue,
    "Mirror": Mirror,
}


class DatabaseReplica:
    """Rows by uuid, one mapping a table."""

    def __init__(self) -> None:
        self.roots: dict[str, OpenVSwitch] = {}
        self.bridges: dict[str, BridgeRow] = {}
        self.ports: dict[str, PortRow] = {}
        self.interfaces: dict[str, InterfaceRow] = {}
        self.controllers: dict[str, ControllerRow] = {}
        self.managers: dict[str, Manager] = {}
        self._tables: dict[str, dict[str, Any]] = {
            "Open_vSwitch": self.roots,
            "Bridge": self.bridges,
            "Port": self.ports,
            "Interface": self.interfaces,
            "Controller": self.controllers,
            "Manager": self.managers,
            "QoS": {},
            "Queue": {},
            "Mirror": {},
        }

    def table(self, name: str) -> Mapping[str, Any]:
        """Rows of a table, by uuid."""
        return self._tables[name]

    @property
    def root(self) -> OpenVSwitch | None:
        """Only row of table Open_vSwitch; None before `ovs-vsctl init`."""
        return next(iter(self.roots.values()), None)

    def bridge(self, name: str) -> BridgeRow | None:
        return next((bridge for bridge in self.bridges.values() if bridge.name == name), None)

    def apply(self, updates: object) -> None:
        """Apply <table-updates>, or the reply to `monitor`.  After `MalformedJson` the replica is unusable."""
        self.commit(list(self.read(updates)))

    def read(self, updates: object) -> Iterator[Change]:
        """Rows that <table-updates> change, one at a time; nothing is applied yet.  Raises `MalformedJson`."""
        for table, rows in _mapping(updates, "table updates").items():
            if table not in self._tables:
                raise MalformedJson(f"update of table {table!r}, which is not monitored")
            for uuid, change in _mapping(rows, f"update of table {table}").items():
                yield table, uuid, self._changed(table, uuid, _mapping(change, f"update of a row of {table}"))

    def commit(self, changes: Iterable[Change]) -> None:
        """Apply at once what `read` returned.  Raises `MalformedJson` if there are too many rows then."""
        for table, uuid, row in changes:
            if row is None:
                self._tables[table].pop(uuid, None)
            else:
                self._tables[table][uuid] = row
        if sum(map(len, self._tables.values())) > ROWS_LIMIT:
            raise MalformedJson(f"more than {ROWS_LIMIT} rows")

    def _changed(self, table: str, uuid: str, change: dict[str, Any]) -> Row | None:
        """Row after a change; None if it is deleted."""
        if change.get("new") is None:
            return None
        if not is_valid_string(uuid):
            raise MalformedJson(f"{uuid!r} is not a row's uuid")
        new = _mapping(change["new"], f"new row of {table}")
        held: Row | None = self._tables[table].get(uuid)
        if held is None:
            return _KINDS[table](uuid=uuid, **_columns(table, SCHEMA.tables[table].columns, new))
        changed = _mapping(change.get("old") or new, f"old row of {table}")  # "old" has the changed columns only
        return msgspec.structs.replace(held, **_columns(table, changed, new))


def _columns(table: str, names: Any, row: dict[str, Any]) -> dict[str, Any]:
    columns = SCHEMA.tables[table].columns
    try:
        return {name: _value(columns[name].type, row[name]) for name in names}
    except (KeyError, error.Error, ValueError) as fault:
        raise MalformedJson(f"row of table {table}: {fault}") from fault


def _value(kind: Any, given: object) -> object:
    """A map as dict, a set as frozenset, an optional value as itself or its type's zero; uuids as text."""
    datum = Datum.from_json(kind, given)
    if kind.is_map():
        return {key.value: _atom(kind.value, value) for key, value in datum.values.items()}
    values = (_atom(kind.key, atom) for atom in datum.values)
    if kind.n_max > 1:
        return frozenset(values)
    return next(values, "" if kind.key.type.name in ("string", "uuid") else 0)


def _atom(kind: Any, atom: Any) -> Any:
    return str(atom.value) if kind.type.name == "uuid" else atom.value


def _mapping(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedJson(f"{what} is not an object")
    return value
