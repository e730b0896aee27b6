"""What every switch holds: how a packet goes on when no flow of a table says otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from controller.flow import Flow, output_register
from controller.model.reader import Reader
from controller.model.rows import Switch

from .pipeline import CLASSIFY, HIGHEST, MISS, MULTICAST_SOURCE, PERMIT, TABLES

_BY_NAME = {table.name: table for table in TABLES}

FLOWS = (
    *(Flow(table, MISS, (), goto=_BY_NAME[table.miss]) for table in TABLES if table.miss),
    Flow(CLASSIFY, HIGHEST, (MULTICAST_SOURCE,)),  # no station sends from a group address, and none is to be learned
    # out of the port at once: a flood takes one lookup a port so, and Open vSwitch does 4,096 a frame (MAX_RESUBMITS)
    Flow(PERMIT, MISS, (), (output_register("reg7"),)),
)


def switch(_: Switch, see: Reader) -> Iterator[Flow]:
    yield from FLOWS


HERE = {"switch": switch}
