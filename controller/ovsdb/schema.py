"""The tables and columns of the Open_vSwitch database that Tenet reads, with their types (RFC 7047, section 3.2).

This cut is ours and not the peer's: what a peer sends is checked against it (`ovs.db.data`), so a database with another
schema is refused by its first row.  No table refers to another here, since the references are followed by `replica`.
Columns that change without the configuration changing (statistics, link state, controller status) are left out, but for
the speed of links and the state of BFD sessions, which change seldom.
"""

from __future__ import annotations

from typing import Any

from ovs.db.schema import DbSchema

DATABASE = "Open_vSwitch"

_TEXT = "string"
_MAYBE_TEXT = {"key": "string", "min": 0, "max": 1}
_MAYBE_INTEGER = {"key": "integer", "min": 0, "max": 1}
_TEXTS = {"key": "string", "min": 0, "max": "unlimited"}
_ROWS = {"key": "uuid", "min": 0, "max": "unlimited"}
_MAYBE_ROW = {"key": "uuid", "min": 0, "max": 1}
_MAP = {"key": "string", "value": "string", "min": 0, "max": "unlimited"}

COLUMNS: dict[str, dict[str, Any]] = {
    "Open_vSwitch": {"bridges": _ROWS, "manager_options": _ROWS, "external_ids": _MAP},
    "Bridge": {
        "name": _TEXT,
        "datapath_type": _TEXT,
        "datapath_id": _MAYBE_TEXT,
        "fail_mode": _MAYBE_TEXT,
        "protocols": _TEXTS,
        "ports": _ROWS,
        "controller": _ROWS,
        "mirrors": _ROWS,
        "other_config": _MAP,
        "external_ids": _MAP,
    },
    "Port": {"name": _TEXT, "interfaces": _ROWS, "qos": _MAYBE_ROW, "external_ids": _MAP},
    "Interface": {
        "name": _TEXT,
        "type": _TEXT,
        "ofport": _MAYBE_INTEGER,
        "ofport_request": _MAYBE_INTEGER,
        "mtu": _MAYBE_INTEGER,
        "mtu_request": _MAYBE_INTEGER,
        "options": _MAP,
        "bfd": _MAP,
        "bfd_status": _MAP,
        "external_ids": _MAP,
        "error": _MAYBE_TEXT,
        "link_speed": _MAYBE_INTEGER,
        "link_state": _MAYBE_TEXT,
    },
    "Controller": {
        "target": _TEXT,
        "connection_mode": _MAYBE_TEXT,
        "max_backoff": _MAYBE_INTEGER,
        "inactivity_probe": _MAYBE_INTEGER,
    },
    "Manager": {"target": _TEXT, "external_ids": _MAP},
    "QoS": {
        "type": _TEXT,
        "queues": {"key": "integer", "value": "uuid", "min": 0, "max": "unlimited"},
        "other_config": _MAP,
        "external_ids": _MAP,
    },
    "Queue": {"dscp": _MAYBE_INTEGER, "other_config": _MAP, "external_ids": _MAP},
    "Mirror": {
        "name": _TEXT,
        "select_all": "boolean",
        "select_src_port": _ROWS,
        "select_dst_port": _ROWS,
        "select_vlan": {"key": "integer", "min": 0, "max": 4096},
        "output_port": _MAYBE_ROW,
        "output_vlan": _MAYBE_INTEGER,
        "snaplen": _MAYBE_INTEGER,
        "external_ids": _MAP,
    },
}

SCHEMA = DbSchema.from_json(
    {
        "name": DATABASE,
        "tables": {
            table: {"columns": {name: {"type": kind} for name, kind in columns.items()}}
            for table, columns in COLUMNS.items()
        },
    }
)


def monitor_params(monitor: str) -> list[Any]:
    """Parameters of the `monitor` request (RFC 7047, section 4.1.5) for all of these columns."""
    return [DATABASE, monitor, {table: {"columns": list(columns)} for table, columns in COLUMNS.items()}]


# Parameters of a `transact` request (RFC 7047, section 4.1.3) that asks who the hypervisor is, and no more.
IDENTITY: list[Any] = [
    DATABASE, {"op": "select", "table": "Open_vSwitch", "where": [], "columns": ["_uuid", "external_ids"]}
]  # fmt: skip
