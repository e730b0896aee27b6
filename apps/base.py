"""Table-miss flows: where a packet that no flow of a table matches goes on, on every switch."""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Flow
from controller.model.reader import Reader
from controller.model.rows import Switch

from .matches import MULTICAST_SOURCE
from .pipeline import CLASSIFY, HIGHEST, MISS, TABLES

_BY_NAME = {table.name: table for table in TABLES}

FLOWS = (
    *(Flow(table, MISS, (), goto=_BY_NAME[table.miss]) for table in TABLES if table.miss),
    Flow(CLASSIFY, HIGHEST, (MULTICAST_SOURCE,)),  # no station sends from a group address, and none is to be learned
)


def switch(_: Switch, see: Reader) -> Iterator[Flow]:
    yield from FLOWS


ON_SWITCH = {"switch": switch}
