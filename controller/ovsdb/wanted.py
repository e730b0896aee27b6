"""Wanted database rows, as values: what units yield (`controller/compile/database_rows.py`).

A row is either somebody else's, of which some columns are to be right, or ours to make and to delete.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class BridgeOf(msgspec.Struct, frozen=True):
    """Reference to the bridge with a datapath id."""

    dpid: int


class PortAt(msgspec.Struct, frozen=True):
    """Reference to the row of table Port with the interface at an OpenFlow port."""

    dpid: int
    ofport: int


class InterfaceAt(msgspec.Struct, frozen=True):
    """Reference to the row of table Interface at an OpenFlow port."""

    dpid: int
    ofport: int


class InterfaceNamed(msgspec.Struct, frozen=True):
    name: str


class OwnRow(msgspec.Struct, frozen=True):
    """Row of Tenet's in table `QoS`, `Queue` or `Mirror`.  `key`: its name, unique in the database."""

    table: str
    key: str


class OwnPort(msgspec.Struct, frozen=True):
    """Interface of Tenet's, with a port of the same name, on the bridge with a datapath id.

    Its wanted columns are those of table `Interface` that are to be right.  At most 15 characters: OVS takes no more.
    """

    dpid: int
    name: str


class AtLeast(msgspec.Struct, frozen=True):
    """Lower bound of a column: raised to `value` if column `actual`, which OVS reports, is known and less.

    It is never lowered, also not when nothing wants it any more.
    """

    value: int
    actual: str


RowOfOthers = BridgeOf | PortAt | InterfaceAt | InterfaceNamed
RowPlace = RowOfOthers | OwnRow | OwnPort
Atom = str | int | bool | RowPlace  # a place is a reference to the row there
ColumnValue = Atom | AtLeast | frozenset[Atom] | Mapping[str, str] | Mapping[int, OwnRow]


WATCHES = "tenet-watches"  # in external_ids of an interface with BFD: the id of the switch at its other end


class WantedRow(msgspec.Struct, frozen=True):
    """`columns`: of a row of ours all that are not as in a new row; of others' rows those that are to be right, and of
    their maps the keys.  `held_by`: the row and the column that refer to a row of ours, where OVS deletes it otherwise
    (a Mirror's bridge and `mirrors`).
    """

    place: RowPlace
    columns: Mapping[str, ColumnValue]
    held_by: tuple[BridgeOf, str] | None = None
